"""Charts as SVG, drawn on the server: they need no script, scale with the page and take its colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import floor, log10

from markupsafe import Markup, escape

_WIDTH, _HEIGHT = 640, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 8, 8, 28, 30
_SPARK_WIDTH, _SPARK_HEIGHT = 120, 28

Points = Sequence[tuple[date, float]]


@dataclass(frozen=True)
class Marks:
    """What a chart shows beside its line: shaded spans (first day, first day after, pattern) and labelled days, up to `last`."""

    last: date
    shaded: Sequence[tuple[date, date, str]] = ()
    days: Sequence[tuple[date, str]] = ()


PATTERNS = {"lower_bound": "M-2 2L2 -2M0 8L8 0M6 10L10 6", "withheld": "M0 8L8 0M0 0L8 8"}
"""The hatching of a shaded span: lines one way, or both."""


def line(pieces: Sequence[Points], title: str, unit: str, marks: Marks | None = None, largest: float = 0) -> Markup:
    """Values over time with the largest and the dates written out; `title` is what a screen reader says.

    Each piece is a line of its own; none is empty. `largest` is a value that has to find room, for charts on one scale.
    """
    if not pieces:
        return Markup("")
    top = _nice(max(largest, *(value for points in pieces for _, value in points)))
    first, last = pieces[0][0][0], max(pieces[-1][-1][0], marks.last) if marks else pieces[-1][-1][0]
    lines = [_placed(points, top, (_LEFT, _WIDTH - _RIGHT), (_TOP, _HEIGHT - _BOTTOM), (first, last)) for points in pieces]
    low, middle = _HEIGHT - _BOTTOM, (_TOP + _HEIGHT - _BOTTOM) / 2
    rules = "".join(f'<path class="rule" d="M{_LEFT} {y:g}H{_WIDTH - _RIGHT}"/>' for y in (_TOP, middle, low))
    words = (
        f'<text x="{_LEFT}" y="{_TOP - 5}">{escape(number(top))} {escape(unit)}</text>'
        f'<text x="{_LEFT}" y="{middle - 4:g}">{escape(number(top / 2))}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 8}">{first:%Y-%m-%d}</text>'
    )
    if last > first:
        words += f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 8}" text-anchor="end">{last:%Y-%m-%d}</text>'
    few = sum(map(len, lines)) <= 60  # noqa: PLR2004  (more would touch)
    dotted = [place for places in lines if few or len(places) == 1 for place in places]  # one value alone is no line
    dots = "".join(f'<circle cx="{x:g}" cy="{y:g}" r="2"/>' for x, y in dotted)
    return Markup(  # noqa: S704  (numbers of ours; words are escaped)
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"><title>{escape(title)}</title>'
        f"{_shaded(marks, first, last) if marks else ''}{rules}"
        f'<path class="line" d="{_path(lines)}"/>{dots}{words}'
        f"{_labelled(marks, first, last) if marks else ''}</svg>"
    )


def swatch(pattern: str) -> Markup:
    """A piece of a hatching, for a legend."""
    return Markup('<svg class="swatch" viewBox="0 0 24 16" aria-hidden="true">{}<rect width="24" height="16" {}/></svg>').format(
        _pattern(pattern, "swatch"), _filled(pattern, "swatch")
    )


def spark(pieces: Sequence[Points], title: str) -> Markup:
    """The same in the height of a line of text."""
    if not any(len(points) > 1 for points in pieces):  # no line through one point
        return Markup("")
    top = max(value for points in pieces for _, value in points) or 1
    span = pieces[0][0][0], pieces[-1][-1][0]
    lines = [_placed(points, top, (1, _SPARK_WIDTH - 1), (2, _SPARK_HEIGHT - 2), span) for points in pieces]
    return Markup(  # noqa: S704  (numbers of ours; words are escaped)
        f'<svg class="spark" viewBox="0 0 {_SPARK_WIDTH} {_SPARK_HEIGHT}" role="img"><title>{escape(title)}</title>'
        f'<path class="line" d="{_path(lines)}"/></svg>'
    )


def number(value: float) -> str:
    """A number as people read it: `1,204`, `0.83`, `3.1 × 10^18`."""
    if value == 0:
        return "0"
    size = floor(log10(abs(value)))
    if size >= 15:  # noqa: PLR2004  (a double holds no more whole digits)
        return f"{value / 10.0**size:.1f} × 10^{size}"
    if float(value).is_integer() or size >= 4:  # noqa: PLR2004
        return f"{value:,.0f}"
    return f"{value:,.2f}" if size >= -2 else f"{value:.1e}"  # noqa: PLR2004


def _placed(
    points: Points, top: float, xs: tuple[float, float], ys: tuple[float, float], span: tuple[date, date]
) -> list[tuple[float, float]]:
    """Where each point lies; time is to scale, so that a gap is as wide as it was long."""
    return [(_across(day, *span, xs), round(ys[1] - (ys[1] - ys[0]) * max(value, 0) / (top or 1), 1)) for day, value in points]


def _across(day: date, first: date, last: date, xs: tuple[float, float] = (_LEFT, _WIDTH - _RIGHT)) -> float:
    """Where a day lies between the first and the last; what is outside lies at the edge."""
    share = (day - first).days / max((last - first).days, 1)
    return round(xs[0] + (xs[1] - xs[0]) * min(max(share, 0), 1), 1)


def _shaded(marks: Marks, first: date, last: date) -> str:
    """The shaded spans, at least two units wide, with the hatchings that they need."""
    parts: list[str] = [_pattern(pattern, "chart") for pattern in sorted({pattern for _, _, pattern in marks.shaded})]
    size = f'y="{_TOP}" height="{_HEIGHT - _BOTTOM - _TOP}"'
    for since, until, pattern in marks.shaded:
        left, right = _across(since, first, last), _across(until, first, last)
        place = f'x="{min(left, _WIDTH - _RIGHT - 2):g}" width="{max(right - left, 2):g}" {size}'
        parts.append(f"<rect {place} {_filled(pattern, 'chart')}/>")
    return "".join(parts)


def _labelled(marks: Marks, first: date, last: date) -> str:
    """A line at each labelled day; labels stand below one another, on the side where there is more room."""
    parts = []
    for place, (day, label) in enumerate(marks.days):
        x, y = _across(day, first, last), _TOP + 22 + 28 * (place % 5)
        side = f'x="{x - 4:g}" text-anchor="end"' if x > _WIDTH / 2 else f'x="{x + 4:g}"'
        line_ = f'<path class="change" d="M{x:g} {_TOP}V{_HEIGHT - _BOTTOM}"/>'
        parts.append(f'{line_}<text class="change-label" {side} y="{y}">{escape(label)}</text>')
    return "".join(parts)


def _pattern(pattern: str, where: str) -> Markup:
    hatching = '<pattern id="{}-{}" width="8" height="8" patternUnits="userSpaceOnUse"><path class="hatch" d="{}"/></pattern>'
    return Markup(hatching).format(where, pattern, PATTERNS[pattern])  # noqa: S704  (a text of ours)


def _filled(pattern: str, where: str) -> Markup:
    return Markup('class="{}" fill="url(#{}-{})"').format(pattern, where, pattern)


def _path(lines: list[list[tuple[float, float]]]) -> str:
    return "".join("M" + "L".join(f"{x:g} {y:g}" for x, y in places) for places in lines)


def _nice(value: float) -> float:
    """The next round number: 1, 2 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value * 0.999999)
