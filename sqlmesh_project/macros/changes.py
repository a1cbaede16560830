# ruff: noqa: S608  (SQL is made of names of the project's own models)
"""Which samples of a relation have to be computed: those of an entity since the first month whose rows are others than before.

Belongs here: finding what changed. How it is written: `materializations/samples.py`. A change may be late, a correction, a
renamed account, one that became known as a bot, an artifact of another project: whatever it is, the rows of the month are others.
A model that uses these macros has the CTEs `as_of` (day), `facts` (metric_source, to_artifact_id, bucket_day and more),
`stored_marks` and `stored_all` (its own rows of these grains).
"""

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator


@macro()
def entity_marks(evaluator: MacroEvaluator, facts: exp.Expression, columns: exp.Expression) -> exp.Expression:
    """A checksum of the rows of each entity and month, days that are not over left out."""
    rows = parse_one(
        f"SELECT {facts.name}.to_artifact_id, CAST(DATE_TRUNC('month', {facts.name}.bucket_day) AS DATE) AS month "
        f"FROM {facts.name} CROSS JOIN as_of WHERE {facts.name}.bucket_day < as_of.day "
        f"GROUP BY {facts.name}.to_artifact_id, CAST(DATE_TRUNC('month', {facts.name}.bucket_day) AS DATE)",
        read="trino",
    )
    named = [exp.column(column.name, facts.name) for column in columns.expressions]
    marks = rows.select(exp.alias_(_checksum(evaluator, named), "mark"))  # type: ignore[attr-defined]
    query = parse_one(
        "SELECT entities.entity_type, entities.entity_id, marks.month FROM marks "
        "INNER JOIN intermediate.int_entities_by_artifact AS entities ON marks.to_artifact_id = entities.artifact_id "
        "GROUP BY entities.entity_type, entities.entity_id, marks.month",
        read="trino",
    )
    both = [exp.column("to_artifact_id", "marks"), exp.column("mark", "marks")]
    query = query.select(exp.alias_(_checksum(evaluator, both), "mark"))  # type: ignore[attr-defined]
    query.args["from_"].set("this", marks.subquery("marks"))
    return query


@macro()
def samples_since(evaluator: MacroEvaluator, marks: exp.Expression) -> exp.Expression:  # noqa: ARG001  (SQLMesh passes it)
    """Of each entity the first day that samples are needed for: since its first change, or since they were computed last.

    `is_changed` says whether its rows are others; `read_from` is the first day whose rows are needed: all of what changed,
    for the value over all time, else those of the longest window and of the year. Where no value over all time is stored,
    nothing was computed, or an engine without transactions was stopped after it deleted: all counts as changed.
    """
    name = marks.name
    next_day = "(SELECT CAST(DATE_ADD('day', 1, MAX(sample_date)) AS DATE) AS day FROM stored_all)"
    changes = (
        f"SELECT COALESCE({name}.entity_type, stored_marks.entity_type) AS entity_type, "
        f"COALESCE({name}.entity_id, stored_marks.entity_id) AS entity_id, "
        f"MIN(CASE WHEN {name}.mark IS DISTINCT FROM stored_marks.mark THEN COALESCE({name}.month, stored_marks.month) END) "
        f"AS first_changed "
        f"FROM {name} FULL OUTER JOIN stored_marks ON {name}.entity_type = stored_marks.entity_type "
        f"AND {name}.entity_id = stored_marks.entity_id AND {name}.month = stored_marks.month "
        f"GROUP BY COALESCE({name}.entity_type, stored_marks.entity_type), COALESCE({name}.entity_id, stored_marks.entity_id)"
    )
    since = (
        "SELECT changes.entity_type, changes.entity_id, (changes.first_changed IS NOT NULL OR next.day IS NULL) AS is_changed, "
        "CASE WHEN next.day IS NULL THEN DATE '1970-01-01' "
        "ELSE LEAST(COALESCE(changes.first_changed, next.day), next.day) END AS since "
        f"FROM ({changes}) AS changes CROSS JOIN {next_day} AS next"
    )
    return parse_one(
        "SELECT starts.entity_type, starts.entity_id, starts.is_changed, starts.since, "
        "CASE WHEN starts.is_changed THEN DATE '1970-01-01' ELSE LEAST(CAST(DATE_TRUNC('year', starts.since) AS DATE), "
        "CAST(DATE_ADD('day', -180, starts.since) AS DATE)) END AS read_from "
        f"FROM ({since}) AS starts",
        read="trino",
    )


@macro()
def with_state(evaluator: MacroEvaluator, named: exp.Expression, marks: exp.Expression, since: exp.Expression) -> exp.Expression:  # noqa: ARG001
    """The samples, with the values over all time of what did not change, the marks, and since when what is stored is replaced."""
    kept = "metric_id, metric_name, metric_source, metric, entity_type, entity_id, grain, sample_date, is_latest, amount"
    nothing = "'' AS metric_id, '' AS metric_name, '' AS metric_source"
    joined = (
        f"INNER JOIN {since.name} ON {{0}}.entity_type = {since.name}.entity_type AND {{0}}.entity_id = {since.name}.entity_id"
    )
    return parse_one(
        f"SELECT {kept} FROM {named.name} UNION ALL "
        "SELECT stored_all.metric_id, stored_all.metric_name, stored_all.metric_source, stored_all.metric, "
        "stored_all.entity_type, stored_all.entity_id, stored_all.grain, "
        "CAST(DATE_ADD('day', -1, as_of.day) AS DATE) AS sample_date, FALSE AS is_latest, stored_all.amount "
        f"FROM stored_all {joined.format('stored_all')} CROSS JOIN as_of WHERE NOT {since.name}.is_changed UNION ALL "
        f"SELECT {nothing}, {marks.name}.mark AS metric, {marks.name}.entity_type, {marks.name}.entity_id, 'mark' AS grain, "
        f"{marks.name}.month AS sample_date, FALSE AS is_latest, CAST(0 AS DOUBLE) AS amount "
        f"FROM {marks.name} {joined.format(marks.name)} "
        f"WHERE CAST(DATE_ADD('month', 1, {marks.name}.month) AS DATE) > {since.name}.since UNION ALL "
        f"SELECT {nothing}, '' AS metric, {since.name}.entity_type, {since.name}.entity_id, 'since' AS grain, "
        f"{since.name}.since AS sample_date, FALSE AS is_latest, CAST(0 AS DOUBLE) AS amount FROM {since.name}",
        read="trino",
    )


def _checksum(evaluator: MacroEvaluator, columns: list[exp.Column]) -> exp.Expression:
    """The same text for the same rows in whatever order. No function of it is in both engines."""
    adapter = evaluator.locals.get("engine_adapter")
    if adapter is not None and adapter.dialect == "duckdb":
        hashed: exp.Expression = exp.Anonymous(this="hash", expressions=columns)
        return exp.cast(exp.Sum(this=hashed), "VARCHAR")
    # Of a row, Trino's `checksum` sums what is linear in the hashes of its columns: two rows that swap a value have the same sum.
    text = exp.Anonymous(this="json_format", expressions=[exp.cast(exp.Anonymous(this="row", expressions=columns), "JSON")])
    return exp.Anonymous(this="to_hex", expressions=[exp.Anonymous(this="checksum", expressions=[text])])
