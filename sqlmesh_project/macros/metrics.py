# ruff: noqa: S608  (SQL is made of the registry's own files: that is what this module is for)
"""The registry of metrics (one file each in `metrics/`) and the SQL that is made of it.

A metric is one aggregate expression over the rows of an entity in a period. Its `relation` names whose rows: each relation is one
model, `intermediate.int_metrics__<relation>`, that computes all its metrics in one pass.
"""

from pathlib import Path

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator
from yaml import safe_load

GRAINS = {
    "day": "daily",
    "week": "weekly",
    "month": "monthly",
    "quarter": "quarterly",
    "biannual": "biannually",
    "year": "yearly",
    "all": "over_all_time",
    "28": "over_28_day_window",
    "90": "over_90_day_window",
    "180": "over_180_day_window",
}
"""What a name ends with, by how time is cut: calendar periods, all of it, windows of days."""

WINDOW_MONTHS = {28: 0, 90: 3, 180: 5}
"""Windows by their days, and how many months after a day the last one ends that ends with a month and has the day in it."""

BOUNDS = ("sum", "count_distinct")
"""Aggregations whose value over all time is published as a lower bound where days of it are withheld; else withheld."""

METRICS = [
    {**safe_load(path.read_text(encoding="utf-8")), "name": path.stem, "path": f"sqlmesh_project/metrics/{path.name}"}
    for path in sorted((Path(__file__).parent.parent / "metrics").glob("*.yaml"))
]


def cuts_of(metric: dict) -> list[str]:
    """How a metric cuts time: what it says, or every way."""
    return [str(cut) for cut in metric.get("time") or GRAINS]


@macro()
def metric_definitions(evaluator: MacroEvaluator) -> exp.Expression:  # noqa: ARG001  (SQLMesh passes it)
    """One row per metric and cut of time, with everything that the registry says."""
    columns = ("metric", "display_name", "description", "unit", "aggregation_function", "relation", "definition_source",
               "sql_source_path", "rendered_sql", "cuts")  # fmt: skip
    rows = [
        (
            metric["name"],
            metric["display_name"],
            metric["description"],
            metric["unit"],
            metric["aggregation"],
            metric["relation"],
            metric["definition_source"],
            metric["path"],
            metric["sql"],
            f",{','.join(cuts_of(metric))},",
        )
        for metric in METRICS
    ]
    known = ", ".join(f"registry.{column}" for column in columns[:-1])
    return parse_one(
        f"SELECT {known}, grains.grain, grains.suffix FROM {values(rows)} AS registry({', '.join(columns)}) "
        f"INNER JOIN {values(list(GRAINS.items()))} AS grains(grain, suffix) ON registry.cuts LIKE '%,' || grains.grain || ',%'",
        read="trino",
    )


@macro()
def metric_inputs(evaluator: MacroEvaluator) -> exp.Expression:  # noqa: ARG001  (SQLMesh passes it)
    """One row per metric and table, or category of a table, that its numbers come of; `*`: each category is a source of its own.

    `withheld_below` is the share of what truly happened below which a number is not published; 0 where it always is.
    """
    rows = [
        (metric["name"], metric["relation"], *str(given).partition(":")[::2], str(metric.get("withheld_below", 0)))
        for metric in METRICS
        for given in metric["inputs"]
    ]
    return parse_one(
        f"SELECT metric, relation, table_name, category, CAST(share AS DOUBLE) AS withheld_below "
        f"FROM {values(rows)} AS inputs(metric, relation, table_name, category, share)",
        read="trino",
    )


@macro()
def bounds_nothing(evaluator: MacroEvaluator, metric: exp.Expression) -> exp.Expression:  # noqa: ARG001  (SQLMesh passes it)
    """Whether a value of incomplete data says nothing of the true one, as of a median; a sum or a count is at least so much."""
    names = ", ".join(literal(each["name"]) for each in METRICS if each["aggregation"] not in BOUNDS)
    return parse_one(f"metric IN ({names})", read="trino").transform(
        lambda node: metric.copy() if isinstance(node, exp.Column) else node
    )


