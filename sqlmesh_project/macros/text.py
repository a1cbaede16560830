"""Text as people write it. Belongs here: SQL on text that engines would read differently. Models stay in the Trino dialect."""

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator


@macro()
def trimmed(evaluator: MacroEvaluator, text: exp.Expression) -> exp.Expression:  # noqa: ARG001  (SQLMesh passes it)
    """The text without white space at its ends, newlines and tabs too: DuckDB's TRIM takes away blanks only."""
    replaced = parse_one(r"REGEXP_REPLACE(text, '^\s+|\s+\z', '')", read="trino")
    return replaced.transform(lambda node: text.copy() if isinstance(node, exp.Column) else node)
