"""Queries over the world's Superchain, really run: BigQuery's SQL, transpiled for DuckDB, on tables in memory.

As upstream, a query must say which days it wants, is weighed before it runs, and is refused beyond its byte ceiling.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from oso_dagster.sandbox.protocols.bigquery_answers import Failure, Finished
from oso_dagster.sandbox.world import chains
from oso_dagster.sandbox.world.world import generate

_TABLES = {"transactions": chains.TRANSACTIONS, "traces": chains.TRACES}
_PARTITION = "dt"


@dataclass(frozen=True)
class QueryRequest:
    """A query, its parameters, the most bytes that it may scan, and whether it is only weighed."""

    query: str
    parameters: Mapping[str, Any]
    ceiling: int | None
    dry: bool


def request_of(configuration: Mapping[str, Any], *, dry: bool) -> QueryRequest:
    """What a query's configuration, which is the same in both ways to ask, says."""
    parameters = {
        parameter["name"]: parameter["parameterValue"].get("value") for parameter in configuration.get("queryParameters", ())
    }
    ceiling = configuration.get("maximumBytesBilled")
    return QueryRequest(configuration["query"], parameters, int(ceiling) if ceiling else None, dry)


def run(mark: str, request: QueryRequest, project: str, job: str, fault: str | None = None) -> Finished:
    """Plan a query, weigh it, and unless it is dry run it, over raw tables that have the `fault`, if any."""
    try:
        tree = sqlglot.parse_one(_with_placeholders(request.query), read="bigquery")
    except sqlglot.ParseError as error:
        raise Failure(400, "invalidQuery", f"Syntax error: {str(error).splitlines()[0]}") from None
    tables = [_known(table) for table in tree.find_all(exp.Table)]
    _require_days(tree, tables)
    connection, lock = _loaded(mark)
    with lock:
        scanned = _weigh(connection, tree, tables, request.parameters)
        if request.ceiling is not None and scanned > request.ceiling:
            message = f"Query exceeded limit for bytes billed: {request.ceiling}. {scanned} or higher required."
            raise Failure(400, "bytesBilledLimitExceeded", message)
        for table in list(tree.find_all(exp.Table)):
            table.set("catalog", None)
            table.set("db", None)
            if fault is not None:
                table.replace(_damaged(table, fault, max(map(str, request.parameters.values()))))
        named = {placeholder.name: request.parameters.get(placeholder.name) for placeholder in tree.find_all(exp.Placeholder)}
        sql = f"SELECT * FROM ({tree.sql(dialect='duckdb')}) {'LIMIT 0' if request.dry else ''}"  # noqa: S608  (the query itself)
        try:
            done = connection.execute(sql, named)
        except duckdb.Error as error:
            raise Failure(400, "invalidQuery", str(error).splitlines()[0]) from None
        return Finished(project, job, done.description or [], done.fetchall(), scanned, dry=request.dry)


def _damaged(table: exp.Table, fault: str, day: str) -> exp.Expr:
    """The rows of a raw table as a fault leaves them, in its place; `day` is the newest one of the query."""
    busiest = "(SELECT chain FROM transactions GROUP BY chain ORDER BY count(*) DESC LIMIT 1)"
    damages = {
        "duplicate_rows": f"SELECT * FROM {table.name} UNION ALL SELECT * FROM {table.name} WHERE rowid % 3 = 0",  # noqa: S608  (our own names)
        "chain_missing": f"SELECT * FROM {table.name} WHERE NOT (chain = {busiest} AND CAST(dt AS VARCHAR) = '{day}')",  # noqa: S608
    }
    rows = sqlglot.parse_one(damages[fault], read="duckdb")
    return exp.Subquery(this=rows, alias=exp.TableAlias(this=exp.to_identifier(table.alias_or_name)))


def _with_placeholders(query: str) -> str:
    """`@name` as `:name`, which is read the same in every process: where SQLMesh is loaded, `@name` is a macro of its own."""
    tokens = pairwise(sqlglot.tokenize(query, read="bigquery"))
    marks = {token.start for token, after in tokens if token.token_type is TokenType.PARAMETER and after.start == token.end + 1}
    return "".join(":" if place in marks else letter for place, letter in enumerate(query))


def _known(table: exp.Table) -> str:
    if table.db != chains.DATASET or table.name not in _TABLES:
        raise Failure(404, "notFound", f"Not found: Table {table.catalog}:{table.db}.{table.name} was not found")
    return table.name


def _require_days(tree: exp.Expr, tables: list[str]) -> None:
    """Upstream's tables answer no query that would scan all their days."""
    filters = [
        condition
        for condition in tree.find_all(exp.EQ)
        if isinstance(condition.this, exp.Column) and condition.this.name == _PARTITION
    ]
    if len(filters) < len(tables):
        message = f"without a filter over column(s) '{_PARTITION}' that can be used for partition elimination"
        raise Failure(400, "invalidQuery", f"Cannot query over table '{tables[0]}' {message}")


def _weigh(connection: duckdb.DuckDBPyConnection, tree: exp.Expr, tables: list[str], parameters: Mapping[str, Any]) -> int:
    """The bytes that the named columns of the days have: eight for a number or date, two and its length for a text."""
    named = {column.name for column in tree.find_all(exp.Column)}
    days = [str(value) for value in parameters.values()]
    total = 0
    for table in tables:
        sizes = [
            f"sum(2 + strlen({name}))" if kind == "STRING" else "8 * count(*)"
            for name, kind in _TABLES[table].items()
            if name in named
        ]
        query = f"SELECT {' + '.join(sizes)} FROM {table} WHERE CAST({_PARTITION} AS VARCHAR) IN (SELECT unnest(?))"  # noqa: S608
        row = connection.execute(query, [days]).fetchone()
        total += int(row[0] or 0) if row else 0
    return total


@lru_cache(maxsize=1)
def _loaded(mark: str) -> tuple[duckdb.DuckDBPyConnection, threading.Lock]:
    """The tables of the world of `mark` in memory, and the lock of their connection."""
    recipe = json.loads(mark)
    world = generate(recipe["seed"], datetime.fromisoformat(recipe["now"]))
    superchain = chains.chains_of(world)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    kinds = {"STRING": "VARCHAR", "INTEGER": "BIGINT", "DATE": "DATE"}
    for name, columns in _TABLES.items():
        connection.execute(f"CREATE TABLE {name} ({', '.join(f'{column} {kinds[kind]}' for column, kind in columns.items())})")
    parts = [chains.rows(superchain, number) for number in range(superchain.days)]
    for place, (name, columns) in enumerate(_TABLES.items()):
        _fill(connection, name, columns, [row for part in parts for row in part[place]])
    return connection, threading.Lock()


def _fill(connection: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str], rows: list[dict[str, Any]]) -> None:
    arrived = pa.table({column: [row[column] for row in rows] for column in columns})
    connection.register("arrived", arrived)
    connection.execute(f"INSERT INTO {name} SELECT {', '.join(columns)} FROM arrived")  # noqa: S608  (our own names)
    connection.unregister("arrived")
