"""Reads the records and tags of runs: the state of each, and which run retries which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

import dagster as dg

from oso_dagster.domain.objectives.attempts import RunState
from oso_dagster.orchestration.labels import STOPPED_TAG
from oso_dagster.orchestration.ledger import dagster_tables
from oso_dagster.orchestration.ledger.dagster_tables import moment, parsed

_STATES = {
    dg.DagsterRunStatus.SUCCESS.value: RunState.SUCCEEDED,
    dg.DagsterRunStatus.FAILURE.value: RunState.FAILED,
    dg.DagsterRunStatus.CANCELED.value: RunState.CANCELED,
}
_PARENT, _NUMBER = "dagster/parent_run_id", "dagster/retry_number"
_ANNOUNCED, _RETRIED, _REASON = "dagster/will_retry", "dagster/auto_retry_run_id", "dagster/failure_reason"

_RECORDS = """
    SELECT id, run_id, status, start_time, end_time, update_timestamp, CASE WHEN status <> 'SUCCESS' THEN run_body END
    FROM runs WHERE run_id IN :run_ids
"""
_TAGS = "SELECT run_id, key, value FROM run_tags WHERE run_id IN :run_ids AND {no_index}key IN :keys"


@dataclass(frozen=True)
class RunRecord:
    """A run according to its record; `retry_of` is set for automatic retries only, `retry_announced` None is undecided.

    `plan_id` is known of runs that have not succeeded; `stopped`: since then what it ran in was ended (`stopped_runs`).
    """

    run_id: str
    state: RunState
    started: datetime | None
    ended: datetime | None
    touched: datetime
    retry_of: str | None
    retry_announced: bool | None
    retried: bool
    failure_reason: str
    plan_id: str | None
    stopped: datetime | None = None


def read_records(instance: dg.DagsterInstance, run_ids: Sequence[str]) -> list[RunRecord]:
    """The records of the given runs that still exist, oldest first."""
    rows = sorted(dagster_tables.records(instance, _RECORDS, run_ids=list(run_ids)), key=itemgetter(0))
    tags: dict[str, dict[str, str]] = defaultdict(dict)
    keys = [_PARENT, _NUMBER, _ANNOUNCED, _RETRIED, _REASON, STOPPED_TAG]
    for run_id, key, value in dagster_tables.records(instance, _TAGS, run_ids=list(run_ids), keys=keys):
        tags[run_id][key] = value
    return [_facts(row, tags.get(row[1], {})) for row in rows]


def _facts(row: Any, tags: dict[str, str]) -> RunRecord:
    _, run_id, status, started, ended, touched, body = row
    announced = tags.get(_ANNOUNCED)
    return RunRecord(
        run_id=run_id,
        state=_STATES.get(status, RunState.ACTIVE),
        started=None if started is None else moment(started),
        ended=None if ended is None else moment(ended),
        touched=moment(touched),
        retry_of=tags.get(_PARENT) if _NUMBER in tags else None,
        retry_announced=None if announced is None else announced.lower() == "true",
        retried=_RETRIED in tags,
        failure_reason=tags.get(_REASON, ""),
        plan_id=parsed(body)["execution_plan_snapshot_id"] if body else None,
        stopped=datetime.fromisoformat(tags[STOPPED_TAG]) if STOPPED_TAG in tags else None,
    )
