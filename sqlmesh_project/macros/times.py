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


@macro()
def sample_start(evaluator: MacroEvaluator, grain: exp.Expression, sample: exp.Expression) -> exp.Expression:  # noqa: ARG001  (SQLMesh passes it)
    """First day that a sample is about: its date; of a window (named by its days) so many days before its end; of `all` 1970."""
    text = (
        "CASE grain_of_it WHEN 'all' THEN DATE '1970-01-01' WHEN '28' THEN CAST(DATE_ADD('day', -27, sample) AS DATE) "
        "WHEN '90' THEN CAST(DATE_ADD('day', -89, sample) AS DATE) WHEN '180' THEN CAST(DATE_ADD('day', -179, sample) AS DATE) "
        "ELSE sample END"
    )
    return _with(text, grain_of_it=grain, sample=sample)


@macro()
def sample_end(evaluator: MacroEvaluator, grain: exp.Expression, sample: exp.Expression) -> exp.Expression:  # noqa: ARG001  (SQLMesh passes it)
    """First day after those that a sample is about."""
    units = {"week": ("day", 7), "month": ("month", 1), "quarter": ("month", 3), "biannual": ("month", 6), "year": ("month", 12)}
    cases = " ".join(
        f"WHEN '{name}' THEN CAST(DATE_ADD('{unit}', {many}, sample) AS DATE)" for name, (unit, many) in units.items()
    )
    return _with(f"CASE grain_of_it {cases} ELSE CAST(DATE_ADD('day', 1, sample) AS DATE) END", grain_of_it=grain, sample=sample)


def _with(text: str, **given: exp.Expression) -> exp.Expression:
    """SQL with expressions in the place of names."""
    return parse_one(text, read="trino").transform(
        lambda node: given[node.name].copy() if isinstance(node, exp.Column) and node.name in given else node
    )
