"""Reads snapshots from SQLMesh's state without optimized queries, which only the models being computed need. Imports SQLMesh."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

from sqlmesh.core.snapshot.cache import SnapshotCache


class LeanSnapshots(SnapshotCache):
    """SQLMesh's cache of snapshots, which would read every model's optimized query, twice when it does not fork.

    That is half of the time of a run that has nothing to do. Here they are read by `load_optimized_query` only.
    """

    def get_or_load(
        self, snapshot_ids: set[Any], loader: Callable[[set[Any]], Collection[Any]]
    ) -> tuple[dict[Any, Any], set[Any]]:
        """The snapshots, and which of them came from the cache; the rest is loaded and cached."""
        cached = {key: snapshot for key in snapshot_ids if (snapshot := self._snapshot_cache.get(self._entry_name(key)))}
        for snapshot in cached.values():
            snapshot.intervals, snapshot.dev_intervals = [], []
        missing = snapshot_ids - cached.keys()
        loaded = {snapshot.snapshot_id: snapshot for snapshot in loader(missing)} if missing else {}
        for snapshot in [*cached.values(), *loaded.values()]:
            self._update_node_hash_cache(snapshot)
            self.put(snapshot)
        return cached | loaded, set(cached)

    def load_optimized_query(self, snapshot: Any) -> None:
        """Read or make the optimized query of a model that is about to be computed."""
        with suppress(Exception):  # the computation itself raises what is wrong with the query
            # A model of a loaded project has it; one that was read from the state has not.
            if snapshot.model.is_sql and snapshot.model._query_renderer._optimized_cache is None:  # noqa: SLF001
                self._optimized_query_cache.with_optimized_query(snapshot.model)
