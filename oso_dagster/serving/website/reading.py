"""What the pages show, asked of the engine in its own dialect. What comes from an address is quoted, never formatted in."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import quote

from oso_dagster.serving.engine.base import Engine
from oso_dagster.serving.failures import Outcome, RefusedError
from oso_dagster.serving.limits import QueryLimits

LIMITS = QueryLimits(seconds=10, rows=20_000, size=32 * 1024**2)
"""Of one query of a page."""

_FOUND = 50
_SITEMAP = 49_900
"""Search engines read 50,000 addresses of a file; some are of pages that have no name."""
_PROJECT = "SELECT project_id, project_name, display_name, description FROM marts.projects_v1"


@dataclass(frozen=True)
class Entity:
    """A project or a collection: its name in addresses, its title, what it says of itself."""

    id: str
    name: str
    title: str
    description: str


@dataclass(frozen=True)
class Match:
    """Something that a search has found: `name` is its page's (of its project, for an artifact), `origin` who lists it."""

    kind: str
    name: str
    title: str
    origin: str


@dataclass(frozen=True)
class Metric:
    """A metric as the catalogue describes it."""

    id: str
    name: str
    title: str
    description: str
    unit: str
    aggregation: str
    measure: str
    """Its name in the registry, without the source before it and the period behind."""

    @property
    def source(self) -> str:
        """What its name begins with: GITHUB, a chain, a funder."""
        return self.name.rpartition(f"_{self.measure}_")[0]


@dataclass(frozen=True)
class Value:
    """A metric's newest value of one thing."""

    metric: Metric
    amount: float
    at: date


