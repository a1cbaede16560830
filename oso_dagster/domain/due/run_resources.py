"""What a run asks of a cluster: a class for each kind of work, with reasons. Pure: where it is asked for is Dagster's.

A run is one process of Python with Dagster, dlt and Arrow: 300 MB before it does anything. The rest is what its class adds,
with half as much again. Nothing has an upper limit of processor: a run that is throttled keeps its place in a pool for longer.
"""

from __future__ import annotations

from dataclasses import dataclass

from oso_dagster.domain.due.cadence import IngestJob

_LARGE_BYTES = 300_000_000
"""From here on a load is staged by pieces on disk, and its pages are what fills memory."""

_MIB = 2**20


@dataclass(frozen=True)
class RunResources:
    """Of one container: processor asked for in thousandths of a core, memory asked for and at most, disk at most; in bytes."""

    name: str
    millicores: int
    memory: int
    memory_limit: int
    disk: int

    @property
    def of_container(self) -> dict[str, dict[str, str]]:
        """In Kubernetes' words: `requests` and `limits`."""
        disk = f"{self.disk // _MIB}Mi"
        requests = {"cpu": f"{self.millicores}m", "memory": f"{self.memory // _MIB}Mi", "ephemeral-storage": disk}
        return {"requests": requests, "limits": {"memory": f"{self.memory_limit // _MIB}Mi", "ephemeral-storage": disk}}


OWN = RunResources("platform", 250, 512 * _MIB, 1024 * _MIB, 1024 * _MIB)
"""Verdicts, the page, coverage: they query the stores, and hold what they show."""
LOAD = RunResources("load", 250, 512 * _MIB, 1024 * _MIB, 2048 * _MIB)
"""Loads of megabytes; most of the time they wait for an upstream."""
LARGE_LOAD = RunResources("large-load", 1000, 1024 * _MIB, 2048 * _MIB, 20480 * _MIB)
"""Loads of hundreds of megabytes: a day of GH Archive took 368 MiB at its peak; packages lie on disk until they are committed."""
MODELS = RunResources("models", 500, 1024 * _MIB, 2048 * _MIB, 1024 * _MIB)
"""SQLMesh: a hundred models parsed and planned in memory; the rows are Trino's work."""


def resources_of_load(job: IngestJob) -> RunResources:
    """The class of a run of a job that loads."""
    return LARGE_LOAD if max(table.cost.bytes for table in job.tables) >= _LARGE_BYTES else LOAD
