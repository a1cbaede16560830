"""From all that is known of one run to its rows of the ledger. No storage is touched here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from oso_dagster.domain.catalogue.loading import NEWEST_EVENT, ROWS_LOADED
from oso_dagster.domain.objectives.attempts import (
    BROKEN,
    Attempt,
    AttemptFacts,
    Label,
    Outcome,
    RunState,
    StepEnd,
    classify,
    classify_unreported,
    deployment_of,
)
from oso_dagster.orchestration.ledger.asset_events import Materialized, RunAssets, Unit
from oso_dagster.orchestration.ledger.dagster_tables import moment
from oso_dagster.orchestration.ledger.run_records import RunRecord
from oso_dagster.orchestration.ledger.run_steps import RunSteps
from oso_dagster.reliability.ledger.attempt_rows import StoredRow, good_row, text_of
from oso_dagster.sqlmesh_assets import attempt_metadata

_OUTCOMES = {
    attempt_metadata.OK: Outcome.OK,
    attempt_metadata.FAILED: Outcome.FAILED,
    attempt_metadata.SKIPPED_UPSTREAM: Outcome.SKIPPED_UPSTREAM,
}


@dataclass(frozen=True)
class RunHistory:
    """All that is known of one run.

    `metadata` is that of materializations by event id, as far as it was read; `audited` whether all checks of
    (run, asset, partition) passed, where that is asked for.
    """

    run: RunRecord
    state: RunState
    family: str
    assets: RunAssets
    steps: RunSteps
    labels: Mapping[str, Label]
    metadata: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    audited: Mapping[tuple[str, str, str | None], bool] = field(default_factory=dict)


def attempts_of(history: RunHistory) -> tuple[list[StoredRow], list[Attempt]]:
    """Every attempt of the run: the rows of those that are plainly good, and the others. What nobody here knows has no label."""
    if (plain := _plainly_good(history)) is not None:
        return plain, []
    good, attempts = list[StoredRow](), list(_reports(history))
    begun = cache(text_of)
    reported = {attempt.asset for attempt in attempts}
    of_models = _steps_of_models(history, reported)
    outputs_of_step = (
        Counter(_step(history, asset) for asset, _ in history.assets.units) if history.steps.ends else Counter[str]()
    )
    broken = {step for step, end in history.steps.ends.items() if end[0] in BROKEN}
    for unit, materialized in history.assets.units.items():
        label, step = history.labels.get(unit[0]), _step(history, unit[0])
        if unit[0] in reported:
            continue
        # A materialization is good without more questions, as nearly all are; models report their own attempts.
        if (
            materialized is not None
            and step not in broken
            and step not in of_models
            and label is not Label.SQLMESH
            and history.state is not RunState.ACTIVE
        ):
            good.append(_good(history, unit, label, step, materialized, begun))
        else:
            attempts.append(
                _planned(history, unit, step, materialized, shared=outputs_of_step[step] > 1, of_models=step in of_models)
            )
    blamed = {_step(history, attempt.asset) for attempt in attempts if attempt.reported and attempt.outcome is Outcome.FAILED}
    failed = [_failed_deployment(history, step) for step in sorted(of_models - blamed) if _ended_by_itself(history, step)]
    return good, attempts + failed


def _plainly_good(history: RunHistory) -> list[StoredRow] | None:
    """The rows of a run of which nothing is to be said but that all went well, as of nearly all; None of another one."""
    run, steps, labels = history.run, history.steps, history.labels
    quiet = history.state is RunState.SUCCEEDED and not steps.ends and steps.retries is None
    if not quiet or history.assets.event_metadata or history.audited:
        return None
    rows, started = list[StoredRow](), text_of(run.started)
    for (asset, partition), materialized in history.assets.units.items():
        label = labels.get(asset)
        if materialized is None or label is None or label is Label.SQLMESH:
            return None
        known = history.metadata.get(materialized[1])
        count, newest = (_rows(known), _newest_event(known)) if known else (None, None)
        rows.append(good_row(run.run_id, asset, partition, label, started, materialized[0], count, None, None, newest))
    return rows


def _steps_of_models(history: RunHistory, reported: set[str]) -> set[str]:
    """The steps whose attempts are reported one by one: some was, or one of their assets is known to be a model."""
    models = {asset for asset, _ in history.assets.units if history.labels.get(asset) is Label.SQLMESH}
    return {_step(history, asset) for asset in models | reported} - {""}


def _ended_by_itself(history: RunHistory, step: str) -> bool:
    return step in history.steps.ends and history.steps.ends[step][0] is StepEnd.FAILED


def _failed_deployment(history: RunHistory, step: str) -> Attempt:
    """A step of models that failed as a whole: no connection, a linter's error, a unit test. One failure, with its cause."""
    _, ended, cause = history.steps.ends[step]
    return Attempt(
        run_id=history.run.run_id,
        asset=deployment_of(step),
        partition=None,
        label=Label.SQLMESH,
        outcome=Outcome.FAILED,
        family=history.family,
        started=history.steps.starts.get(step, history.run.started),
        ended=ended,
        cause=cause,
        step_retries=None if history.steps.retries is None else history.steps.retries.get(step, 0),
    )