class Reader:
    """Asks the engine; each method blocks. All raise RefusedError, also (404) for a name that there is not."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def rows(self, sql: str, limits: QueryLimits = LIMITS) -> list[list[object]]:
        """The rows of one query. What the engine finds wrong with it is our mistake, not the reader's."""
        running = self._engine.open(sql, limits, as_json=True)
        try:
            running.begin()
            return [json.loads(row) for part in running.json_rows() for row in part]
        except RefusedError as refused:
            if refused.outcome is not Outcome.USER:
                raise
            raise RefusedError("this page could not be made; it is recorded", Outcome.UNEXPECTED) from refused
        finally:
            running.close()

    def counts(self) -> dict[str, int]:
        """How many there are of what the pages show."""
        names = ("projects", "collections", "artifacts")
        tables = {name: f"{name}_v1" for name in names} | {"metrics": "metrics_v0"}
        parts = ", ".join(f"(SELECT count(*) FROM marts.{table})" for table in tables.values())  # noqa: S608  (names of ours)
        return dict(zip(tables, (int(str(number)) for number in self.rows(f"SELECT {parts}")[0]), strict=True))

    def search(self, text: str) -> list[Match]:
        """Projects, collections and artifacts whose name or title has this text; an artifact leads to its project."""
        like = f"ILIKE '%' || {quoted(_escaped(text))} || '%' ESCAPE '\\'"
        sql = f"""
            SELECT * FROM (
            SELECT 1 AS place, 'project' AS kind, project_name AS name, display_name AS title,
                lower(replace(project_source, '_', ' ')) AS origin FROM marts.projects_v1
            WHERE project_name {like} OR display_name {like}
            UNION ALL SELECT 2, 'collection', collection_name, display_name, '' FROM marts.collections_v1
            WHERE collection_name {like} OR display_name {like}
            UNION ALL SELECT DISTINCT 3, 'artifact', project_name,
                concat_ws('/', lower(artifact_source), nullif(artifact_namespace, ''), artifact_name), ''
            FROM marts.artifacts_by_project_v1 WHERE concat_ws('/', nullif(artifact_namespace, ''), artifact_name) {like}
            ) ORDER BY place, length(name), name, title, origin LIMIT {_FOUND}"""  # noqa: S608  (quoted)
        return [Match(str(kind), str(name), str(title or name), str(origin)) for _, kind, name, title, origin in self.rows(sql)]

    def project(self, name: str) -> Entity:
        """The project of that name; of several, that of OSS Directory."""
        rows = self.rows(
            f"{_PROJECT} WHERE project_name = {quoted(name)} ORDER BY project_source <> 'OSS_DIRECTORY', project_source LIMIT 1"
        )
        return _entity(rows, "project", name)

    def collection(self, name: str) -> Entity:
        """The collection of that name."""
        columns = "collection_id, collection_name, display_name, description"
        sql = f"SELECT {columns} FROM marts.collections_v1 WHERE collection_name = {quoted(name)} LIMIT 1"  # noqa: S608  (quoted)
        return _entity(self.rows(sql), "collection", name)

    def collections(self) -> list[tuple[Entity, int]]:
        """Every collection with how many projects it has, by title."""
        sql = """
            SELECT c.collection_id, c.collection_name, c.display_name, c.description, count(p.project_id)
            FROM marts.collections_v1 AS c LEFT JOIN marts.projects_by_collection_v1 AS p USING (collection_id)
            GROUP BY 1, 2, 3, 4 ORDER BY lower(coalesce(c.display_name, c.collection_name))"""
        return [(_entity([row[:4]], "collection", ""), int(str(row[4]))) for row in self.rows(sql)]

    def collections_of(self, project: Entity) -> list[tuple[str, str]]:
        """Name and title of the collections that a project is in."""
        sql = f"""
            SELECT c.collection_name, coalesce(c.display_name, c.collection_name)
            FROM marts.projects_by_collection_v1 AS p JOIN marts.collections_v1 AS c USING (collection_id)
            WHERE p.project_id = {quoted(project.id)} ORDER BY 2"""  # noqa: S608  (quoted)
        return [(str(name), str(title)) for name, title in self.rows(sql)]

    def artifacts_of(self, project: Entity) -> list[tuple[str, str, str]]:
        """Source, name and address (or nothing) of what a project is made of."""
        sql = f"""
            SELECT p.artifact_source, concat_ws('/', nullif(p.artifact_namespace, ''), p.artifact_name), any_value(a.artifact_url)
            FROM marts.artifacts_by_project_v1 AS p LEFT JOIN marts.artifacts_v1 AS a USING (artifact_id)
            WHERE p.project_id = {quoted(project.id)} GROUP BY 1, 2 ORDER BY 1, 2"""  # noqa: S608  (quoted)
        return [(str(source), str(name), str(url or "")) for source, name, url in self.rows(sql)]

    def metrics(self) -> dict[str, Metric]:
        """The whole catalogue, by name."""
        sql = """SELECT metric_id, metric_name, coalesce(display_name, metric_name), coalesce(description, ''),
            coalesce(unit, ''), coalesce(aggregation_function, ''), regexp_extract(sql_source_path, '([^/]+)[.]yaml$', 1)
            FROM marts.metrics_v0 ORDER BY metric_name"""
        return {str(row[1]): Metric(*(str(cell) for cell in row)) for row in self.rows(sql)}

    def values_of(self, project: Entity, catalogue: dict[str, Metric]) -> dict[str, Value]:
        """The newest value of every metric of a project, by the metric's name."""
        by_id = {metric.id: metric for metric in catalogue.values()}
        sql = f"""SELECT metric_id, amount, sample_date FROM marts.key_metrics_by_project_v0
            WHERE project_id = {quoted(project.id)} AND amount IS NOT NULL"""  # noqa: S608  (quoted)
        values = [(by_id[str(id_)], amount, day) for id_, amount, day in self.rows(sql) if str(id_) in by_id]
        return {
            m.name: Value(m, float(str(amount)), date.fromisoformat(str(day)[:10]))
            for m, amount, day in values
            if amount is not None
        }

    def series_of(self, project: Entity, metrics: list[Metric]) -> dict[str, list[tuple[date, float]]]:
        """The values over time of these metrics of a project, by the metric's name, oldest first."""
        names = {metric.id: metric.name for metric in metrics}
        if not names:
            return {}
        rows = self.rows(f"{series_sql(project, metrics)} ORDER BY metric_id, sample_date")
        series: dict[str, list[tuple[date, float]]] = {}
        for id_, day, amount in rows:
            if amount is not None:
                series.setdefault(names[str(id_)], []).append((date.fromisoformat(str(day)[:10]), float(str(amount))))
        return series

    def ranking(self, collection: Entity, metric: Metric) -> list[tuple[str, str, float | None]]:
        """Name, title and newest value of a collection's projects, the largest first; those without a value last."""
        rows = self.rows(ranking_sql(collection, metric))
        return [(str(n), str(title), None if amount is None else float(str(amount))) for n, title, amount in rows]

    def paths(self) -> list[str]:
        """The addresses of the pages of projects and collections, by name, as many as a sitemap may have.

        A name with a `/` leads to no page.
        """
        sql = f"""SELECT * FROM (SELECT 'collections' AS kind, collection_name AS name FROM marts.collections_v1
            UNION SELECT 'projects', project_name FROM marts.projects_v1)
            WHERE name <> '' AND NOT contains(name, '/') ORDER BY 1, 2 LIMIT {_SITEMAP}"""  # noqa: S608  (a number of ours)
        return [f"/{kind}/{quote(str(name), safe='')}" for kind, name in self.rows(sql, replace(LIMITS, rows=_SITEMAP))]

    def leading(self, metric: Metric, number: int) -> list[tuple[str, str, float]]:
        """Name, title and newest value of the projects in which a metric is largest."""
        sql = f"""SELECT p.project_name, coalesce(p.display_name, p.project_name), k.amount
            FROM marts.key_metrics_by_project_v0 AS k JOIN marts.projects_v1 AS p USING (project_id)
            WHERE k.metric_id = {quoted(metric.id)} AND p.project_source = 'OSS_DIRECTORY'
            ORDER BY k.amount DESC NULLS LAST, 1 LIMIT {number:d}"""  # noqa: S608  (quoted)
        return [(str(name), str(title), float(str(amount))) for name, title, amount in self.rows(sql) if amount is not None]


