"""An evaluator outside of a run, for the command line: on the platform's own models, store and instance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import dagster as dg

from oso_dagster.domain.catalogue.source import Source
from oso_dagster.orchestration.ledger.fill import LedgerFill
from oso_dagster.orchestration.ledger.required_proofs import proofs_of
from oso_dagster.orchestration.models.platform_project import transform_assets
from oso_dagster.orchestration.objectives.evaluator import Evaluator, measured_assets
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings


@contextmanager
def evaluator_now(settings: Settings, sources: Sequence[Source]) -> Iterator[Evaluator]:
    """With the ledger brought up to date from the instance that DAGSTER_HOME names."""
    labels = measured_assets(sources, _models(settings, sources))
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        with dg.DagsterInstance.get() as instance:
            LedgerFill(instance, store.ledger, labels, settings.secrets(), proofs_of(sources)).run(datetime.now(UTC))
        yield Evaluator(store, sources, labels)


@contextmanager
def evaluator_then(settings: Settings, sources: Sequence[Source]) -> Iterator[Evaluator]:
    """For a time in the past, from the ledger as it is."""
    labels = measured_assets(sources, _models(settings, sources))
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        yield Evaluator(store, sources, labels, replaying=True)


def _models(settings: Settings, sources: Sequence[Source]) -> list[str]:
    return sorted(spec.key.to_user_string() for spec in transform_assets(settings, sources).specs)