def of_deleted(attempt: Attempt, now: datetime) -> Attempt:
    """A pending attempt whose run was deleted by a person before its end could be read."""
    return attempt._replace(outcome=Outcome.CANCELED, ended=now, cause="the run was deleted before its outcome was read")


def _reports(history: RunHistory) -> Iterator[Attempt]:
    """The attempts that the SQLMesh bridge reported one by one."""
    for (asset, partition), events in history.assets.event_metadata.items():
        for report in events:
            if attempt_metadata.OUTCOME in report:
                outcome, ended = _OUTCOMES[str(report[attempt_metadata.OUTCOME])], moment(float(report[attempt_metadata.ENDED]))
                stopped = history.run.stopped is not None and ended >= history.run.stopped
                yield Attempt(
                    run_id=history.run.run_id,
                    asset=asset,
                    partition=partition,
                    label=history.labels.get(asset),
                    outcome=Outcome.CANCELED if stopped and outcome is Outcome.FAILED else outcome,
                    family=history.family,
                    started=moment(float(report[attempt_metadata.STARTED])),
                    ended=ended,
                    cause=str(report.get(attempt_metadata.CAUSE) or ""),
                    rows=report.get("dagster/row_count"),
                    reported=True,
                )


def _good(
    history: RunHistory,
    unit: Unit,
    label: Label | None,
    step: str,
    materialized: Materialized,
    begun: Callable[[datetime | None], str | None],
) -> StoredRow:
    (asset, partition), steps, metadata = unit, history.steps, history.metadata.get(materialized.event_id)
    return good_row(
        history.run.run_id,
        asset,
        partition,
        label,
        begun(steps.starts.get(step, history.run.started)),
        materialized.text,
        _rows(metadata) if metadata else None,
        None if steps.retries is None else steps.retries.get(step, 0),
        _audited(history, unit) if history.audited else None,
        _newest_event(metadata) if metadata else None,
    )


def _planned(
    history: RunHistory, unit: Unit, step: str, materialized: Materialized | None, *, shared: bool, of_models: bool
) -> Attempt:
    asset, partition = unit
    end = history.steps.ends.get(step)
    blame = None if end or materialized else history.steps.failed_upstream(step)
    facts = AttemptFacts(history.state, end[0] if end else None, materialized is not None, blame is not None, shared)
    label = history.labels.get(asset)
    metadata = history.metadata.get(materialized.event_id, {}) if materialized else {}
    outcome = classify_unreported(facts) if of_models or label is Label.SQLMESH else classify(facts)
    return Attempt(
        run_id=history.run.run_id,
        asset=asset,
        partition=partition,
        label=label,
        outcome=outcome,
        family=history.family,
        started=history.steps.starts.get(step, history.run.started),
        ended=_ended(history, outcome, materialized.at if materialized else None, end[1] if end else None),
        cause=_cause(history, outcome, end[2] if end else "", blame),
        step_retries=None if history.steps.retries is None else history.steps.retries.get(step, 0),
        rows=_rows(metadata),
        audited=_audited(history, unit),
        newest_event=_newest_event(metadata),
    )


def _audited(history: RunHistory, unit: Unit) -> bool | None:
    """Whether its checks passed. Those of partitions were once made of the asset as a whole: so they are of an older log."""
    (asset, partition), run_id = unit, history.run.run_id
    passed = history.audited.get((run_id, asset, partition))
    return history.audited.get((run_id, asset, None)) if passed is None else passed


def _rows(metadata: Mapping[str, Any]) -> int | None:
    """Rows of the load, where the metadata distinguishes them from rows of the table."""
    count = metadata.get(ROWS_LOADED, metadata.get("dagster/row_count"))
    return count if isinstance(count, int) else None


def _newest_event(metadata: Mapping[str, Any]) -> datetime | None:
    newest = metadata.get(NEWEST_EVENT)
    return datetime.fromisoformat(newest) if isinstance(newest, str) else None


def _step(history: RunHistory, asset: str) -> str:
    """The step that makes the asset: its events name it, its plan names those that have none."""
    return history.assets.steps.get(asset) or history.steps.of_asset(asset)


def _ended(history: RunHistory, outcome: Outcome, materialized: datetime | None, step: datetime | None) -> datetime | None:
    if outcome is Outcome.PENDING:
        return None
    if outcome is Outcome.OK and materialized is not None:
        return materialized
    return step or history.run.ended or history.steps.last_event or history.run.touched


def _cause(history: RunHistory, outcome: Outcome, step_failure: str, blame: str | None) -> str:
    if outcome is Outcome.SKIPPED_UPSTREAM:
        return f"{blame} failed before it"
    if outcome is not Outcome.FAILED:
        return ""
    if step_failure:
        return step_failure
    if history.run.state is RunState.ACTIVE:
        last_sign = max(history.run.touched, history.steps.last_event or history.run.touched)
        return f"the run has not ended and logged nothing since {last_sign:%Y-%m-%d %H:%M} UTC: its process is gone"
    reason = history.steps.failure or history.run.failure_reason or "no reason was logged"
    return f"the run failed before its step was done: {reason}"
