"""Python's garbage collector, held back where very many small objects are made and none of them is in a cycle.

The bridge has its own tuning (`sqlmesh_assets/gc_tuning.py`): it stands alone as a package and may import nothing of ours, and it
has another case, very many objects that last, among which there is garbage.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collections() -> Iterator[None]:
    """Look for no cycles meanwhile, in the whole process.

    Making the events of a file takes half the time then; filling the ledger takes a quarter longer without.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
