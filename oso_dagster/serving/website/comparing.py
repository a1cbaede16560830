"""Up to five projects side by side: their newest values by family, and one metric of each over time, on one scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from oso_dagster.serving.failures import Outcome, RefusedError
from oso_dagster.serving.website import charts
from oso_dagster.serving.website.courses import pieces
from oso_dagster.serving.website.families import chosen_periods
from oso_dagster.serving.website.reading import Entity, Metric, Reader, Value
from oso_dagster.serving.website.standing import Standing, standings
from oso_dagster.serving.website.stated import OverTime, shown

MOST = 5
DRAWN = "GITHUB_commits_weekly"
"""What is drawn where nobody has chosen."""


@dataclass(frozen=True)
class Row:
    """One metric: of each project its value and what stands before it (`at least`), or nothing."""

    metric: Metric
    cells: Sequence[tuple[Value | None, str]]


@dataclass(frozen=True)
class Comparison:
    """The projects with their charts in the same order, and the rows of the table."""

    projects: Sequence[Entity]
    drawings: Sequence[Markup]
    rows: Sequence[Row]


def comparison_of(reader: Reader, names: Sequence[str], metrics: Mapping[str, Metric], metric: Metric | None) -> Comparison:
    """The comparison of the projects with these names. Raises RefusedError for too many, and (404) for one that there is not."""
    if len(names) > MOST:
        raise RefusedError(f"up to {MOST} projects are compared, not {len(names)}", Outcome.USER)
    projects = [reader.project(name) for name in names]
    values = [reader.values_of(project, dict(metrics)) for project in projects]
    wanted = chosen_periods({name for known in values for name in known})
    stated = standings(reader, [metrics[name] for name in wanted])
    rows = [
        Row(metrics[name], [(known.get(name), stated[name].before(known[name].at) if name in known else "") for known in values])
        for name in wanted
    ]
    drawings = _drawings(reader, projects, metric) if metric and projects else []
    return Comparison(projects, drawings, rows)


def _drawings(reader: Reader, projects: Sequence[Entity], metric: Metric) -> list[Markup]:
    standing = standings(reader, [metric])[metric.name]
    series = [reader.series_of(project, [metric]).get(metric.name, []) for project in projects]
    top = max((value for points in series for _, value in points), default=0.0)
    drawings = []
    for project, points in zip(projects, series, strict=True):
        over_time = shown(standing, points)
        course, _ = pieces(metric, points, over_time.withheld)
        title = f"{metric.title} of {project.title} over time"
        drawings.append(charts.line(course, title, metric.unit, over_time.marks, top))
    return drawings


def drawn_over_time(reader: Reader, project: Entity, metric: Metric) -> tuple[Markup, str, OverTime, Standing]:
    """A metric of a project as a chart, a sentence about its gaps, what is stated of its samples, and of the metric."""
    points = reader.series_of(project, [metric]).get(metric.name, [])
    standing = standings(reader, [metric])[metric.name]
    over_time = shown(standing, points)
    course, gaps = pieces(metric, points, over_time.withheld)
    chart = charts.line(course, f"{metric.title} of {project.title} over time", metric.unit, over_time.marks)
    return chart, gaps, over_time, standing
