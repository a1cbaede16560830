"""Turns the batches of a schedule into one event per model. No SQLMesh, no Dagster; called from any thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from threading import Lock

from . import attempt_metadata as attempts
from .events import Batch, Event, ModelDone, Written


class Recorder:
    """Turns what the scheduler does into events: one `ModelDone` per model, when its last batch is done or its first fails."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self.emit = emit
        self.failed: dict[str, str] = {}
        self.evaluated: set[str] = set()
        self.skips: set[str] = set()
        self._lock = Lock()
        self._open: dict[str, int] = {}
        self._started: dict[str, float] = {}
        self._batches: dict[str, list[Batch]] = {}

    def begin(self, batches: dict[str, int]) -> None:
        """A schedule with so many batches per model begins."""
        self._open.update(batches)

    def batch_started(self, model: str) -> None:
        """A batch of the model begins; its attempt began with the first one."""
        with self._lock:
            self._started.setdefault(model, time.time())

    def batch_done(self, model: str, batch: Batch, written: Callable[[list[Batch]], Written]) -> None:
        """A batch of the model is done; with the last one the model is, and `written` tells what of it."""
        with self._lock:
            self._open[model] = self._open.get(model, 1) - 1
            self._batches.setdefault(model, []).append(batch)
            last = self._open[model] == 0 and model not in self.failed
        if last:
            self.evaluated.add(model)
            told = written(self._batches.pop(model))
            self.emit(ModelDone(model, attempts.OK, self._started.pop(model), time.time(), written=told))

    def batch_failed(self, model: str, cause: str, version: str, sql: str) -> None:
        """A batch of the model failed, and so did the attempt; told once."""
        with self._lock:
            first = model not in self.failed
            self.failed.setdefault(model, cause)
        if first:
            started = self._started.pop(model, time.time())
            self.emit(ModelDone(model, attempts.FAILED, started, time.time(), cause, Written(version), sql))

    def skipped(self, model: str, blame: Iterable[str]) -> None:
        """The model was not tried because of the failures named in `blame`."""
        now = time.time()
        self.skips.add(model)
        cause = f"not tried: {', '.join(sorted(blame)) or 'a model above it'} failed"
        self.emit(ModelDone(model, attempts.SKIPPED_UPSTREAM, now, now, cause=cause))
