"""What a table promises, as a data contract in the Open Data Contract Standard 3.1: https://bitol-io.github.io/open-data-contract-standard/.

Everything stands in the catalogue: columns and keys, how fresh, how complete, how much of the truth, how reliable. A promise that
is not made has no property.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from oso_dagster.domain.catalogue.column import Column, ColumnType
from oso_dagster.domain.catalogue.source import Source, Stability, Table

STANDARD = "v3.1.0"

_PERCENT = 100
_LOGICAL = {
    ColumnType.VARCHAR: "string",
    ColumnType.VARCHARS: "array",
    ColumnType.BIGINT: "integer",
    ColumnType.DOUBLE: "number",
    ColumnType.DECIMAL: "number",
    ColumnType.BOOLEAN: "boolean",
    ColumnType.DATE: "date",
    ColumnType.TIMESTAMP: "timestamp",
    ColumnType.JSON: "object",
}


def data_contract(source: Source, table: Table, reliability: int, completeness: int | None) -> dict[str, Any]:
    """The contract of one table. `reliability` and `completeness` are the targets of its class, in basis points."""
    name = f"{source.name}.{table.name}"
    return {
        "apiVersion": STANDARD,
        "kind": "DataContract",
        "id": name,
        "name": f"{source.title}: {table.name}",
        "version": f"1.{table.revision}.0",
        "status": "retired" if source.retired else "active",
        "domain": source.name,
        "tags": [source.stability.value],
        "description": {
            "purpose": table.description,
            "usage": f"Licence: {source.licence}.",
            "limitations": _limitations(source, table),
            "authoritativeDefinitions": [{"type": "businessDefinition", "url": source.homepage}],
        },
        "team": {"name": source.owner, "description": "Who looks after the source."},
        "schema": [
            _schema(source, landed, table.descriptions[landed], columns, table.keys[landed])
            for landed, columns in table.physical.items()
        ],
        "slaProperties": list(_promises(source, table, reliability, completeness)),
    }


def _limitations(source: Source, table: Table) -> str:
    lines = ["Unstable: it may be removed from the platform."] if source.stability is Stability.UNSTABLE else []
    lines += [f"{regime.since}: {regime.description}" for regime in table.regimes]
    lines += [f"Retired since {source.retired.since}: {source.retired.reason}"] if source.retired else []
    return " ".join(lines) or "None is known."


def _schema(source: Source, landed: str, description: str, columns: tuple[Column, ...], key: tuple[str, ...]) -> dict[str, Any]:
    return {
        "name": landed,
        "physicalName": f"{source.name}.{landed}",
        "physicalType": "table",
        "logicalType": "object",
        "description": description,
        "properties": [_property(column, key) for column in columns],
    }


def _property(column: Column, key: tuple[str, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": column.name,
        "logicalType": _LOGICAL[column.type],
        "physicalType": column.type_name,
        "description": column.description,
        "required": not column.nullable,
    }
    if column.type is ColumnType.VARCHARS:
        values["items"] = {"logicalType": "string"}
    if column.name in key:
        values |= {"primaryKey": True, "primaryKeyPosition": key.index(column.name) + 1}
    return values


def _promises(source: Source, table: Table, reliability: int, completeness: int | None) -> Iterator[dict[str, Any]]:
    if source.retired:
        return
    yield {
        "property": "frequency",
        "value": table.schedule.cron,
        "unit": "cron",
        "element": table.name,
        "scheduler": "cron",
        "schedule": table.schedule.cron,
        "description": f"When it is asked for, in {table.schedule.timezone}.",
    }
    if table.promised_within is not None:
        yield _hours("latency", table, table.promised_within, "How old it is at most, since its last good load.")
    if table.events_within is not None and table.event_time is not None:
        column = f"{table.name}.{table.event_time}"
        yield _hours("latency", table, table.events_within, "How old its newest event is at most.") | {"element": column}
    if completeness is not None and table.partitions is not None and table.promised_within is not None:
        yield _share("completeness", table, completeness, "Of the partitions that are due, the share that is there.")
    if table.second_count is not None:
        target = table.second_count.target
        yield _share("coverage", table, target, f"Of what upstream has, the share that is held. {table.second_count.description}")
    yield _share("reliability", table, reliability, "Loads that are good after retries, over 30 days, pooled over its class.")


def _hours(name: str, table: Table, within: timedelta, words: str) -> dict[str, Any]:
    hours = within / timedelta(hours=1)
    value = int(hours) if hours == int(hours) else hours
    return {"property": name, "value": value, "unit": "h", "element": table.name, "driver": "operational", "description": words}


def _share(name: str, table: Table, target: int, words: str) -> dict[str, Any]:
    value = target // _PERCENT if target % _PERCENT == 0 else target / _PERCENT
    return {
        "property": name,
        "value": value,
        "unit": "percent",
        "element": table.name,
        "driver": "operational",
        "description": words,
    }
