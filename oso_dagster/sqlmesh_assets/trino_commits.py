"""Trino that replaces rows of an Iceberg table in one commit, where SQLMesh's own adapter deletes first and then inserts.

Between these two a reader sees a hole, and who dies there leaves it until the next run. One MERGE has no between.
Imports SQLMesh.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from sqlglot import exp
from sqlmesh.core.config.connection import ConnectionConfig, TrinoConnectionConfig, parse_connection_config
from sqlmesh.core.engine_adapter.base import EngineAdapter
from sqlmesh.core.engine_adapter.shared import InsertOverwriteStrategy
from sqlmesh.core.engine_adapter.trino import TrinoEngineAdapter

GONE = "__gone"
_STORED, _ARRIVED = "stored", "arrived"


class OneCommitTrinoAdapter(TrinoEngineAdapter):
    """SQLMesh's adapter of Trino, but for how rows of an Iceberg table are replaced.

    What is replaced is held in the workers' memory while the MERGE runs: a model of much data a day wants a `batch_size`.
    """

    def _insert_overwrite_by_condition(
        self,
        table_name: str | exp.Table,
        source_queries: list[Any],
        target_columns_to_types: dict[str, exp.DataType] | None = None,
        where: exp.Condition | None = None,
        insert_overwrite_strategy_override: InsertOverwriteStrategy | None = None,
        **kwargs: Any,
    ) -> None:
        catalogue = exp.to_table(table_name).catalog or self.get_current_catalog()
        if "iceberg" not in self.get_catalog_type(catalogue):
            super()._insert_overwrite_by_condition(
                table_name, source_queries, target_columns_to_types, where, insert_overwrite_strategy_override, **kwargs
            )
            return
        columns = target_columns_to_types or self.columns(table_name)
        with ExitStack() as stack:
            queries = [
                self._order_projections_and_filter(stack.enter_context(source), columns, where=where) for source in source_queries
            ]
            self.execute(replacing_merge(table_name, queries, list(columns), where), track_rows_processed=True)


def replacing_merge(
    table_name: str | exp.Table, queries: list[exp.Query], columns: list[str], where: exp.Condition | None
) -> exp.Merge:
    """The MERGE that puts the rows of `queries` in place of those of the table for which `where` holds; of all without one.

    Its source has, besides the new rows, a row that matches each row to be replaced: `__gone` is true in that one only.
    """
    marker = exp.select(exp.true().as_(GONE), *(exp.null().as_(name, quoted=True) for name in columns))
    source: exp.Query = marker
    for number, query in enumerate(queries):
        rows = query.subquery(f"rows_{number}")
        new = exp.select(exp.null().as_(GONE), *(exp.column(name, quoted=True) for name in columns)).from_(rows)
        source = exp.union(source, new, distinct=False)

    def of_the_table(node: exp.Expression) -> exp.Expression:
        return exp.column(node.this.copy(), table=_STORED) if isinstance(node, exp.Column) and not node.table else node

    chosen = [where.copy().transform(of_the_table)] if where is not None else []
    first = exp.column(columns[0], table=_STORED, quoted=True)
    always = exp.or_(first.is_(exp.null()), first.copy().is_(exp.null()).not_())  # a key to join by, which Trino wants
    gone = exp.column(GONE, table=_ARRIVED)
    arrived = [exp.column(name, table=_ARRIVED, quoted=True) for name in columns]
    insert = exp.Insert(
        this=exp.Tuple(expressions=[exp.to_identifier(name, quoted=True) for name in columns]),
        expression=exp.Tuple(expressions=arrived),
    )
    return exp.merge(
        "WHEN MATCHED THEN DELETE",
        exp.When(matched=False, condition=gone.is_(exp.null()), then=insert),
        into=exp.alias_(exp.to_table(table_name).copy(), _STORED, table=True),
        using=source.subquery(_ARRIVED),
        on=exp.and_(*chosen, gone.copy().eq(exp.paren(always))),
        dialect="trino",
    )


class OneCommitTrinoConnection(TrinoConnectionConfig):
    """SQLMesh's connection of Trino, with the adapter of this module."""

    @property
    def _engine_adapter(self) -> type[EngineAdapter]:
        return OneCommitTrinoAdapter


def connection_config(values: dict[str, Any]) -> ConnectionConfig:
    """The connection that these values of SQLMesh's configuration describe; that of Trino replaces rows in one commit."""
    parse: Callable[..., ConnectionConfig] = parse_connection_config
    return OneCommitTrinoConnection(**values) if values.get("type") == "trino" else parse(values)
