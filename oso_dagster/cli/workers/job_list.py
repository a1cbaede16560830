"""The jobs by name, what each one does in words, and which partitions of it to load. Running them is not part of this."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from oso_dagster.domain.due.cadence import Backfill, IngestJob, in_order, jobs_of, missing_backfill, range_backfill
from oso_dagster.settings import Profile, Settings, SettingsError
from oso_dagster.sources import catalogue

_FEW = 4
_AFTER_INGESTION = {
    "measure_coverage": "second counts of upstreams, compared with what is held",
    "transform": "SQLMesh: models and audits",
    "evaluate_slos": "objectives: verdicts from the ledger",
    "publish_status": "the status page",
}
_LAKEHOUSE = {"maintain_lakehouse": "Iceberg's tables: files merged, old snapshots and orphans removed"}


@dataclass(frozen=True)
class PartitionRequest:
    """What a command that `began` then asks for: the newest missing partitions, so many; or all of a span, first and last key.

    What upstream has, and what is due when objectives are judged, is counted as of the begin, however long the command takes.
    """

    began: datetime
    newest: int
    span: tuple[str, str] | None = None

    def of(self, job: IngestJob, present: frozenset[str]) -> Backfill:
        """The runs of a job. Raises SettingsError for a span that it does not have."""
        if self.span is None:
            return missing_backfill(job, self.began, present, self.newest)
        try:
            return range_backfill(job, self.began, *self.span)
        except ValueError as error:
            raise SettingsError(f"{job.name}: {error}") from None


def ingest_jobs(settings: Settings) -> dict[str, IngestJob]:
    """The jobs that load sources, by name, each behind those that land what it needs."""
    sources = settings.in_world(catalogue())
    return {job.name: job for job in in_order(job for source in sources for job in jobs_of(source))}


def all_jobs(settings: Settings, without: Collection[str] = ()) -> dict[str, str]:
    """The jobs of the platform in the order in which data flows, and what each one is, in words; not those of some sources."""
    known = ingest_jobs(settings).items()
    of_sources = {name: f"{job.source.title}: {_named(job)}" for name, job in known if job.source.name not in without}
    return of_sources | _AFTER_INGESTION | (_LAKEHOUSE if settings.profile is Profile.LAKEHOUSE else {})


def chosen_jobs(settings: Settings, names: Sequence[str]) -> list[str]:
    """The jobs that a person names, all for none; `ingest_<source>` is every job of that source, whatever they are called.

    Raises SettingsError for names that no job or source has.
    """
    known, of_source = all_jobs(settings), _by_source(settings)
    if unknown := [name for name in names if name not in known and name not in of_source]:
        others = ", ".join(sorted({*known, *of_source}))
        raise SettingsError(f"no job is called {', '.join(unknown)}; there are {others}")
    return list(dict.fromkeys(job for name in names for job in of_source.get(name, [name]))) or list(known)


def require_partitions(settings: Settings, names: Sequence[str], jobs: Sequence[str]) -> list[str]:
    """Those of the `jobs` that have partitions, for a command that asks for a span of them.

    Raises SettingsError where a span has no meaning: without a name, and for a name of which no job has partitions.
    """
    if not names:
        raise SettingsError("--from without a job: name the job whose partitions are to be loaded, for example ingest_npm")
    known, of_source = ingest_jobs(settings), _by_source(settings)
    partitioned = [job for job in jobs if job in known and known[job].partitions is not None]
    for name in names:
        if not set(of_source.get(name, [name])) & set(partitioned):
            raise SettingsError(f"--from has no meaning for {name}: it has no partitions; leave --from and --to out")
    return partitioned


def _by_source(settings: Settings) -> dict[str, list[str]]:
    """The jobs of each source, by `ingest_<source>`."""
    jobs: dict[str, list[str]] = {}
    for name, job in ingest_jobs(settings).items():
        jobs.setdefault(f"ingest_{job.source.name}", []).append(name)
    return jobs


def backfill_text(wanted: Backfill) -> str:
    """The partitions of a table that are loaded, and how many older ones stay missing, in words."""
    count = sum(len(windows) for windows in wanted.runs)
    if not count:
        return "every partition that upstream has is there"
    span = f"{wanted.runs[0][0].key} to {wanted.runs[-1][-1].key}" if count > 1 else wanted.runs[0][0].key
    runs = f" in {len(wanted.runs)} runs" if len(wanted.runs) > 1 else ""
    left = f"; {wanted.left:,} older ones are missing" if wanted.left else ""
    return f"{count} partition{'s' if count > 1 else ''}{runs}, {span}{left}"


def _named(job: IngestJob) -> str:
    """The tables of a job, on one line."""
    names = [table.name for table in job.tables]
    return ", ".join(names) if len(names) <= _FEW else f"{', '.join(names[:_FEW])} and {len(names) - _FEW} more"
