"""Evaluates the objectives of one service: ledger up to date, verdicts recorded. Glue: arithmetic is in `domain`.

Fails only when it cannot evaluate; a breached objective is a failed check. Alerting people is left to the sensors (`alerting`).
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import dagster as dg

from oso_dagster.domain.catalogue.source import Source
from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.objectives import of_service
from oso_dagster.orchestration.clock import utc_now
from oso_dagster.orchestration.labels import due_at
from oso_dagster.orchestration.objectives.check_results import check_of, freshness_check, metadata_of
from oso_dagster.orchestration.objectives.evaluator import Evaluator, measured_assets
from oso_dagster.orchestration.objectives.open_evaluator import up_to_date
from oso_dagster.orchestration.watch.heartbeats import EVALUATION, beat
from oso_dagster.reliability.results import verdict_row
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings

_SCHEDULED = "dagster/schedule_name"


def evaluate_service(
    context: dg.AssetExecutionContext, settings: Settings, sources: Sequence[Source], models: Sequence[str], service: str
) -> dg.MaterializeResult[None]:
    """Evaluate `service` now; `models` are the names of SQLMesh's assets."""
    labels = measured_assets(sources, models)
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        evaluator = up_to_date(settings, sources, labels, store, context.instance, utc_now())
        evaluator = replace(evaluator, due_at=due_at(context.run.tags))
        now = utc_now()
        assessments = evaluator.assess(service, now)
        store.results.record_verdicts(verdict_row(assessment) for assessment in assessments)
        for label in {objective.label for objective in of_service(service) if objective.label in (Label.CORE, Label.UNSTABLE)}:
            store.results.record_freshness(evaluator.freshness_rows(label, now))
        store.rollup.roll_up(now)
        if _SCHEDULED in context.run.tags:
            _look_after_the_sensors(store, settings, context.log, now)
    checks = [check_of(assessment) for assessment in assessments]
    return dg.MaterializeResult(metadata=metadata_of(assessments, settings.world.value), check_results=checks)


def evaluate_assets(
    context: dg.AssetCheckExecutionContext,
    settings: Settings,
    sources: Sequence[Source],
    models: Sequence[str],
    chosen: Collection[dg.AssetCheckKey],
) -> Iterator[dg.AssetCheckResult]:
    """The `chosen` objectives of data assets by themselves, each against the target of its class."""
    labels = measured_assets(sources, models)
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        evaluator = up_to_date(settings, sources, labels, store, context.instance, utc_now())
        evaluator = replace(evaluator, due_at=due_at(context.run.tags))
        now = utc_now()
        results = [check for label in Label for check in _of_label(evaluator, label, now)]
    selected = {(key.asset_key, key.name) for key in chosen}
    yield from (check for check in results if (check.asset_key, check.check_name) in selected)


def _of_label(evaluator: Evaluator, label: Label, now: datetime) -> Iterator[dg.AssetCheckResult]:
    loud = dg.AssetCheckSeverity.ERROR if label is Label.CORE else dg.AssetCheckSeverity.WARN
    for asset, assessment in evaluator.of_assets(label, now).items():
        yield check_of(assessment, _key(asset))
    fresh = evaluator.fresh_models(now) if label is Label.SQLMESH else evaluator.fresh_tables(label, now)
    for asset, judged in fresh.items():
        yield freshness_check(_key(asset), judged, loud, now)
    if label is not Label.SQLMESH:
        for asset, assessment in evaluator.complete_tables(label, now).items():
            yield check_of(assessment, _key(asset), loud)


def _key(asset: str) -> dg.AssetKey:
    return dg.AssetKey(asset.split("/"))


def _look_after_the_sensors(store: Store, settings: Settings, logger: logging.Logger, now: datetime) -> None:
    """The schedule lives; when a sensor does not, nobody else would say so."""
    from oso_dagster.orchestration.watch.incident_round import report_silence, send  # noqa: PLC0415  (it needs this module)

    if report_silence(settings, store, EVALUATION, now):
        send(settings, store, logger, utc_now)
    beat(store, EVALUATION, now)
