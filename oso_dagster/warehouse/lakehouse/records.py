"""The records of loads, in the database of the catalogue, so that one commits with the rows that it speaks of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from oso_dagster.domain.catalogue.loading import LoadRecord

_SCHEMA = "platform"
_METADATA = sa.MetaData(schema=_SCHEMA)
LOADS = sa.Table(
    "loads",
    _METADATA,
    sa.Column("number", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("load_id", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("table_name", sa.Text, nullable=False),
    sa.Column("partition", sa.Text),
    sa.Column("version", sa.Text),
    sa.Column("fingerprint", sa.Text),
    sa.Column("rows", sa.Text, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
    sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
    sa.Index("loads_of_table", "source", "table_name", "partition"),
)
IDENTITY = sa.Table("identity", _METADATA, sa.Column("world", sa.Text, primary_key=True))
_COLUMNS = ("load_id", "source", "table_name", "partition", "version", "fingerprint", "rows", "facts", "loaded_at")


def prepare(engine: Engine, world: str) -> str:
    """Make the tables where they are missing; the world that they belong to, which is `world` when they are new."""
    with engine.begin() as connection:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(20261130)"))  # of two that begin at once one makes them
        connection.execute(sa.schema.CreateSchema(_SCHEMA, if_not_exists=True))
        _METADATA.create_all(connection)
        stored = connection.execute(sa.select(IDENTITY.c.world)).scalar()
        if stored is None:
            connection.execute(IDENTITY.insert().values(world=world))
        return str(stored or world)


def add(connection: Connection, record: LoadRecord) -> None:
    """Write the record of a load, in the transaction that publishes it."""
    connection.execute(
        LOADS.insert().values(
            load_id=record.load_id,
            source=record.source,
            table_name=record.table,
            partition=record.partition,
            version=record.version,
            fingerprint=record.fingerprint,
            rows=json.dumps(dict(record.rows)),
            facts=json.dumps(record.facts),
            loaded_at=record.loaded_at,
        )
    )


def of_tables(engine: Engine, tables: Sequence[tuple[str, str]] | None = None) -> list[tuple[Any, ...]]:
    """The records of these tables (source, table), in the order of their publication; of all tables where none is named."""
    query = sa.select(*(LOADS.c[name] for name in _COLUMNS)).order_by(LOADS.c.number)
    if tables is not None:
        query = query.where(sa.tuple_(LOADS.c.source, LOADS.c.table_name).in_(tables))
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    return [(*row[:-1], row[-1].astimezone(UTC)) for row in rows]
