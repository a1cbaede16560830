"""How long a run may take: what is promised of it, after which it is an incident, and the maximum, at which it is ended.

Pure: no Dagster, no clock. Setting the maximum and ending runs is Dagster's (`orchestration.upkeep.run_limits`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from oso_dagster.domain.due.cadence import IngestJob

_LEAST, _MOST = timedelta(hours=1), timedelta(hours=12)
"""Of any maximum; the most is what `dagster.yaml` ends every run at."""

_MODELS = timedelta(hours=2)
_OTHERS = timedelta(hours=6)
"""By hand: a span restated, a deployment, a selection of everything."""

_OWN = {
    "transform": _MODELS,
    "measure_coverage": timedelta(hours=1),
    "maintain_lakehouse": timedelta(hours=2),
    "evaluate_slos": timedelta(minutes=15),
    "publish_status": timedelta(minutes=15),
}
"""The platform's own jobs: what is promised of each run."""


@dataclass(frozen=True)
class RunLimit:
    """How long the work of a run takes, with every retry."""

    work: timedelta

    @property
    def promised(self) -> timedelta:
        """From its start to its end: half of the most that any run may take, at most, so that each is an incident first."""
        return min(self.work, _MOST / 2)

    @property
    def maximum(self) -> timedelta:
        """Twice what is promised: an hour at least, half a day at most."""
        return max(2 * self.promised, _LEAST)


def limit_of_load(job: IngestJob, partitions: int = 1) -> RunLimit:
    """The limit of a run that loads so many partitions of the tables of a job, every one with all its retries."""
    return RunLimit(max(job.source.terms_of(table).longest_load for table in job.tables) * max(partitions, 1))


def limit_of_job(name: str) -> RunLimit:
    """The limit of a run of a job that loads no source."""
    return RunLimit(_OWN.get(name, _OTHERS))
