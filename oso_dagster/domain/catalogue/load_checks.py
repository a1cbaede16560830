"""The checks that a declaration brings with it, by name, and what each says."""

from __future__ import annotations

from oso_dagster.domain.catalogue.source import Disposition, SchemaContract, Table

_GUARDS = {
    "arrived": "Rows arrived, unless none were due: an empty answer replaces nothing",
    "columns_present": "No declared column was lost upstream",
    "primary_key": "Keys are unique, required columns are filled",
    "not_shrunk": "Not fewer rows than the allowed share of the last good load",
}


_IN_PARTITION = {"in_partition": "Every row belongs to the partition that was loaded"}


_IN_TIME = {"event_time_not_in_future": "No event lies in the future"}


_SCHEMA = {"schema": "Upstream has no column that is not declared"}


_USUAL = {"row_count_band": "As many rows as loads of this table usually bring"}


_COMPLETE = {"complete": "The load was not cut short by an honest limit, such as a rate limit"}


def guards_of(table: Table) -> dict[str, str]:
    """The blocking checks of each load, by name: they judge the staged rows, and a failing one refuses the load."""
    cut = table.disposition is Disposition.REPLACE_PARTITION
    frozen = table.contract is SchemaContract.FREEZE
    return _GUARDS | (_IN_PARTITION if cut else {}) | (_IN_TIME if table.event_time else {}) | (_SCHEMA if frozen else {})


def warnings_of(table: Table) -> dict[str, str]:
    """The checks of each load that warn: the rows are published."""
    warned = table.contract is not SchemaContract.FREEZE
    return (_SCHEMA if warned else {}) | _USUAL | (_COMPLETE if table.resumable else {})