@macro()
def in_periods(
    evaluator: MacroEvaluator,  # noqa: ARG001  (SQLMesh passes it)
    relation: exp.Expression,
    columns: exp.Expression,
    needed: exp.Expression | None = None,
) -> exp.Expression:
    """The rows of a CTE once for each period that they belong to: grain, sample_date and whether it is the newest of a window.

    Calendar periods are those that are over (`as_of` is the first day that is not). A window ends with the last
    day of a month, or with the last day that is over. It reads the CTE `as_of` (day). `since` as third argument: the rows say by
    `since` and `is_changed` which samples are needed (`macros/changes.py`).
    """
    name = relation.name
    kept = ", ".join(f"{name}.{column.name}" for column in columns.expressions)
    day = f"{name}.bucket_day"
    starts = f"""CASE cuts.grain
        WHEN 'day' THEN {day}
        WHEN 'week' THEN CAST(DATE_TRUNC('week', {day}) AS DATE)
        WHEN 'month' THEN CAST(DATE_TRUNC('month', {day}) AS DATE)
        WHEN 'quarter' THEN CAST(DATE_TRUNC('quarter', {day}) AS DATE)
        WHEN 'biannual' THEN
          CAST(DATE_ADD('month', CASE WHEN MONTH({day}) > 6 THEN 6 ELSE 0 END, DATE_TRUNC('year', {day})) AS DATE)
        WHEN 'year' THEN CAST(DATE_TRUNC('year', {day}) AS DATE)
        WHEN 'all' THEN CAST(DATE_ADD('day', -1, as_of.day) AS DATE)
      END"""
    ends = f"""CASE cuts.grain
        WHEN 'all' THEN CAST(DATE_ADD('day', 1, {day}) AS DATE)
        WHEN 'day' THEN CAST(DATE_ADD('day', 1, {starts}) AS DATE)
        WHEN 'week' THEN CAST(DATE_ADD('day', 7, {starts}) AS DATE)
        ELSE CAST(DATE_ADD('month', cuts.months, {starts}) AS DATE)
      END"""
    last = f"""CAST(LAST_DAY_OF_MONTH(CAST(DATE_ADD('month', cuts.later, DATE_TRUNC('month', {day})) AS DATE)) AS DATE)"""
    of_calendar = f" AND CASE cuts.grain WHEN 'all' THEN {name}.is_changed ELSE {ends} > {name}.since END" if needed else ""
    of_windows = f" AND {last} >= {name}.since" if needed else ""
    months = [("day", 0), ("week", 0), ("month", 1), ("quarter", 3), ("biannual", 6), ("year", 12), ("all", 0)]
    later = [(str(days), -days, month) for days, most in WINDOW_MONTHS.items() for month in range(most + 1)]
    return parse_one(
        f"SELECT {kept}, {day}, cuts.grain, {starts} AS sample_date, FALSE AS is_latest "
        f"FROM {name} CROSS JOIN as_of CROSS JOIN {values(months)} AS cuts(grain, months) WHERE {ends} <= as_of.day{of_calendar} "
        f"UNION ALL SELECT {kept}, {day}, cuts.grain, {last} AS sample_date, FALSE AS is_latest "
        f"FROM {name} CROSS JOIN as_of CROSS JOIN {values(later)} AS cuts(grain, days, later) "
        f"WHERE {last} < as_of.day AND {day} > CAST(DATE_ADD('day', cuts.days, {last}) AS DATE){of_windows} "
        f"UNION ALL SELECT {kept}, {day}, cuts.grain, CAST(DATE_ADD('day', -1, as_of.day) AS DATE) AS sample_date, TRUE "
        f"FROM {name} CROSS JOIN as_of CROSS JOIN {values([(str(days), -days) for days in WINDOW_MONTHS])} AS cuts(grain, days) "
        f"WHERE {day} < as_of.day AND {day} >= CAST(DATE_ADD('day', cuts.days, as_of.day) AS DATE)",
        read="trino",
    )


