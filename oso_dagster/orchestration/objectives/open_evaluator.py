"""The evaluator with its ledger brought up to date: inside a run, and for the command line on the platform's own models.

Dagster is loaded only where the ledger has something to be filled with: a command that looks needs it as rarely as that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from oso_dagster.domain.catalogue.source import Source
from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.orchestration.clock import utc_now
from oso_dagster.orchestration.ledger.log_files import LogFiles
from oso_dagster.orchestration.models.project_place import model_assets
from oso_dagster.orchestration.objectives.evaluator import Evaluator, measured_assets
from oso_dagster.reliability.ledger.ledger import Ledger
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings

if TYPE_CHECKING:
    import dagster as dg


def up_to_date(
    settings: Settings,
    sources: Sequence[Source],
    labels: Mapping[str, Label],
    store: Store,
    instance: dg.DagsterInstance,
    now: datetime,
) -> Evaluator:
    """The evaluator of `store`, its ledger filled from `instance` as at `now`."""
    from oso_dagster.orchestration.ledger.fill import LedgerFill  # noqa: PLC0415  (Dagster loads when used)
    from oso_dagster.orchestration.ledger.required_proofs import proofs_of  # noqa: PLC0415
    from oso_dagster.orchestration.ledger.stopped_runs import mark_lost_sandbox  # noqa: PLC0415

    mark_lost_sandbox(settings, instance, now)
    LedgerFill(instance, store.ledger, labels, settings.secrets(), proofs_of(sources)).run(now)
    return Evaluator(store, sources, labels)


@contextmanager
def evaluator_now(settings: Settings, sources: Sequence[Source]) -> Iterator[Evaluator]:
    """With the ledger brought up to date from the instance that DAGSTER_HOME names."""
    labels = measured_assets(sources, model_assets(settings))
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        if holds_everything(store.ledger, LogFiles.of(settings)):
            store.ledger.label(labels)
            evaluator = Evaluator(store, sources, labels)
        else:
            import dagster as dg  # noqa: PLC0415  (slow to load)

            with dg.DagsterInstance.get() as instance:
                evaluator = up_to_date(settings, sources, labels, store, instance, utc_now())
        yield evaluator


@contextmanager
def evaluator_then(settings: Settings, sources: Sequence[Source]) -> Iterator[Evaluator]:
    """For a time in the past, from the ledger as it is."""
    labels = measured_assets(sources, model_assets(settings))
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        yield Evaluator(store, sources, labels, replaying=True)


def holds_everything(ledger: Ledger, files: LogFiles | None) -> bool:
    """Whether a fill would find nothing: every run is settled, and the log goes on from where it was read to with nothing new."""
    identity = files and files.storage_id()
    cursor = ledger.cursor(identity) if identity else None
    if files is None or cursor is None or ledger.unsettled():
        return False
    return files.fingerprint_at(cursor.position) == cursor.anchor and not files.has_events_after(cursor.position)
