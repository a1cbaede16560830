"""What a table has learned of its own past: the bands that its next load is held against, and how often they would have alarmed.

Pure: past loads in, plain values out. The bands themselves are `usual`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from oso_dagster.domain.catalogue.truth import Regime
from oso_dagster.domain.judging.usual import (
    Band,
    PastLoad,
    of_regime,
    unusual_mix,
    unusual_sums,
    usual_amount,
    usual_rows,
    usual_shares,
    weekly_rhythm,
)

JUDGED_AGAIN = 90
"""Of the newest loads, how many are judged again by what was known before each."""


@dataclass(frozen=True)
class Learned:
    """The bands of a table on a day, the rhythm of its weeks, and the alarms that its newest loads would have raised.

    `rows` is None before there are five loads. `rhythm` is by weekday (0: Monday), as a share of the largest. `alarms` counts, by
    what was judged (`rows`, `sums`, `mix`), those of `judged` loads.
    """

    loads: int
    rows: tuple[int, int] | None = None
    sums: Mapping[str, Band] = field(default_factory=dict)
    mix: Mapping[str, Mapping[str, Band]] = field(default_factory=dict)
    rhythm: Mapping[int, float] | None = None
    judged: int = 0
    alarms: Mapping[str, int] = field(default_factory=dict)


def learned(past: Sequence[PastLoad], regimes: Sequence[Regime], day: date) -> Learned:
    """What `past` (in any order) says of a load of `day`."""
    known = sorted(of_regime(past, regimes, day), key=lambda load: load.day)
    if not known:
        return Learned(0)
    newest = known[-1]
    totals = {column: [(load.day, load.sums[column]) for load in known if column in load.sums] for column in newest.sums}
    sums = {column: usual_amount(amounts, day) for column, amounts in totals.items()}
    judged, alarms = _judged_again(known, regimes)
    return Learned(
        len(known),
        usual_rows(known, day),
        {column: band for column, band in sums.items() if band is not None},
        {column: usual_shares(column, known, day, newest.rows) for column in newest.mix},
        weekly_rhythm([(load.day, load.rows) for load in known], day),
        judged,
        alarms,
    )


def _judged_again(known: Sequence[PastLoad], regimes: Sequence[Regime]) -> tuple[int, dict[str, int]]:
    judged, alarms = 0, dict.fromkeys(("rows", "sums", "mix"), 0)
    for place in range(max(0, len(known) - JUDGED_AGAIN), len(known)):
        now = known[place]
        before = of_regime(known[:place], regimes, now.day)
        band = usual_rows(before, now.day)
        if band is None:
            continue
        judged += 1
        alarms["rows"] += not band[0] <= now.rows <= band[1]
        alarms["sums"] += bool(unusual_sums(now, before))
        alarms["mix"] += bool(unusual_mix(now, before))
    return judged, alarms
