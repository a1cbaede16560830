"""The newest check of every probe, for people and exports. What counts is in the samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import JSON, Column, Float, String, Table, Text, select

from oso_dagster.reliability.database import Database, insert_into
from oso_dagster.reliability.tables import UtcTime, metadata

probe_results = Table(
    "probe_results",
    metadata,
    Column("probe", String(64), primary_key=True),
    Column("objective", String(128), nullable=False),
    Column("slice", String(255), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("cause", Text, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("details", JSON, nullable=False),
    Column("certificate_ends", UtcTime),
)


@dataclass(frozen=True)
class ProbeResult:
    """The newest check of a probe; an empty `cause` is a success. `details` are texts by name, `seconds` is how long it took."""

    probe: str
    objective: str
    slice: str
    at: datetime
    cause: str
    seconds: float
    details: Mapping[str, str] = field(default_factory=dict)
    certificate_ends: datetime | None = None


class ProbeResults:
    """Reads and writes the newest results."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, results: Iterable[ProbeResult]) -> None:
        """Keep these results; an older one than what is there, as a spool brings it late, changes nothing."""
        with self._database.writing() as connection:
            for result in results:
                values = {
                    "objective": result.objective,
                    "slice": result.slice,
                    "at": result.at,
                    "cause": result.cause,
                    "seconds": result.seconds,
                    "details": dict(result.details),
                    "certificate_ends": result.certificate_ends,
                }
                insert = insert_into(connection, probe_results).values(probe=result.probe, **values)
                newer = probe_results.c.at < result.at
                connection.execute(insert.on_conflict_do_update(index_elements=["probe"], set_=values, where=newer))

    def all(self) -> list[ProbeResult]:
        """The newest result of every probe that ever ran, by name."""
        with self._database.reading() as connection:
            rows = connection.execute(select(probe_results).order_by(probe_results.c.probe)).all()
        return [ProbeResult(*row) for row in rows]
