"""The evaluator with its ledger brought up to date: inside a run, and for the command line on the platform's own models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

import dagster as dg

from oso_dagster.domain.catalogue.source import Source
from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.orchestration.clock import utc_now
from oso_dagster.orchestration.ledger.fill import LedgerFill
from oso_dagster.orchestration.ledger.required_proofs import proofs_of
from oso_dagster.orchestration.ledger.stopped_runs import mark_lost_sandbox
from oso_dagster.orchestration.models.platform_project import transform_assets
from oso_dagster.orchestration.objectives.evaluator import Evaluator, measured_assets
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings


def up_to_date(
    settings: Settings,
    sources: Sequence[Source],
    labels: Mapping[str, Label],
    store: Store,
    instance: dg.DagsterInstance,
    now: datetime,
) -> Evaluator:
    """The evaluator of `store`, its ledger filled from `instance` as at `now`."""
    mark_lost_sandbox(settings, instance, now)
    LedgerFill(instance, store.ledger, labels, settings.secrets(), proofs_of(sources)).run(now)
    return Evaluator(store, sources, labels)


@contextmanager
def evaluator_now(settings: Settings, sources: Sequence[Source]) -> Iterator[Evaluator]:
    """With the ledger brought up to date from the instance that DAGSTER_HOME names."""
    labels = measured_assets(sources, _models(settings, sources))
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        with dg.DagsterInstance.get() as instance:
            evaluator = up_to_date(settings, sources, labels, store, instance, utc_now())
        yield evaluator


@contextmanager
def evaluator_then(settings: Settings, sources: Sequence[Source]) -> Iterator[Evaluator]:
    """For a time in the past, from the ledger as it is."""
    labels = measured_assets(sources, _models(settings, sources))
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        yield Evaluator(store, sources, labels, replaying=True)


def _models(settings: Settings, sources: Sequence[Source]) -> list[str]:
    return sorted(spec.key.to_user_string() for spec in transform_assets(settings, sources).specs)
