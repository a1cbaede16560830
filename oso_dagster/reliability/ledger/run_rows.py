"""Runs as rows of the ledger; many of them at once, as fast as each engine takes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from oso_dagster.domain.objectives.attempts import RunState
from oso_dagster.reliability.ledger.attempt_rows import many_values, text_of

_INSERT = "INSERT INTO runs (run_id, family, state, will_retry, settled, seen_at) VALUES %s ON CONFLICT DO NOTHING"
_INSERT_EACH = _INSERT.replace("%s", "(?, ?, ?, ?, ?, ?)")
_UPDATE = """
    UPDATE runs SET family = v.family, state = v.state, will_retry = v.will_retry, settled = v.settled
    FROM (VALUES %s) AS v(family, state, will_retry, settled, key) WHERE runs.run_id = v.key
"""
_UPDATE_EACH = "UPDATE runs SET family = ?, state = ?, will_retry = ?, settled = ? WHERE run_id = ?"


@dataclass(frozen=True)
class RunRow:
    """A run; `settled` ones are never looked at again."""

    run_id: str
    family: str
    state: RunState
    will_retry: bool
    settled: bool


def insert_runs(connection: Connection, run_ids: Iterable[str], now: datetime) -> None:
    """Insert runs to look at; one that is known stays as it is."""
    rows = [(run_id, run_id, RunState.ACTIVE.value, False, False, text_of(now)) for run_id in run_ids]
    if rows and connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_INSERT_EACH, rows)
    elif rows:
        many_values(connection, _INSERT, rows)


def update_runs(connection: Connection, run_rows: Sequence[RunRow]) -> None:
    """Write what was seen of runs that are known."""
    rows = [(run.family, run.state.value, run.will_retry, run.settled, run.run_id) for run in run_rows]
    if rows and connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_UPDATE_EACH, rows)
    elif rows:
        many_values(connection, _UPDATE, rows)
