"""Objectives that had data once and have none any more: a probe that died reports no failure.

One that never had data is silent by design: nobody configured it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.domain.objectives.slo import Indicator, Objective

SILENT_AFTER: Mapping[Indicator, timedelta] = {
    Indicator.SAMPLES: timedelta(hours=1),
    Indicator.FAMILIES: timedelta(days=2),
    Indicator.ATTEMPTS: timedelta(days=2),
    Indicator.SECOND_COUNTS: timedelta(days=3),
}
"""For how long nothing may be counted before somebody is alerted. Freshness and completeness are never without data."""


LOOKED_ONCE = "demo_"
"""How the slices begin that were looked at once, on purpose: nothing measures them regularly, and nobody misses them."""


@dataclass(frozen=True)
class Silence:
    """An objective for which nothing was counted after `since`, or one `slice` of it: an application of several."""

    objective: Objective
    since: datetime
    slice: str = ""


def silent_slices(
    objectives: Iterable[Objective],
    last_samples: Mapping[tuple[str, str], datetime],
    now: datetime,
    windows: Iterable[Maintenance] = (),
) -> list[Silence]:
    """The slices that fell silent while others of their objective did not; `last_samples` is by objective and slice.

    One that has left the window of its objective is no more measured, and is not missed.
    """
    declared, silent = list(windows), []
    for objective in objectives:
        patience = SILENT_AFTER.get(objective.indicator)
        mine = {slice_: at for (id_, slice_), at in last_samples.items() if id_ == objective.id}
        if patience is None or objective.window is None or not mine or now - max(mine.values()) > patience:
            continue  # all of it is silent: `silences` says so
        for slice_, at in sorted(mine.items()):
            working = any(window.covers(objective.service, objective.name, slice_, now) for window in declared)
            if patience < now - at <= objective.window and not working:
                silent.append(Silence(objective, at, slice_))
    return silent


def silences(
    objectives: Iterable[Objective], last_data: Mapping[str, datetime], now: datetime, windows: Iterable[Maintenance] = ()
) -> list[Silence]:
    """The objectives that fell silent; `last_data` is when something was last counted, by id. Not during their maintenance."""
    declared = list(windows)
    silent = []
    for objective in objectives:
        patience, last = SILENT_AFTER.get(objective.indicator), last_data.get(objective.id)
        working = any(window.covers(objective.service, objective.name, "", now) for window in declared)
        if patience is not None and last is not None and now - last > patience and not working:
            silent.append(Silence(objective, last))
    return silent
