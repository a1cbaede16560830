"""Days and periods, in UTC. Belongs here: SQL on time that engines would read differently. Models stay in the Trino dialect."""

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator


@macro()
def utc_day(evaluator: MacroEvaluator, moment: exp.Expression) -> exp.Expression:
    """The day of a timestamp with time zone, in UTC, whatever the zone of the session or of the value."""
    adapter = evaluator.locals.get("engine_adapter")
    if adapter is not None and adapter.dialect == "duckdb":
        return exp.cast(exp.Anonymous(this="timezone", expressions=[exp.Literal.string("UTC"), moment]), "DATE")
    return exp.cast(exp.Anonymous(this="at_timezone", expressions=[moment, exp.Literal.string("UTC")]), "DATE")


@macro()
def period_start(evaluator: MacroEvaluator, grain: exp.Expression, day: exp.Expression) -> exp.Expression:  # noqa: ARG001  (SQLMesh passes it)
    """First day of the week (Monday), month, quarter, half-year or year that a day lies in."""
    if grain.name == "biannual":
        half = "DATE_ADD('month', CASE WHEN MONTH(day) > 6 THEN 6 ELSE 0 END, DATE_TRUNC('year', day))"
        text = f"CAST({half} AS DATE)"
    elif grain.name == "day":
        return day
    else:
        text = f"CAST(DATE_TRUNC('{grain.name}', day) AS DATE)"
    return parse_one(text, read="trino").transform(lambda node: day.copy() if isinstance(node, exp.Column) else node)


@macro()
def period_end(evaluator: MacroEvaluator, grain: exp.Expression, start: exp.Expression) -> exp.Expression:  # noqa: ARG001  (SQLMesh passes it)
    """First day after the period that begins on `start`."""
    units = {"day": ("day", 1), "week": ("day", 7), "month": ("month", 1), "quarter": ("month", 3)}
    unit, many = {**units, "biannual": ("month", 6), "year": ("month", 12)}[grain.name]
    text = f"CAST(DATE_ADD('{unit}', {many}, start_day) AS DATE)"
    return parse_one(text, read="trino").transform(lambda node: start.copy() if isinstance(node, exp.Column) else node)
