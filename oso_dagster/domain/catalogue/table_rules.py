"""Which declarations of a table cannot be: each is refused when it is built, in words that name the table and the option."""

from __future__ import annotations

import re
from datetime import timedelta

from oso_dagster.domain.catalogue.column import ColumnType, check_columns, require
from oso_dagster.domain.catalogue.kinds import refuse_ill_explained
from oso_dagster.domain.catalogue.table_terms import TableTerms
from oso_dagster.domain.catalogue.terms import Disposition

IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")
_NEED = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){2}\Z")


def refuse_ill_declared(table: TableTerms) -> None:
    """Raise ValueError for a table that says what cannot be, by name."""
    where = f"table {table.name!r}"
    require(IDENTIFIER.match(table.name) is not None, f"{where}: lower-case snake_case only")
    require("__" not in table.name, f"{where}: a double underscore is for child tables")
    require(bool(table.description), f"{where}: a description is missing")
    check_columns(where, table.columns, table.primary_key)
    require(len({c.suffix for c in table.children}) == len(table.children), f"{where}: two children share a suffix")
    require(0.0 <= table.shrink_floor <= 1.0, f"{where}: shrink_floor {table.shrink_floor} is not between 0 and 1")
    require(table.fresh_within is None or table.fresh_within > timedelta(0), f"{where}: fresh_within must be positive")
    timed = table.partitions is not None and table.partitions.start is not None
    require(
        not timed or table.fresh_within is None,
        f"{where}: what time partitions promise is due_after: leave fresh_within away",
    )
    _check_time(table, where)
    _check_disposition(table, where)
    _check_truth(table, where)
    refuse_ill_explained(table, where)


def _check_time(table: TableTerms, where: str) -> None:
    kinds = {column.name: column.type for column in table.columns}
    if table.event_time is not None:
        require(table.event_time in kinds, f"{where}: no column {table.event_time!r} for event_time")
        timed = kinds[table.event_time] in {ColumnType.DATE, ColumnType.TIMESTAMP}
        require(timed, f"{where}: event_time {table.event_time!r} is neither a date nor a timestamp")
    require(table.event_time is not None or not table.leaves_out_ahead, f"{where}: leaves_out_ahead needs an event_time")
    if table.events_within is not None:
        require(table.event_time is not None, f"{where}: events_within needs an event_time")
        require(table.events_within > timedelta(0), f"{where}: events_within must be positive")


def _check_disposition(table: TableTerms, where: str) -> None:
    partitions, disposition = table.partitions, table.disposition
    if disposition is Disposition.REPLACE_PARTITION:
        require(partitions is not None, f"{where}: replace_partition needs partitions")
        column = table.partition_column
        require(column is not None, f"{where}: replace_partition needs event_time, or partition_key for static partitions")
        for name, columns in table.physical.items():
            require(column in {c.name for c in columns}, f"{where}: {name} has no column {column!r} to replace a partition by")
    if disposition is Disposition.REPLACE:
        require(partitions is None, f"{where}: replace would delete the other partitions; use replace_partition")
        require(not table.resumable, f"{where}: replace cannot be resumable: a part would replace the whole; use merge")
    if disposition is Disposition.APPEND:
        require(not table.children, f"{where}: append takes no nested tables; use merge")
    if disposition is Disposition.MERGE:
        for child in table.children:
            lost = set(table.primary_key) - {column.name for column in child.columns}
            require(not lost, f"{where}: child {child.suffix!r} lacks its parent's key {sorted(lost)}, which merge needs")
    ill = [need for need in (*table.needs, *table.needs_if_loaded) if _NEED.match(need) is None]
    require(not ill, f"{where}: {', '.join(ill)} in needs: source.table.column is expected")
    unknown = set(table.newest_by) - {column.name for column in table.columns}
    require(not unknown, f"{where}: no column {', '.join(sorted(unknown))} for newest_by")
    require(not table.newest_by or disposition is Disposition.MERGE, f"{where}: newest_by is for merge")
    require(not table.range_in_one_run or partitions is not None, f"{where}: range_in_one_run needs partitions")


def _check_truth(table: TableTerms, where: str) -> None:
    names = {column.name for column in table.columns}
    for option in ("mix_by", "sums", "not_finite_is_null", "not_compared"):
        unknown = set(getattr(table, option)) - names
        require(not unknown, f"{where}: no column {', '.join(sorted(unknown))} for {option}")
    require(table.gap_since is None or table.gap_since in names, f"{where}: no column {table.gap_since!r} for gap_since")
    for share in (table.set_aside_share, table.vanish_share):
        require(0.0 <= share <= 1.0, f"{where}: a share of {share} is not between 0 and 1")
    require(table.item_column is not None or not table.set_aside_share, f"{where}: set_aside_share needs an item_column")
    renames = table.item_column is not None and table.identity is not None and table.disposition is Disposition.MERGE
    require(renames or not table.follows_renames, f"{where}: follows_renames is for merge, with an item_column and an identity")
    kept = table.disposition in {Disposition.REPLACE, Disposition.REPLACE_PARTITION}
    for name, columns in (table.physical if kept else {table.name: table.columns}).items():
        item = table.item_columns[name]
        there = item is None or item in {column.name for column in columns}
        require(there, f"{where}: {name} has no column {item!r} for item_column")
    lost = set(table.second_count.held.columns) - names if table.second_count else set()
    require(not lost, f"{where}: no column {', '.join(sorted(lost))} for second_count")
    span = table.changes_within
    require(span is None or span > timedelta(0), f"{where}: changes_within must be positive")
    require(span is None or table.partitions is not None, f"{where}: changes_within needs partitions")
    require(span is not None or not table.changes_together, f"{where}: changes_together needs changes_within")
    merge = table.disposition is Disposition.MERGE
    followed = table.surviving != (table.keeps_deleted is not None)
    require(not merge or followed, f"{where}: merge needs either surviving, or a reason in keeps_deleted")
    promised = table.events_within is not None or table.events_may_stop is not None
    require(table.event_time is None or promised, f"{where}: event_time needs events_within, or a reason in events_may_stop")
    begun = [regime.since for regime in table.regimes]
    require(begun == sorted(set(begun)), f"{where}: regimes must be sorted, each with a day of its own")
    bare = [name for name, reason in table.not_taken.items() if not reason]
    require(not bare, f"{where}: not_taken without a reason: {', '.join(bare)}")
