"""Which partitions are there: materialized, as Dagster has it, and not lost since, as the warehouse's own records have it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import dagster as dg

from oso_dagster.domain.due.cadence import IngestJob
from oso_dagster.domain.redaction import redact
from oso_dagster.orchestration import labels
from oso_dagster.orchestration.resources import warehouse_of
from oso_dagster.settings import Settings

PATIENCE_SECONDS = 10
"""So long a tick waits for whoever has the warehouse; a schedule has a minute for everything."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Present:
    """The partitions that every table of a job has, and those that all of them had, and some table has `lost` since."""

    kept: frozenset[str]
    lost: frozenset[str] = frozenset()


def present_partitions(settings: Settings, job: IngestJob, instance: dg.DagsterInstance) -> Present:
    """Which partitions of a job are there. A warehouse that cannot be read says nothing: Dagster is believed then."""
    keys = [labels.asset_key(job.source, table) for table in job.tables]
    materialized = frozenset.intersection(*(frozenset(instance.get_materialized_partitions(key)) for key in keys))
    if not materialized:
        return Present(materialized)
    hurried = settings.model_copy(update={"lock_timeout_seconds": min(PATIENCE_SECONDS, settings.lock_timeout_seconds)})
    try:
        recorded = warehouse_of(hurried).recorded_loads(tables=[(job.source, table) for table in job.tables])
    except Exception as error:  # noqa: BLE001  (named, without secrets; what Dagster knows is enough to go on)
        words = redact(str(error), settings.secrets()) or type(error).__name__
        _LOG.warning("%s: nothing is known of lost partitions: the warehouse's records cannot be read: %s", job.name, words)
        return Present(materialized)
    kept = materialized
    for table in job.tables:
        records = recorded.get((job.source.name, table.name))
        differing = {each.partition for each in records.differing} if records else set[str | None]()
        held = records.partitions - differing if records and None not in differing else frozenset[str]()
        kept &= held
    return Present(kept, materialized - kept)
