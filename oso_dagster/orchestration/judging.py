"""Evaluates the objectives of one service: ledger up to date, verdicts recorded, alerts told. Glue: arithmetic is in `domain`.

Fails only when it cannot evaluate; a breached objective is a failed check.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import dagster as dg

from oso_dagster.alerting.log import LogChannel
from oso_dagster.domain.alert import Raise, advance, signal_of
from oso_dagster.domain.attempts import Label
from oso_dagster.domain.objectives import budget_text, of_service, summary
from oso_dagster.domain.slo import Assessment
from oso_dagster.domain.source import Source
from oso_dagster.orchestration.evaluation import Evaluator, measured_assets
from oso_dagster.orchestration.labels import PLATFORM_OWNER
from oso_dagster.orchestration.ledger import LedgerFill
from oso_dagster.orchestration.telling import check_of, metadata_of
from oso_dagster.reliability.results import VerdictRow
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings


def judge_service(
    context: dg.AssetExecutionContext, settings: Settings, sources: Sequence[Source], models: Sequence[str], service: str
) -> dg.MaterializeResult[None]:
    """Evaluate `service` now; `models` are the names of SQLMesh's assets."""
    labels = measured_assets(sources, models)
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        LedgerFill(context.instance, store.ledger, labels, settings.secrets()).run(datetime.now(UTC))
        now = datetime.now(UTC)
        evaluator = Evaluator(store, sources, labels)
        assessments = evaluator.assess(service, now)
        store.results.record_verdicts(verdict_row(one) for one in assessments)
        for label in {one.label for one in of_service(service) if one.label in (Label.CORE, Label.UNSTABLE)}:
            store.results.record_freshness(evaluator.freshness_rows(label, now))
        announce(store, assessments, _owners(sources), LogChannel(context.log), now)
    checks = [check_of(one) for one in assessments]
    return dg.MaterializeResult(metadata=metadata_of(assessments, settings.world.value), check_results=checks)


def judge_assets(
    context: dg.AssetCheckExecutionContext,
    settings: Settings,
    sources: Sequence[Source],
    models: Sequence[str],
    chosen: Collection[dg.AssetKey],
) -> Iterator[dg.AssetCheckResult]:
    """The reliability of each of the `chosen` data assets by itself, against the target of its class."""
    labels = measured_assets(sources, models)
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        LedgerFill(context.instance, store.ledger, labels, settings.secrets()).run(datetime.now(UTC))
        now, evaluator = datetime.now(UTC), Evaluator(store, sources, labels)
        for label in Label:
            for asset, assessment in evaluator.of_assets(label, now).items():
                key = dg.AssetKey(asset.split("/"))
                if key in chosen:
                    yield check_of(assessment, key)


def verdict_row(assessment: Assessment) -> VerdictRow:
    """An assessment as history keeps it."""
    objective = assessment.objective
    return VerdictRow(
        service=objective.service,
        objective=objective.name,
        verdict=assessment.verdict,
        good=assessment.good,
        valid=assessment.valid,
        target_bp=objective.target,
        window=objective.window,
        budget=budget_text(assessment),
        summary=summary(assessment),
        guilty=assessment.guilty,
        evaluated_at=assessment.at,
    )


def announce(
    store: Store, assessments: Sequence[Assessment], owners: Mapping[str, str], channel: LogChannel, now: datetime
) -> None:
    """Say what has not been said; what was delivered is remembered afterwards, so that a crash repeats and never forgets."""
    found = (signal_of(one, _blamed(one, owners)) for one in assessments)
    signals = [signal for signal in found if signal is not None]
    for action in advance(signals, store.results.standing_alerts()):
        channel.deliver(action)
        if isinstance(action, Raise):
            store.results.record_announced(action.alert.key, action.alert.title, now, standing=True)
        else:
            store.results.record_announced(action.key, action.text, now, standing=False)


def _owners(sources: Sequence[Source]) -> dict[str, str]:
    return {f"{source.name}/{table.name}": source.owner for source in sources for table in source.tables}


def _blamed(assessment: Assessment, owners: Mapping[str, str]) -> str:
    return ", ".join(sorted({owners.get(one.asset, PLATFORM_OWNER) for one in assessment.guilty})) or PLATFORM_OWNER
