"""In which order jobs are started that run side by side. Pure: no Dagster, no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from graphlib import TopologicalSorter


def longest_chain_first(waits: Mapping[str, frozenset[str]], before: Callable[[str], object] | None = None) -> list[str]:
    """The jobs, those first behind which most others wait in a row; of as many, by `before`, else in their order.

    `waits` has what each job waits for; names that it has no entry for are left out. Raises graphlib.CycleError.
    """
    behind = dict.fromkeys(waits, 0)
    for job in reversed([*TopologicalSorter(waits).static_order()]):
        for earlier in waits.get(job, frozenset()) & waits.keys():
            behind[earlier] = max(behind[earlier], behind[job] + 1)
    return sorted(waits, key=lambda job: (-behind[job], before(job) if before is not None else 0))
