"""The public door of one world, ready to be served: built from the settings, renewed by `Upkeep`."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic

import psutil

from oso_dagster.domain.catalogue.source import Source
from oso_dagster.domain.objectives.budget import Count
from oso_dagster.domain.objectives.sample import Sample
from oso_dagster.orchestration.clock import utc_now
from oso_dagster.orchestration.models.platform_project import transform_assets
from oso_dagster.orchestration.models.project_place import project_of
from oso_dagster.orchestration.public_door.keys_of_world import keys_of
from oso_dagster.orchestration.public_door.known_facts import known_facts
from oso_dagster.orchestration.public_door.limits_of_metrics import limits_of_metrics
from oso_dagster.orchestration.public_door.published_tables import published_tables
from oso_dagster.orchestration.resources import warehouse_of
from oso_dagster.reliability.store import Store
from oso_dagster.serving.access.admission import Admission
from oso_dagster.serving.deprecations import Deprecation, deprecations_of
from oso_dagster.serving.endpoints.door import Door
from oso_dagster.serving.engine.duckdb_engine import DuckDBEngine
from oso_dagster.serving.engine.snapshots import Snapshots
from oso_dagster.serving.limits import ANONYMOUS
from oso_dagster.serving.outcomes import Outcomes
from oso_dagster.serving.provenance import Provenance
from oso_dagster.serving.published import Published
from oso_dagster.settings import Settings
from oso_dagster.sqlmesh_assets.manifest.manifest_store import load_manifest

QUERIES = ("consumer_trino", "queries")
"""The objective that counts the questions of the public: service and name."""

_KNOWN_FOR = timedelta(seconds=60)
_log = logging.getLogger("oso_dagster.serving")


@dataclass
class Service:
    """The door with what must be looked after: call `upkeep` every few seconds, `close` at the end."""

    door: Door
    snapshots: Snapshots
    upkeep: Callable[[], None]
    close: Callable[[], None]
    files: Path


def service_of(settings: Settings, sources: Sequence[Source], *, anonymous: bool = True, slice_: str = "door") -> Service:
    """Open the store and the keys of the settings' world, and take the first copy of its warehouse if there is one.

    How questions end is counted in the slice `slice_` of its objective.
    """
    models = list(transform_assets(settings, sources).specs)
    published = published_tables(sources, load_manifest(project_of(settings, connected=False)), _announced(settings))
    remove_left_behind(settings.world_dir / "serving")
    folder = settings.world_dir / "serving" / str(os.getpid())
    warehouse = warehouse_of(settings)
    snapshots = Snapshots(
        folder / "copies",
        warehouse.copy,
        lambda: _stamp(settings.warehouse_path),
        published.tables,
        name=settings.warehouse_path.stem,
    )
    store = Store.open(settings.reliability_store_url, settings.world.value)
    keys = keys_of(settings)
    outcomes = Outcomes()
    engine = DuckDBEngine(snapshots)

    def gather(now: datetime) -> Provenance:
        return replace(known_facts(published, sources, models, store, now), limited=limits_of_metrics(engine, published))

    upkeep = Upkeep(snapshots, store, outcomes, gather, published, slice_)
    upkeep()
    door = Door(
        published,
        engine,
        Admission(keys, utc_now, monotonic, anonymous=ANONYMOUS if anonymous else None),
        lambda: upkeep.provenance,
        settings.world.value,
        outcomes=outcomes,
    )

    def close() -> None:
        upkeep.keep_counts(utc_now())
        snapshots.close()
        keys.close()
        store.close()
        shutil.rmtree(folder, ignore_errors=True)

    return Service(door, snapshots, upkeep, close, folder / "answers")


def remove_left_behind(folder: Path) -> None:
    """Delete the copies of doors that were killed: their folders are named for processes that are no more."""
    for left in folder.glob("[0-9]*"):
        if not psutil.pid_exists(int(left.name)):
            shutil.rmtree(left, ignore_errors=True)


class Upkeep:
    """Renews the copy of the warehouse when it has changed, and every minute what is known of it; keeps what was counted."""

    def __init__(
        self,
        snapshots: Snapshots,
        store: Store,
        outcomes: Outcomes,
        gather: Callable[[datetime], Provenance],
        published: Published,
        slice_: str = "door",
    ) -> None:
        self._slice = slice_
        self._snapshots = snapshots
        self._store = store
        self._outcomes = outcomes
        self._gather = gather
        self.provenance = Provenance(published)
        self._kept_at: datetime | None = None

    def __call__(self) -> None:
        """Do what is due."""
        renewed = self._snapshots.refresh()
        now = utc_now()
        if renewed or self.provenance.known_at is None or now - self.provenance.known_at >= _KNOWN_FOR:
            self.provenance = self._gather(now)
        if self._kept_at is None or now - self._kept_at >= _KNOWN_FOR:
            self.keep_counts(now)

    def keep_counts(self, now: datetime) -> None:
        """Record how the questions since the last time ended, as a sample of the objective; 0 of 0 where nobody asked."""
        self._kept_at = now
        good, valid = self._outcomes.take()
        service, objective = QUERIES
        try:
            self._store.samples.record([Sample(service, objective, Count(now, good, valid), self._slice)])
        except Exception:
            self._outcomes.put_back(good, valid)
            raise


def _announced(settings: Settings) -> dict[str, Deprecation]:
    """What the SQLMesh project announces to go; nothing where it has no such file."""
    path = settings.sqlmesh_project / "deprecations.yaml"
    return deprecations_of(path.read_text(encoding="utf-8")) if path.exists() else {}


def _stamp(path: Path) -> object | None:
    """What changes when the warehouse does; None before there is one."""
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    return state.st_mtime_ns, state.st_size
