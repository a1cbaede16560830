"""Drawings for other people's pages: a badge with a number, and a chart that needs no page around it."""

from __future__ import annotations

from markupsafe import Markup, escape

from oso_dagster.serving.website.charts import number
from oso_dagster.serving.website.families import period_text, split
from oso_dagster.serving.website.reading import Metric, Value

_LETTER = 6.6
"""Width of a letter in a badge's type, on average; `textLength` makes the text as wide as that."""

_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#565c67}.line{fill:none;stroke:#2f6fd0;stroke-width:2}circle{fill:#2f6fd0}"
    ".rule{stroke:#e0e0da}.hatch{fill:none;stroke:#8a5700}rect{opacity:.6}.change{stroke:#1b1e22;stroke-dasharray:4 3}"
    "@media(prefers-color-scheme:dark){text{fill:#a3abb6}.line{stroke:#7fb0ff}circle{fill:#7fb0ff}.rule{stroke:#2d3238}"
    ".hatch{stroke:#e6ac42}.change{stroke:#e8e8e4}}"
)


def badge(metric: Metric, value: Value | None, before: str, world: str) -> str:
    """A metric's name and newest value; `before` is what stands before the number where it is a bound (`at least`)."""
    period = period_text(split(metric.name)[1])
    label = f"{metric.title}, {period}" + ("" if world == "live" else f" ({world})")
    text = " ".join(part for part in (before, number(value.amount), metric.unit) if part) if value else "no value"
    left, right = (round(len(part) * _LETTER) + 12 for part in (label, text))
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img"><title>{title}</title>'
        '<rect width="{left}" height="20" fill="#3b4149"/><rect x="{left}" width="{right}" height="20" fill="{colour}"/>'
        '<g fill="#fff" font-family="system-ui,sans-serif" font-size="11">'
        '<text x="6" y="14" textLength="{left_text}">{label}</text>'
        '<text x="{right_at}" y="14" textLength="{right_text}">{text}</text></g></svg>'
    ).format(
        width=left + right, title=f"{label}: {text}", left=left, right=right, left_text=left - 12, right_text=right - 12,
        right_at=left + 6, label=label, text=text, colour="#8a5700" if before or value is None else "#1d4fa3",
    )  # fmt: skip


def chart(drawing: Markup, title: str, world: str) -> str:
    """A chart as a picture by itself; a sentence where there is nothing to draw."""
    if not drawing:
        return Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 40" role="img"><title>{0}</title><style>{1}</style>'
            '<text x="8" y="24">{0}: no values</text></svg>'
        ).format(title, Markup(_STYLE))  # noqa: S704  (a text of ours)
    note = "" if world == "live" else f'<text x="632" y="12" text-anchor="end">{escape(world)} world</text>'
    opened = str(drawing).replace('<svg class="chart"', '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    head, _, rest = opened.partition("</title>")
    return f"{head}</title><style>{_STYLE}</style>{note}{rest}"
