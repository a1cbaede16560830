"""Turns the batches of a schedule into one event per model. No SQLMesh, no Dagster; called from any thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from threading import Lock

from ..attempt_metadata import FAILED, OK, SKIPPED_UPSTREAM
from ..events import Batch, Event, ModelDone, UpstreamFailed, Written


class Recorder:
    """Turns what the scheduler does into events: one `ModelDone` per model, when its last batch is done or its first fails."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self.emit = emit
        self.failed: dict[str, str] = {}
        self.evaluated: set[str] = set()
        self.skips: set[str] = set()
        self.waiting: dict[str, tuple[str, ...]] = {}
        self._lock = Lock()
        self._open: dict[str, int] = {}
        self._started: dict[str, float] = {}
        self._batches: dict[str, list[Batch]] = {}

    def begin(self, batches: dict[str, int]) -> None:
        """A schedule with this many batches per model begins."""
        self._open.update(batches)

    def batch_started(self, model: str) -> None:
        """A batch of the model begins; its attempt began with the first one."""
        with self._lock:
            self._started.setdefault(model, time.time())

    def batch_done(self, model: str, batch: Batch, written: Callable[[list[Batch]], Written]) -> None:
        """A batch of the model is done. With the last one so is the model; `written` then sums up its batches."""
        with self._lock:
            self._open[model] = self._open.get(model, 1) - 1
            self._batches.setdefault(model, []).append(batch)
            last = self._open[model] == 0 and model not in self.failed
        if last:
            self.evaluated.add(model)
            total = written(self._batches.pop(model))
            self.emit(ModelDone(model, OK, self._started.pop(model), time.time(), written=total))

    def batch_failed(self, model: str, cause: str, version: str, sql: str) -> None:
        """A batch of the model failed, and so did the attempt; reported once."""
        with self._lock:
            first = model not in self.failed
            self.failed.setdefault(model, cause)
        if first:
            started = self._started.pop(model, time.time())
            self.emit(ModelDone(model, FAILED, started, time.time(), cause, Written(version), sql))

    def upstream_failed(self, table: str, cause: str) -> None:
        """A blocking audit failed on what is no model; reported once."""
        with self._lock:
            first = table not in self.failed
            self.failed.setdefault(table, cause)
        if first:
            self.emit(UpstreamFailed(table, cause))

    def skipped(self, model: str, failed: Iterable[str]) -> None:
        """The model was not computed because those in `failed` did."""
        now = time.time()
        self.skips.add(model)
        cause = f"not computed: {', '.join(sorted(failed)) or 'an upstream model'} failed"
        self.emit(ModelDone(model, SKIPPED_UPSTREAM, now, now, cause=cause))
