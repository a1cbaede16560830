"""The names under which Dagster shows things: keys, groups, tags. Every emitted name stands here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

import dagster as dg

from oso_dagster.domain.catalogue.source import Source, Stability, Table
from oso_dagster.domain.catalogue.table_names import table_name
from oso_dagster.domain.due.run_resources import RunResources

SOURCE_TAG = "opensource.observer/source"
"""`core`, `unstable` or `sqlmesh`; what an asset counts as in the objectives."""

TAINTED_TAG = "opensource.observer/tainted"
"""`true` on assets that derive, directly or not, from an unstable source."""

PLATFORM_TAG = "opensource.observer/platform"
"""`true` on the platform's own assets, which count in no objective."""

PROMISES_TAG = "opensource.observer/promises"
"""`true` on tainted assets that promise to be fresh all the same, as they derive from core sources too."""

RETIRED_TAG = "opensource.observer/retired"
"""On assets of a source that is no more upstream: since which day."""

PLATFORM_GROUP = "platform"

COVERAGE_KEY = dg.AssetKey(["platform", "coverage"])
LAKEHOUSE_KEY = dg.AssetKey(["platform", "lakehouse_tables"])
"""The asset that measures coverage, and the table that it writes for readers."""

PLATFORM_OWNER = "team:platform"
"""Who owns the platform's own assets, and what nobody else owns."""


FRESHNESS_CHECK = "freshness"
"""The check of each asset that promises to be fresh."""

STOPPED_TAG = "opensource.observer/stopped_at"
"""On runs that ended because what they ran in was stopped: since when. They are no failures of the platform."""

DUE_AT_TAG = "opensource.observer/due_at"
"""On runs of a command that loads everything and then judges: when it began. What became due meanwhile is not asked for."""


CONTAINER_TAG = "dagster-k8s/config"
"""What the container of a run asks for, in the words of dagster-k8s; on one machine nobody reads it."""


def resource_tags(resources: RunResources) -> dict[str, str]:
    """What runs of a job ask of a cluster, as its tags say it."""
    return {CONTAINER_TAG: json.dumps({"container_config": {"resources": resources.of_container}})}


def asset_key(source: Source, table: Table) -> dg.AssetKey:
    """`[source, table]`."""
    return dg.AssetKey([source.name, table.name])


def group(source: Source) -> str:
    """`core/<source>` or `unstable/<source>`."""
    return f"{source.stability.value}/{source.name}"


def landed_tables(sources: tuple[Source, ...]) -> dict[str, dg.AssetKey]:
    """Every landed table, `source.table` or `source.table__child`, and the asset that lands it."""
    return {
        table_name(source.name, physical): asset_key(source, table)
        for source in sources
        for table in source.tables
        for physical in table.physical
    }


def asset_keys_of(stability: Stability, sources: tuple[Source, ...]) -> list[dg.AssetKey]:
    """The asset keys of all sources with one label that are not retired."""
    mine = (source for source in sources if source.stability is stability and source.retired is None)
    return [asset_key(source, table) for source in mine for table in source.tables]


def due_at(tags: Mapping[str, str]) -> datetime | None:
    """When the command of a run with these tags began, if it judges as of then."""
    return datetime.fromisoformat(tags[DUE_AT_TAG]) if DUE_AT_TAG in tags else None
