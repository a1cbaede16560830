"""A Dagster instance for many short runs: what happened is kept in lists, where the usual one writes each event to tables of
SQLite.

Nothing of the platform reads the log of a campaign's run while it goes on: the runs are of one partition and of one try.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.instance import InstanceType
from dagster._core.launcher import DefaultRunLauncher
from dagster._core.run_coordinator import DefaultRunCoordinator
from dagster._core.storage.event_log import InMemoryEventLogStorage
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
from dagster._core.storage.root import LocalArtifactStorage
from dagster._core.storage.runs import InMemoryRunStorage


class _Lists(InMemoryEventLogStorage):
    """An event log that keeps what it is given, by run, and answers nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.by_run: Mapping[str, list[dg.EventLogEntry]] = defaultdict(list)

    def store_event(self, event: dg.EventLogEntry) -> None:
        self.by_run[event.run_id].append(event)

    def store_event_batch(self, events: Any) -> None:
        for event in events:
            self.store_event(event)


class Remembering(dg.DagsterInstance):
    """An instance whose runs' events are lists: `events_of` a run."""

    def events_of(self, run_id: str) -> list[dg.EventLogEntry]:
        """All events of a run, in their order."""
        storage = self.event_log_storage
        assert isinstance(storage, _Lists)
        return storage.by_run[run_id]


@contextmanager
def remembering(home: Path) -> Iterator[Remembering]:
    """An instance for the time of a block; its files lie in `home`."""
    with Remembering(
        instance_type=InstanceType.EPHEMERAL,
        local_artifact_storage=LocalArtifactStorage(str(home)),
        run_storage=InMemoryRunStorage(),
        event_storage=_Lists(),
        compute_log_manager=NoOpComputeLogManager(),
        run_coordinator=DefaultRunCoordinator(),
        run_launcher=DefaultRunLauncher(),
    ) as instance:
        yield instance
