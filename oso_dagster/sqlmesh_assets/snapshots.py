"""Reads snapshots from SQLMesh's state without what is needed of a few of them only. Imports SQLMesh."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

from sqlmesh.core.snapshot.cache import SnapshotCache


class LeanSnapshots(SnapshotCache):
    """SQLMesh's cache of snapshots, which would read every model's optimized query, twice when it does not fork.

    That is half of the time of a run that has nothing to do. Here it is read for the models that are computed.
    """

    def get_or_load(
        self, snapshot_ids: set[Any], loader: Callable[[set[Any]], Collection[Any]]
    ) -> tuple[dict[Any, Any], set[Any]]:
        """The snapshots, and which of them came from the cache; the rest is loaded and cached."""
        found = {key: one for key in snapshot_ids if (one := self._snapshot_cache.get(self._entry_name(key)))}
        for one in found.values():
            one.intervals, one.dev_intervals = [], []
        missing = snapshot_ids - found.keys()
        loaded = {one.snapshot_id: one for one in loader(missing)} if missing else {}
        for one in [*found.values(), *loaded.values()]:
            self._update_node_hash_cache(one)
            self.put(one)
        return found | loaded, set(found)

    def recall(self, snapshot: Any) -> None:
        """Read or make the optimized query of a model that is about to be computed."""
        with suppress(Exception):  # the computation itself will say what is wrong with the query
            # A model of a project that was loaded has it; one that was read from the state has not.
            if snapshot.model.is_sql and snapshot.model._query_renderer._optimized_cache is None:  # noqa: SLF001
                self._optimized_query_cache.with_optimized_query(snapshot.model)
