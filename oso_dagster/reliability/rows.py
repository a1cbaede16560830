"""Attempts as rows of the ledger, and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Row, Select, select

from oso_dagster.domain.attempts import Attempt, Label, Outcome
from oso_dagster.reliability.tables import attempts, runs

_CHUNK = 500


def joined() -> Select[Any]:
    """Attempts with what their runs say."""
    return select(attempts, runs.c.family, runs.c.will_retry).join(runs, runs.c.run_id == attempts.c.run_id)


def attempt_of(row: Row[Any]) -> Attempt:
    """An attempt from a row of `joined`."""
    return Attempt(
        run_id=row.run_id,
        asset=row.asset,
        partition=row.partition or None,
        label=Label(row.label),
        outcome=Outcome(row.outcome),
        family=row.family,
        started=row.started,
        ended=row.ended,
        cause=row.cause,
        rows=row.rows,
        will_retry=row.will_retry,
        reported=row.report != "",
        step_retries=row.step_retries,
    )


def values_of(attempt: Attempt) -> dict[str, Any]:
    """A row of `attempts`."""
    return {
        "run_id": attempt.run_id,
        "asset": attempt.asset,
        "partition": attempt.partition or "",
        "report": attempt.started.isoformat() if attempt.reported and attempt.started else "",
        "label": attempt.label,
        "outcome": attempt.outcome,
        "started": attempt.started,
        "ended": attempt.ended,
        "cause": attempt.cause,
        "rows": attempt.rows,
        "step_retries": attempt.step_retries,
    }


def chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """SQLite takes a bounded number of parameters in one statement."""
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))
