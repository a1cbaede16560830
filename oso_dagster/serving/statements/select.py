"""One SELECT: parsed, held against what is allowed, its names resolved, written again for the engine.

What runs is what sqlglot writes of the tree that was examined, never the text that came: comments, odd quoting and a second
statement cannot pass by.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp, parse
from sqlglot.errors import SqlglotError

from oso_dagster.serving.failures import Outcome, RefusedError
from oso_dagster.serving.published import Published, PublishedTable
from oso_dagster.serving.statements.allowed import refused_part

ENGINE = "duckdb"
DIALECTS = ("trino", "duckdb")
"""In which a question may be written; `pyoso` sends Trino's."""

_MOST_CHARACTERS = 100_000
_MOST_NODES = 20_000


@dataclass(frozen=True)
class Select:
    """A query ready to run: the text for the engine, the published tables that it reads, by full name, and the texts in it."""

    sql: str
    tables: tuple[str, ...]
    literals: tuple[str, ...] = ()


def parse_one(text: str, dialect: str) -> exp.Expr:
    """The one statement of a text. Raises RefusedError."""
    if dialect not in DIALECTS:
        raise RefusedError(f"the dialect is one of {', '.join(DIALECTS)}, not {dialect[:40]}", Outcome.USER)
    if len(text) > _MOST_CHARACTERS:
        raise RefusedError(f"the query is longer than {_MOST_CHARACTERS:,} characters", Outcome.USER)
    try:
        statements = [statement for statement in parse(text, dialect=dialect) if statement is not None]
    except (SqlglotError, RecursionError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else "it is nested too deeply"
        raise RefusedError(f"the query cannot be read as {dialect}: {first[:300]}", Outcome.USER) from None
    if len(statements) != 1:
        raise RefusedError(f"one statement is answered at a time, not {len(statements)}", Outcome.USER)
    return statements[0]


def checked(statement: exp.Expr, published: Published) -> Select:
    """The statement as a query over published tables. Raises RefusedError for everything else."""
    if not isinstance(statement, exp.Query):
        raise RefusedError("only SELECT is answered here, and SHOW TABLES, SHOW COLUMNS, DESCRIBE, EXPLAIN", Outcome.USER)
    try:
        nodes = list(statement.walk())
        if len(nodes) > _MOST_NODES:
            raise RefusedError(f"the query has more than {_MOST_NODES:,} parts", Outcome.USER)
        for node in nodes:
            if reason := refused_part(node):
                raise RefusedError(reason, Outcome.USER)
        named = [node for node in nodes if isinstance(node, exp.Table)]
        _without_schemas([node for node in nodes if isinstance(node, exp.Column)], {node.name.lower() for node in named})
        tables = [_resolved(node, published) for node in named]
        sql = statement.sql(dialect=ENGINE, comments=False, identify=True)
    except RecursionError:
        raise RefusedError("the query is nested too deeply", Outcome.USER) from None
    except SqlglotError as error:
        raise RefusedError(f"this cannot be answered: {str(error)[:300]}", Outcome.USER) from None
    literals = tuple(node.name for node in nodes if isinstance(node, exp.Literal) and node.is_string)
    return Select(sql, tuple(sorted({table.full_name for table in tables if table is not None})), literals)


def _resolved(node: exp.Table, published: Published) -> PublishedTable | None:
    """Give a table its full name, keeping the one by which the rest of the query calls it; None for a CTE."""
    if not node.db and not node.catalog and _names_cte(node):
        return None
    if node.catalog:
        raise RefusedError(f"{node.sql()[:80]}: there is one catalogue; write schema.table or the bare name", Outcome.USER)
    table = published.resolve(node.db, node.name)
    if not node.alias:
        node.set("alias", exp.TableAlias(this=node.this.copy()))
    node.set("db", exp.to_identifier(table.schema, quoted=True))
    node.set("this", exp.to_identifier(table.name, quoted=True))
    return table


def _names_cte(node: exp.Table) -> bool:
    """Whether a bare name is that of a CTE which is visible where it stands."""
    child: exp.Expr = node
    parent: exp.Expr | None = node.parent
    while parent is not None:
        if isinstance(parent, exp.With):
            visible = parent.expressions[: parent.expressions.index(child) + (1 if parent.recursive else 0)]
        else:
            clause = parent.args.get("with_")
            visible = clause.expressions if clause is not None and clause is not child else []
        if any(cte.alias.lower() == node.name.lower() for cte in visible):
            return True
        child, parent = parent, parent.parent
    return False


def _without_schemas(columns: list[exp.Column], tables: set[str]) -> None:
    """`oso.projects_v1.project_id` as `projects_v1.project_id`: tables are called by their bare name inside the query."""
    for column in columns:
        if column.db and not column.catalog and column.table.lower() in tables:
            column.set("db", None)
