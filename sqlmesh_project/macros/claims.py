"""What all models of claims have in common: the columns of a claim. Which entries claim what is theirs."""

from sqlglot import exp
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator


@macro()
def claim_columns(
    evaluator: MacroEvaluator, namespace_comment: exp.Expression, name_comment: exp.Expression
) -> list[exp.Expression]:
    """The final columns of a claim, with type and comment; the two comments say what namespace and name are in the model."""
    del evaluator
    columns = (
        ("project_name", "VARCHAR", "Project that lists the entry"),
        ("kind", "VARCHAR", "List that the entry stands in"),
        ("position", "BIGINT", "Place in that list, from 0"),
        ("url", "VARCHAR", "Address as it stands in the directory"),
        ("artifact_source", "VARCHAR", "System that the artifact lives in"),
        ("artifact_namespace", "VARCHAR", namespace_comment.name),
        ("artifact_name", "VARCHAR", name_comment.name),
        ("artifact_url", "VARCHAR", "Canonical address of the artifact"),
        ("is_organization", "BOOLEAN", "Whether it names an organisation instead of one artifact"),
        ("reason", "VARCHAR", "Why it is rejected; empty when it is not"),
    )
    found: list[exp.Expression] = []
    for column, kind, comment in columns:
        typed = exp.alias_(exp.cast(exp.column(column), kind), column)
        typed.add_comments([comment])
        found.append(typed)
    return found
