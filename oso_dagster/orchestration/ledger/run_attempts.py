"""From the facts of one run to its rows of the ledger. No storage is touched here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from oso_dagster.domain.catalogue.loading import NEWEST_EVENT, ROWS_LOADED
from oso_dagster.domain.objectives.attempts import (
    BROKEN,
    Attempt,
    AttemptFacts,
    Label,
    Outcome,
    RunState,
    classify,
    classify_unreported,
)
from oso_dagster.orchestration.ledger.asset_events import Materialized, RunAssets, Unit
from oso_dagster.orchestration.ledger.dagster_tables import moment
from oso_dagster.orchestration.ledger.run_records import RunRecord
from oso_dagster.orchestration.ledger.run_steps import RunSteps
from oso_dagster.sqlmesh_assets import attempt_metadata

_TOLD = {
    attempt_metadata.OK: Outcome.OK,
    attempt_metadata.FAILED: Outcome.FAILED,
    attempt_metadata.SKIPPED_UPSTREAM: Outcome.SKIPPED_UPSTREAM,
}


@dataclass(frozen=True)
class RunHistory:
    """All that is known of one run.

    `said` is the metadata of materializations by event id, as far as it was read; `audited` whether all checks of (run, asset)
    passed, where that is asked for.
    """

    run: RunRecord
    state: RunState
    family: str
    assets: RunAssets
    steps: RunSteps
    labels: Mapping[str, Label]
    said: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    audited: Mapping[tuple[str, str], bool] = field(default_factory=dict)


def attempts_of(look: RunHistory) -> list[Attempt]:
    """Every attempt of the run at an asset that is measured."""
    found = list(_reports(look))
    told, failed = {one.asset for one in found}, any(one.outcome is Outcome.FAILED for one in found)
    made = Counter(_step(look, asset) for asset, _ in look.assets.units) if look.steps.ends else Counter[str]()
    broken = {step for step, end in look.steps.ends.items() if end[0] in BROKEN}
    for unit, done in look.assets.units.items():
        label = look.labels.get(unit[0])
        if label is None or unit[0] in told:
            continue
        step = _step(look, unit[0])
        # A materialization is good without more questions, as nearly all are; models tell of themselves.
        if done is not None and step not in broken and label is not Label.SQLMESH and look.state is not RunState.ACTIVE:
            found.append(_good(look, unit, label, step, done))
        else:
            found.append(_planned(look, unit, step, done, shared=made[step] > 1, failure_reported=failed))
    return found


def of_deleted(attempt: Attempt, now: datetime) -> Attempt:
    """A pending attempt whose run was deleted by a person before its end could be read."""
    return attempt._replace(outcome=Outcome.CANCELED, ended=now, cause="the run was deleted before its outcome was read")


def _reports(look: RunHistory) -> Iterator[Attempt]:
    """The attempts that the SQLMesh wrapper told one by one."""
    for (asset, partition), events in look.assets.telling.items():
        for told in events:
            if asset in look.labels and attempt_metadata.OUTCOME in told:
                yield Attempt(
                    run_id=look.run.run_id,
                    asset=asset,
                    partition=partition,
                    label=look.labels[asset],
                    outcome=_TOLD[str(told[attempt_metadata.OUTCOME])],
                    family=look.family,
                    started=moment(float(told[attempt_metadata.STARTED])),
                    ended=moment(float(told[attempt_metadata.ENDED])),
                    cause=str(told.get(attempt_metadata.CAUSE) or ""),
                    rows=told.get("dagster/row_count"),
                    reported=True,
                )


def _good(look: RunHistory, unit: Unit, label: Label, step: str, done: Materialized) -> Attempt:
    (asset, partition), steps, said = unit, look.steps, look.said.get(done.event_id)
    return Attempt(
        run_id=look.run.run_id,
        asset=asset,
        partition=partition,
        label=label,
        outcome=Outcome.OK,
        family=look.family,
        started=steps.starts.get(step, look.run.started),
        ended=done.at,
        rows=_rows(said) if said else None,
        step_retries=None if steps.retries is None else steps.retries.get(step, 0),
        audited=look.audited.get((look.run.run_id, asset)) if look.audited else None,
        newest_event=_newest_event(said) if said else None,
    )


def _planned(
    look: RunHistory, unit: Unit, step: str, done: Materialized | None, *, shared: bool, failure_reported: bool
) -> Attempt:
    asset, partition = unit
    end = look.steps.ends.get(step)
    blame = None if end or done else look.steps.failed_upstream(step)
    facts = AttemptFacts(look.state, end[0] if end else None, done is not None, blame is not None, shared)
    label = look.labels[asset]
    unreported, said = label is Label.SQLMESH, look.said.get(done.event_id, {}) if done else {}
    outcome = classify_unreported(facts, failure_reported=failure_reported) if unreported else classify(facts)
    return Attempt(
        run_id=look.run.run_id,
        asset=asset,
        partition=partition,
        label=label,
        outcome=outcome,
        family=look.family,
        started=look.steps.starts.get(step, look.run.started),
        ended=_ended(look, outcome, done.at if done else None, end[1] if end else None),
        cause=_cause(look, outcome, end[2] if end else "", blame),
        step_retries=None if look.steps.retries is None else look.steps.retries.get(step, 0),
        rows=_rows(said),
        audited=look.audited.get((look.run.run_id, asset)),
        newest_event=_newest_event(said),
    )


def _rows(said: Mapping[str, Any]) -> int | None:
    """Those of the load, where it tells them apart from those of the table."""
    count = said.get(ROWS_LOADED, said.get("dagster/row_count"))
    return count if isinstance(count, int) else None


def _newest_event(said: Mapping[str, Any]) -> datetime | None:
    told = said.get(NEWEST_EVENT)
    return datetime.fromisoformat(told) if isinstance(told, str) else None


def _step(look: RunHistory, asset: str) -> str:
    """The step that makes the asset: its events name it, its plan names those that have none."""
    return look.assets.steps.get(asset) or look.steps.of_asset(asset)


def _ended(look: RunHistory, outcome: Outcome, materialized: datetime | None, step: datetime | None) -> datetime | None:
    if outcome is Outcome.PENDING:
        return None
    if outcome is Outcome.OK and materialized is not None:
        return materialized
    return step or look.run.ended or look.steps.last_event or look.run.touched


def _cause(look: RunHistory, outcome: Outcome, step_failure: str, blame: str | None) -> str:
    if outcome is Outcome.SKIPPED_UPSTREAM:
        return f"{blame} failed before it"
    if outcome is not Outcome.FAILED:
        return ""
    if step_failure:
        return step_failure
    if look.run.state is RunState.ACTIVE:
        heard = max(look.run.touched, look.steps.last_event or look.run.touched)
        return f"the run has not ended and logged nothing since {heard:%Y-%m-%d %H:%M} UTC: its process is gone"
    return f"the run failed before its step was done: {look.steps.failure or look.run.failure_reason or 'no reason was logged'}"
