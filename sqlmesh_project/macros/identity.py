"""The ids of entities. Belongs here: SQL that has to be written once per engine. Models stay in the Trino dialect."""

from sqlglot import exp
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator


@macro()
def entity_id(
    evaluator: MacroEvaluator, source: exp.Expression, namespace: exp.Expression, name: exp.Expression
) -> exp.Expression:
    """base64(sha256(source + namespace + name)): the ids that OSO has published.

    There is no separator, as published: ('GITHUB', 'ab', 'c') and ('GITHUB', 'a', 'bc') share an id. Audits count that.
    DuckDB's sha256 gives hexadecimal text where Trino's gives bytes, and no function is right on both.
    """
    text = exp.DPipe(this=exp.DPipe(this=source, expression=namespace), expression=name)
    adapter = evaluator.locals.get("engine_adapter")
    if adapter is not None and adapter.dialect == "duckdb":
        return exp.Anonymous(
            this="to_base64",
            expressions=[exp.Anonymous(this="unhex", expressions=[exp.Anonymous(this="sha256", expressions=[text])])],
        )
    as_bytes = exp.Anonymous(this="sha256", expressions=[exp.Anonymous(this="to_utf8", expressions=[text])])
    return exp.Anonymous(this="to_base64", expressions=[as_bytes])


@macro()
def entity_id_hex(
    evaluator: MacroEvaluator, source: exp.Expression, namespace: exp.Expression, name: exp.Expression
) -> exp.Expression:
    """The hash of `entity_id` in lower-case hexadecimal digits, the form that later code of OSO uses."""
    text = exp.DPipe(this=exp.DPipe(this=source, expression=namespace), expression=name)
    adapter = evaluator.locals.get("engine_adapter")
    if adapter is not None and adapter.dialect == "duckdb":
        return exp.Anonymous(this="sha256", expressions=[text])
    as_bytes = exp.Anonymous(this="sha256", expressions=[exp.Anonymous(this="to_utf8", expressions=[text])])
    return exp.Lower(this=exp.Anonymous(this="to_hex", expressions=[as_bytes]))
