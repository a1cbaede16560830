"""What `oso sources show` says of the bands that a table has learned: for programs and for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from oso_dagster.domain.judging.learned import Learned
from oso_dagster.domain.judging.usual import Band

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WHOLE_FROM = 1000
_SHOWN = 8
"""How many categories of a column people see; --json has all."""


def bands_of(learned: Learned) -> dict[str, Any]:
    """Plain values; `rows` is null before there are five loads."""
    return {
        "loads": learned.loads,
        "rows": list(learned.rows) if learned.rows else None,
        "sums": {column: _pair(band) for column, band in learned.sums.items()},
        "mix": {column: {name: _pair(band) for name, band in bands.items()} for column, bands in learned.mix.items()},
        "rhythm": {_DAYS[day]: share for day, share in learned.rhythm.items()} if learned.rhythm else None,
        "judged_again": learned.judged,
        "alarms": dict(learned.alarms),
    }


def lines_of(bands: dict[str, Any]) -> Iterator[str]:
    """A line for each thing that was learned."""
    if bands["rows"] is None:
        yield f"nothing is known to be usual yet: {bands['loads']} of 5 loads"
        return
    low, high = bands["rows"]
    yield f"usual at the next load, after {bands['loads']} loads: {low:,} to {high:,} rows"
    if bands["rhythm"]:
        yield "rhythm of the week: " + ", ".join(f"{day} {share:.0%}" for day, share in bands["rhythm"].items())
    for column, (low, high) in bands["sums"].items():
        yield f"usual total of {column}: {rounded(low)} to {rounded(high)}"
    for column, categories in bands["mix"].items():
        largest = sorted(categories.items(), key=lambda entry: -entry[1][1])
        shown = ", ".join(f"{name} {low:.1%} to {high:.1%}" for name, (low, high) in largest[:_SHOWN])
        rest = f" and {len(largest) - _SHOWN} more (--json has all)" if len(largest) > _SHOWN else ""
        yield f"usual shares of {column}: {shown or 'none is large enough'}{rest}"
    alarms = ", ".join(f"{name} {count}" for name, count in bands["alarms"].items())
    yield f"judged again by these rules, {bands['judged_again']} loads would have warned: {alarms}"


def rounded(total: float) -> str:
    """A total for people: whole from a thousand on, else four digits of it; never with an exponent for what is large."""
    return f"{total:,.0f}" if abs(total) >= _WHOLE_FROM else f"{total:,.4g}"


def _pair(band: Band) -> list[float]:
    return [band.low, band.high]
