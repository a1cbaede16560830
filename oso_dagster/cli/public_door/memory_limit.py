"""The most memory that this process may have, so that one expression of a query cannot take that of the machine."""

from __future__ import annotations

import logging
import resource

import psutil

MORE_THAN_NOW = 6 * 1024**3
"""Bytes for queries, above what a ready process has: the engine's own limit, and what its functions take beside it."""

_log = logging.getLogger("oso_dagster.serving")


def limit_memory(more: int = MORE_THAN_NOW) -> bool:
    """Let this process, and those that it starts from now on, have `more` bytes above now; False where a system cannot.

    The engine's limit counts tables and sorting, not the text that a function makes (`repeat`, `lpad`). Past this one the
    engine is refused memory and says so of the query, and the process lives on. Linux counts what is written to alone.
    """
    import pyarrow as pa  # noqa: PLC0415  (loads when used, and before what the process has is measured)

    has = getattr(psutil.Process().memory_info(), "data", None)
    if has is None:
        _log.warning("the memory of queries cannot be limited on this system: limit that of the whole process from outside")
        return False
    pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own does not notice a refusal, and writes where nothing is
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = has + more
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most))
    return True
