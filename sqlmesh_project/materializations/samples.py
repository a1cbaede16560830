"""How the samples of a relation of metrics are written: of each entity those since its first change; the past stays as it is.

The query of such a model gives the rows to write, and of each entity a row of the grain `since`: samples that are about that
day or a later one are replaced, and so is what is about today (`all`, the newest windows). What a model needs for that stands in
its own table, as rows of the grain `mark`: the checksum of an entity's rows of a month. Belongs here: the writing. What has
changed is found by the query (`macros/changes.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlglot import exp, parse_one
from sqlmesh import CustomMaterialization
from sqlmesh.core.model import Model

SINCE = "since"
_END = (
    "CASE grain "
    + "".join(
        f"WHEN '{grain}' THEN CAST(DATE_ADD('{unit}', {many}, sample_date) AS DATE) "
        for grain, unit, many in (
            ("week", "day", 7),
            ("month", "month", 1),
            ("mark", "month", 1),
            ("quarter", "month", 3),
            ("biannual", "month", 6),
            ("year", "month", 12),
        )
    )
    + "ELSE CAST(DATE_ADD('day', 1, sample_date) AS DATE) END"
)


class Samples(CustomMaterialization):
    """The old rows go and the new ones come in one commit: a transaction where the engine has them, elsewhere a MERGE."""

    NAME = "samples"

    def insert(
        self,
        table_name: str,
        query_or_df: Any,
        model: Model,
        is_first_insert: bool,
        render_kwargs: dict[str, Any],
        **kwargs: Any,  # noqa: ARG002  (as SQLMesh has it)
    ) -> None:
        """Replace what the query says; everything, when nothing was computed or all is computed again."""
        columns, source_columns = self._get_target_and_source_columns(model, table_name, render_kwargs=render_kwargs)
        query = _without_rows_of(table_name, query_or_df) if is_first_insert else query_or_df
        with self.adapter.temp_table(
            query, name=table_name, target_columns_to_types=columns, source_columns=source_columns
        ) as computed:
            if not self.adapter.SUPPORTS_TRANSACTIONS and self.adapter.dialect != "duckdb":
                self.adapter.execute(_merge(table_name, computed, list(columns), everything=is_first_insert))
                return
            kept = exp.select(*columns).from_(computed).where(exp.column("grain").neq(SINCE))
            with _transaction(self.adapter):
                self.adapter.delete_from(table_name, exp.true() if is_first_insert else _replaced(computed))
                self.adapter.insert_append(table_name, kept, target_columns_to_types=columns)


@contextmanager
def _transaction(adapter: Any) -> Iterator[None]:
    """DuckDB has transactions, of which SQLMesh makes no use; a MERGE on a condition with OR compares all rows with all there."""
    if adapter.dialect != "duckdb":  # SQLMesh holds one around all of this
        yield
        return
    adapter.execute("BEGIN TRANSACTION")
    try:
        yield
    except BaseException:
        adapter.execute("ROLLBACK")
        raise
    adapter.execute("COMMIT")


def _without_rows_of(table_name: str, query: exp.Expression) -> exp.Expression:
    """The query as if the table were empty: its rows stay for readers until those that replace them are computed."""
    own = exp.to_table(table_name)

    def emptied(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Table) and (node.name, node.db) == (own.name, own.db):
            return exp.select("*").from_(own.copy()).where(exp.false()).subquery(node.alias_or_name)
        return node

    return query.transform(emptied)


def _merge(table_name: str, computed: exp.Table, columns: list[str], *, everything: bool) -> exp.Merge:
    """The same as one statement: beside the computed rows, one for each entity that there is, which matches what is replaced."""
    changed = exp.select("entity_type", "entity_id", "sample_date AS since").from_(computed.copy())
    there = exp.select("entity_type", "entity_id", "CAST(NULL AS DATE) AS since").from_(exp.to_table(table_name))
    entities = exp.union(changed.where(exp.column("grain").eq(SINCE)), there, distinct=False).subquery("entities")
    nothing = [exp.null().as_(name) for name in columns]
    marker = exp.select("entity_type AS of_type", "entity_id AS of_id", "MIN(since) AS since", *nothing)
    markers = marker.from_(entities).group_by("entity_type", "entity_id")
    new = exp.select("NULL AS of_type", "NULL AS of_id", "NULL AS since", *columns).from_(computed.copy())
    source = exp.union(markers, new.where(exp.column("grain").neq(SINCE)), distinct=False)

    def of_the_table(node: exp.Expression) -> exp.Expression:
        return exp.column(node.this.copy(), table="stored") if isinstance(node, exp.Column) else node

    end = parse_one(_END, read="trino").transform(of_the_table)
    later = exp.GT(this=end, expression=exp.column("since", table="arrived"))
    replaced = (
        exp.true() if everything else exp.or_(exp.condition("stored.grain = 'all'"), exp.condition("stored.is_latest"), later)
    )
    insert = exp.Insert(
        this=exp.Tuple(expressions=[exp.to_identifier(name) for name in columns]),
        expression=exp.Tuple(expressions=[exp.column(name, table="arrived") for name in columns]),
    )
    return exp.merge(
        "WHEN MATCHED THEN DELETE",
        exp.When(matched=False, condition=exp.column("of_id", table="arrived").is_(exp.null()), then=insert),
        into=exp.alias_(exp.to_table(table_name), "stored", table=True),
        using=source.subquery("arrived"),
        on=exp.and_("stored.entity_type = arrived.of_type", "stored.entity_id = arrived.of_id", replaced),
        dialect="trino",
    )


def _replaced(computed: exp.Table) -> exp.Expression:
    """The rows in whose place the computed ones stand."""
    changes = exp.select("entity_type AS of_type", "entity_id AS of_id", "sample_date AS since").from_(computed.copy())
    changed = changes.where(exp.column("grain").eq(SINCE)).subquery("changed")
    end = parse_one(_END, read="trino")
    about = (
        exp.select("1")
        .from_(changed)
        .where("of_type = entity_type", "of_id = entity_id", exp.GT(this=end, expression=exp.column("since")))
    )
    return exp.or_(exp.column("grain").eq("all"), exp.column("is_latest"), exp.Exists(this=about))