@macro()
def metric_values(evaluator: MacroEvaluator, relation: exp.Expression, rows: exp.Expression) -> exp.Expression:  # noqa: ARG001
    """All metrics of a relation from its rows in periods, side by side: one group per entity and period."""
    columns = [f"{metric['sql']} AS {metric['name']}" for metric in METRICS if metric["relation"] == relation.name]
    keys = "metric_source, entity_type, entity_id, grain, sample_date, is_latest"
    return parse_one(f"SELECT {keys}, {', '.join(columns)} FROM {rows.name} GROUP BY {keys}", read="trino")


@macro()
def metric_rows(evaluator: MacroEvaluator, relation: exp.Expression, wide: exp.Expression) -> exp.Expression:  # noqa: ARG001
    """The values of `metric_values`, one row each, with the published name. What did not happen has no row; a median of 0 did."""
    metrics = [metric for metric in METRICS if metric["relation"] == relation.name]
    cases = " ".join(f"WHEN '{metric['name']}' THEN CAST(wide.{metric['name']} AS DOUBLE)" for metric in metrics)
    medians = ", ".join(f"'{metric['name']}'" for metric in metrics if metric["aggregation"] == "median")
    at_zero = f" OR (cuts.metric IN ({medians}) AND CASE cuts.metric {cases} END = 0)" if medians else ""
    pairs = values([(metric["name"], cut, GRAINS[cut]) for metric in metrics for cut in cuts_of(metric)])
    name = wide.name
    return parse_one(
        f"SELECT wide.metric_source, cuts.metric, wide.entity_type, wide.entity_id, wide.grain, wide.sample_date, "
        f"wide.is_latest, CASE cuts.metric {cases} END AS amount, "
        f"wide.metric_source || '_' || cuts.metric || '_' || cuts.suffix AS metric_name "
        f"FROM {name} AS wide INNER JOIN {pairs} AS cuts(metric, grain, suffix) ON wide.grain = cuts.grain "
        f"WHERE CASE cuts.metric {cases} END <> 0{at_zero}",
        read="trino",
    )


@macro()
def metric_columns(evaluator: MacroEvaluator) -> list[exp.Expression]:  # noqa: ARG001  (SQLMesh passes it)
    """The final columns of a model of metrics, with type and comment. Its last CTE is called `named`."""
    columns = (
        ("metric_id", "VARCHAR", "Id of the metric: base64(sha256(source + namespace + name))"),
        ("metric_name", "VARCHAR", "Name as published: <SOURCE>_<metric>_<how time is cut>"),
        ("metric_source", "VARCHAR", "What the name begins with: GITHUB, a chain, a funder …"),
        ("metric", "VARCHAR", "Metric, as the registry names it"),
        ("entity_type", "VARCHAR", "artifact, project or collection"),
        ("entity_id", "VARCHAR", "Id of the entity"),
        ("grain", "VARCHAR", "How time is cut: a calendar period, all, or the days of a window"),
        ("sample_date", "DATE", "First day of a calendar period; last day of a window, and of all time"),
        ("is_latest", "BOOLEAN", "Whether it is the newest window, which ends with the last day that is over"),
        ("amount", "DOUBLE", "Value, in the unit of the metric"),
    )
    typed_columns: list[exp.Expression] = []
    for column, kind, comment in columns:
        typed = exp.alias_(exp.cast(exp.column(column), kind), column)
        typed.add_comments([comment])
        typed_columns.append(typed)
    return typed_columns


def values(rows: list[tuple]) -> str:
    """Rows as VALUES."""
    return "(VALUES " + ", ".join("(" + ", ".join(literal(value) for value in row) + ")" for row in rows) + ")"


def literal(value: str | int) -> str:
    """A value as SQL has it."""
    return str(value) if isinstance(value, int) else "'" + value.strip().replace("'", "''") + "'"
