"""What one step of ingestion works on: its table and partitions, the options of its run, what was there before it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import dagster as dg

from oso_dagster.domain.catalogue.loading import DifferentRows, Loaded, LoadRecord, Stretch
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import Source, Table
from oso_dagster.orchestration import labels
from oso_dagster.orchestration.ingest.earlier_tries import partitions_done
from oso_dagster.orchestration.ingest.load_outcome import failure, fingerprint, metadata_of
from oso_dagster.orchestration.ingest.needed_values import inputs_of
from oso_dagster.orchestration.ingest.termination import GoingOn
from oso_dagster.orchestration.resources import warehouse_of
from oso_dagster.settings import Settings
from oso_dagster.warehouse.base import Warehouse


class LoadConfig(dg.Config):
    """The options of a load that is started by hand."""

    allow_shrink: bool = False
    """Publish even when the table loses more rows than its floor allows (upstream really lost them)."""
    force: bool = False
    """Load again although upstream is unchanged."""


@dataclass(frozen=True)
class LoadStep:
    """One step: what is loaded, with the options of its run."""

    context: dg.AssetExecutionContext
    settings: Settings
    source: Source
    table: Table
    config: LoadConfig
    began: float = field(default_factory=time.monotonic)

    @property
    def key(self) -> dg.AssetKey:
        """The asset."""
        return labels.asset_key(self.source, self.table)

    @cached_property
    def warehouse(self) -> Warehouse:
        """Where it lands."""
        return warehouse_of(self.settings)

    @cached_property
    def windows(self) -> Sequence[Window | None]:
        """The partitions of the run, oldest first; None is the whole table."""
        partitions = self.table.partitions
        return [None] if partitions is None else [partitions.window(key) for key in sorted(self.context.partition_keys)]

    @cached_property
    def going_on(self) -> GoingOn:
        """Whether the run goes on."""
        return GoingOn(self.context)

    @cached_property
    def mark(self) -> str:
        """What the declaration is called, in records."""
        return fingerprint(self.table)

    @cached_property
    def previous(self) -> Mapping[str | None, LoadRecord]:
        """The last load of each partition before this run, by its key."""
        return self.kept[0]

    @cached_property
    def kept(self) -> tuple[Mapping[str | None, LoadRecord], Sequence[DifferentRows]]:
        """The last loads, and what has other rows than they left: that is loaded anew as a whole."""
        keys = [window.key if window else None for window in self.windows]
        records, differing = self.warehouse.kept_loads(self.source, self.table, keys)
        for each in differing:
            self.context.log.warning("%s: what differs is loaded anew", each.words)
        return records, differing

    def before(self, window: Window | None, *, fresh: bool = False) -> LoadRecord | None:
        """The last load of a partition, or of the table, before this run; `fresh`: before now."""
        key = window.key if window else None
        return self.warehouse.last_load(self.source.name, self.table.name, key) if fresh else self.previous.get(key)

    @cached_property
    def done(self) -> frozenset[str]:
        """The partitions that earlier tries of a run over several have loaded."""
        return partitions_done(self.context, self.key) if len(self.windows) > 1 else frozenset()

    def comparable(self, record: LoadRecord | None) -> LoadRecord | None:
        """A load, if upstream's answers may be compared with it: same declaration, nothing forced."""
        if record is None or record.fingerprint != self.mark or self.config.force:
            return None
        _, differing = self.kept
        return None if any(each.partition in (None, record.partition) for each in differing) else record

    def metadata(self, loaded: Loaded, *, unchanged: bool) -> dict[str, Any]:
        """The metadata of the materialization of what was loaded."""
        return metadata_of(loaded, self.settings, seconds=time.monotonic() - self.began, unchanged=unchanged)

    def failure(self, window: Window | None, error: Exception, *, retry: bool) -> dg.Failure:
        """The error of a partition, or of the table, as Dagster may show it."""
        return failure(self.settings, self.source, self.table, window, error, retry=retry)

    @cached_property
    def stretch(self) -> Stretch:
        """The partitions that are still to be loaded: one and the same for all extractions of this try."""
        windows = [window for window in self.windows if window is not None and window.key not in self.done]
        records = {window.key: self.comparable(self.before(window)) for window in windows}
        return Stretch(windows, {key: record for key, record in records.items() if record is not None})

    @cached_property
    def inputs(self) -> Mapping[str, Sequence[str]]:
        """What the table needs of others: the same for all partitions of a run."""
        return inputs_of(self.warehouse, self.table)
