"""Keeps Python's garbage collector from traversing many lasting objects, SQLMesh's and Dagster's, again and again.

Measured on a run that has nothing to do: a quarter of its time, half of that at the end of the process. On loading 800 models
from the manifest: a quarter too. What this package is used beside may have helpers of its own: it imports nothing of it.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG_THRESHOLD = 10_000
"""New objects between two collections of the youngest generation. Python's own 700 suit programs that make few; ten times as many
as these do not stay in a processor's cache: collecting during a first materialization then takes twice as long."""
MIDDLE_THRESHOLD = 500
"""Collections of the youngest generation between two of the middle one; Python's own number is 10."""

_freeze_reasons: set[str] = set()


@contextmanager
def infrequent_gc() -> Iterator[None]:
    """Collect garbage rarely meanwhile, in the whole process."""
    usual = gc.get_threshold()
    gc.set_threshold(YOUNG_THRESHOLD, MIDDLE_THRESHOLD, usual[2])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def freeze_loaded_objects_once(reason: str) -> None:
    """Exempt all objects that exist now from garbage collection until the process ends.

    Done once for each `reason`: a second time would keep garbage as well.
    """
    if reason not in _freeze_reasons:
        _freeze_reasons.add(reason)
        gc.freeze()
