"""What a run over several partitions reports of each: written as one batch, each event as it would be by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import dagster as dg
from dagster import EventLogRecord
from dagster._core.events import (
    DagsterEvent,
    DagsterEventBatchMetadata,
    DagsterEventType,
    StepMaterializationData,
)

from oso_dagster.domain.catalogue.loading import Finding, Loaded, LoadRecord
from oso_dagster.orchestration.ingest.check_events import evaluation
from oso_dagster.orchestration.ingest.load_context import LoadStep
from oso_dagster.orchestration.ingest.load_outcome import version_of


@dataclass(frozen=True)
class Report:
    """What is reported of one partition: what its checks found; and with `materialization`, that it was materialized now."""

    record: LoadRecord
    findings: Sequence[Finding]
    materialization: dg.AssetMaterialization | None = None


def materialized(step: LoadStep, loaded: Loaded, *, unchanged: bool) -> Report:
    """The report of a partition that was loaded just now."""
    return Report(
        loaded.record,
        loaded.findings,
        dg.AssetMaterialization(
            step.key,
            metadata=step.metadata(loaded, unchanged=unchanged),
            partition=loaded.record.partition,
            tags={"dagster/data_version": version_of(loaded), "dagster/code_version": step.mark[:8]},
        ),
    )


def report(step: LoadStep, reports: Sequence[Report]) -> None:
    """Log the materializations, then what the checks found, each about the materialization of its partition."""
    made = [each.materialization for each in reports if each.materialization is not None]
    _log(step, [(DagsterEventType.ASSET_MATERIALIZATION, StepMaterializationData(each), "Materialized value.") for each in made])
    targets = _newest(step, [str(each.record.partition) for each in reports])
    evaluations = [
        evaluation(step.key, finding, each.record.partition, targets.get(str(each.record.partition)))
        for each in reports
        for finding in each.findings
    ]
    _log(step, [(DagsterEventType.ASSET_CHECK_EVALUATION, each, _words(each)) for each in evaluations])


def _newest(step: LoadStep, partitions: Sequence[str]) -> Mapping[str, EventLogRecord]:
    """The newest materialization of each of these partitions."""
    newest: dict[str, EventLogRecord] = {}
    left = list(partitions)
    while left:  # of those that were materialized just now, the first page has all
        wanted = dg.AssetRecordsFilter(step.key, asset_partitions=left)
        page = step.context.instance.fetch_materializations(wanted, limit=len(left)).records
        for event in page:
            newest.setdefault(str(event.partition_key), event)
        if not page:
            break
        left = [partition for partition in left if partition not in newest]
    return newest


def _log(step: LoadStep, events: Sequence[tuple[DagsterEventType, Any, str]]) -> None:
    batch = str(uuid4())
    for number, (kind, data, words) in enumerate(events, start=1):
        event = DagsterEvent.from_step(
            event_type=kind,
            step_context=step.context.get_step_execution_context(),
            event_specific_data=data,
            message=words,
            batch_metadata=DagsterEventBatchMetadata(batch, number == len(events)),
        )
        step.context.op_execution_context._events.append(event)  # noqa: SLF001  (as its own log_event does, which knows no batch)


def _words(judged: dg.AssetCheckEvaluation) -> str:
    asset, outcome = judged.asset_key.to_user_string(), "passed" if judged.passed else "did not pass"
    return f"Asset check '{judged.check_name}' on '{asset}' {outcome}. Description: '{judged.description}'"
