"""Questions about names, answered from what is published without asking the engine: SHOW, DESCRIBE, EXPLAIN."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate

from oso_dagster.serving.failures import Outcome, RefusedError
from oso_dagster.serving.published import PUBLIC_SCHEMA, Published, PublishedTable
from oso_dagster.serving.statements.select import Select, checked, parse_one

_NAME = r'"?(?P<first>[\w$]+)"?(?:\s*\.\s*"?(?P<second>[\w$]+)"?)?'
_TABLES = re.compile(
    r"SHOW\s+TABLES(?:\s+(?:FROM|IN)\s+\"?(?P<schema>[\w$]+)\"?)?(?:\s+LIKE\s+'(?P<like>[^']*)')?", re.IGNORECASE
)
_COLUMNS = re.compile(rf"(?:SHOW\s+COLUMNS\s+(?:FROM|IN)|DESCRIBE|DESC)\s+{_NAME}", re.IGNORECASE)
_SCHEMAS = re.compile(r"SHOW\s+SCHEMAS", re.IGNORECASE)
_EXPLAIN = re.compile(r"EXPLAIN\s+(?!ANALYZE\b)(?P<query>.+)", re.IGNORECASE | re.DOTALL)

_LONGEST_PATTERN = 200


@dataclass(frozen=True)
class NameAnswer:
    """A small answer that is known at once: the names of its columns, its rows, and the tables that it is about."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    tables: tuple[str, ...] = ()
    literals: tuple[str, ...] = ()


def understood(text: str, dialect: str, published: Published) -> Select | NameAnswer:
    """What a text asks for: a query over published tables, or an answer from the names alone. Raises RefusedError."""
    asked = text.strip().removesuffix(";").rstrip()
    if answer := _about_names(asked, dialect, published):
        return answer
    return checked(parse_one(asked, dialect), published)


def _about_names(asked: str, dialect: str, published: Published) -> NameAnswer | None:
    if match := _TABLES.fullmatch(asked):
        return _tables(published, (match["schema"] or PUBLIC_SCHEMA).lower(), match["like"])
    if _SCHEMAS.fullmatch(asked):
        return NameAnswer(("Schema",), tuple((name,) for name in _schemas(published)))
    if match := _COLUMNS.fullmatch(asked):
        schema, name = (match["first"], match["second"]) if match["second"] else ("", match["first"])
        return _columns(published.resolve(schema, name))
    if match := _EXPLAIN.fullmatch(asked):
        query = checked(parse_one(match["query"], dialect), published)
        return _plan(query, published)
    return None


def _tables(published: Published, schema: str, like: str | None) -> NameAnswer:
    if schema not in _schemas(published):
        raise RefusedError(f"no schema is called {schema}; there are: {', '.join(_schemas(published))}", Outcome.USER)
    wanted = "marts" if schema == PUBLIC_SCHEMA else schema
    names = [table.name for table in published.tables.values() if table.schema == wanted]
    if like is not None:
        matches = _like(like)
        names = [name for name in names if matches.match(name)]
    return NameAnswer(("Table",), tuple((name,) for name in sorted(names)))


def _like(pattern: str) -> re.Pattern[str]:
    """A pattern of LIKE as one of a shell, whose matching takes no longer with every `%` more. Raises RefusedError."""
    if len(pattern) > _LONGEST_PATTERN:
        raise RefusedError(f"a pattern has {_LONGEST_PATTERN} characters at most", Outcome.USER)
    signs = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}
    return re.compile(translate("".join(signs.get(sign, sign) for sign in pattern)))


def _schemas(published: Published) -> list[str]:
    return sorted({PUBLIC_SCHEMA, *(table.schema for table in published.tables.values())})


def _columns(table: PublishedTable) -> NameAnswer:
    rows = tuple(
        (
            column.name,
            column.type.lower(),
            going.words if (going := column.deprecation or table.deprecation) else "",
            column.description,
        )
        for column in table.columns
    )
    return NameAnswer(("Column", "Type", "Extra", "Comment"), rows, (table.full_name,))


def _plan(query: Select, published: Published) -> NameAnswer:
    """What a query would read, one line each, as far as the names say; nothing is run."""
    lines = [f"runs: {query.sql}"]
    for table in published.closure(query.tables):
        how = "reads" if table.full_name in query.tables else "derived from"
        lines.append(f"{how} {table.full_name}: {table.description.splitlines()[0] if table.description else ''}".rstrip(": "))
        if table.full_name in query.tables:
            going = {table.full_name: table.deprecation} | {column.name: column.deprecation for column in table.columns}
            lines += [f"{name} is {deprecation.words}" for name, deprecation in going.items() if deprecation]
    return NameAnswer(("Query Plan",), tuple((line,) for line in lines), query.tables)