def series_sql(project: Entity, metrics: list[Metric]) -> str:
    """The values over time of metrics of a project, as a query."""
    ids = ", ".join(quoted(metric.id) for metric in metrics)
    return f"""SELECT metric_id, sample_date, amount FROM marts.timeseries_metrics_by_project_v0
        WHERE project_id = {quoted(project.id)} AND metric_id IN ({ids})"""  # noqa: S608  (quoted)


def ranking_sql(collection: Entity, metric: Metric) -> str:
    """The ranking of a collection's projects by a metric, as a query."""
    return f"""SELECT p.project_name, coalesce(p.display_name, p.project_name) AS display_name, k.amount
        FROM marts.projects_by_collection_v1 AS c JOIN marts.projects_v1 AS p USING (project_id)
        LEFT JOIN marts.key_metrics_by_project_v0 AS k ON k.project_id = p.project_id AND k.metric_id = {quoted(metric.id)}
        WHERE c.collection_id = {quoted(collection.id)} ORDER BY k.amount DESC NULLS LAST, 1"""  # noqa: S608  (quoted)


def quoted(text: str) -> str:
    """A text as a literal of SQL."""
    return "'" + text.replace("\x00", "").replace("'", "''") + "'"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _entity(rows: list[list[object]], kind: str, name: str) -> Entity:
    if not rows:
        raise RefusedError(f"there is no {kind} called {name[:80]}", Outcome.USER, status=404)
    id_, own_name, title, description = rows[0]
    return Entity(str(id_), str(own_name), str(title or own_name), str(description or ""))
