"""Which jobs load a source, and which partitions a schedule asks for at one instant. Pure: no Dagster, no clock."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from graphlib import TopologicalSorter
from itertools import groupby

from oso_dagster.domain.catalogue.partitions import PartitionKind, Partitions, Window
from oso_dagster.domain.catalogue.source import Schedule, Source, Table
from oso_dagster.domain.catalogue.table_names import table_name

MOST_TRIES = 5
"""How often a schedule asks for one partition before it gives up: each try has the table's own retries inside."""

SANDBOX_DELAY = timedelta(seconds=2)
"""The longest first pause before a step is tried again in the sandbox world: a server on loopback needs no time to recover."""


@dataclass(frozen=True)
class IngestJob:
    """The tables of one source that are loaded together: same partitions, same cadence, same way to fill a range."""

    name: str
    source: Source
    tables: tuple[Table, ...]
    schedule: Schedule
    partitions: Partitions | None
    range_in_one_run: bool


@dataclass(frozen=True)
class PartitionPlan:
    """What a schedule asks for (`ask`, oldest first), and what it no longer asks for (`given_up`)."""

    ask: tuple[Window, ...]
    given_up: tuple[str, ...]


def jobs_of(source: Source) -> tuple[IngestJob, ...]:
    """One job per kind of partition and cadence; none of a source that is retired.

    `ingest_<source>` when there is one, else `ingest_<source>_<hourly|daily|weekly|monthly|static|whole>`, and numbered in the
    order of their crons where even that is not one.
    """
    if source.retired is not None:
        return ()
    tables = sorted(source.tables, key=_likeness)
    groups = [tuple(group) for _, group in groupby(tables, key=_likeness)]
    kinds = [_kind(group[0]) for group in groups]
    jobs = []
    for position, group in enumerate(groups):
        name = f"ingest_{source.name}" if len(groups) == 1 else f"ingest_{source.name}_{kinds[position]}"
        if kinds.count(kinds[position]) > 1:
            name += f"_{kinds[: position + 1].count(kinds[position])}"
        first = group[0]
        jobs.append(IngestJob(name, source, group, first.schedule, first.partitions, first.range_in_one_run))
    return tuple(jobs)


def plan_partitions(
    partitions: Partitions,
    now: datetime,
    present: Collection[str],
    running: Collection[str],
    tries: Mapping[str, int],
    again: Collection[str] = (),
) -> PartitionPlan:
    """Ask for each recent partition that is missing, unless it is being loaded, or failed `MOST_TRIES` times.

    Those that are to be loaded `again` (`looks_again.partitions_again`) are there: they are left out quietly where they fail.
    """
    missing = [window for window in partitions.recent(now) if window.key not in present and window.key not in running]
    given_up = tuple(window.key for window in missing if tries.get(window.key, 0) >= MOST_TRIES)
    requested = {window.key for window in missing if window.key not in given_up}
    requested |= {key for key in again if key not in running and tries.get(key, 0) < MOST_TRIES}
    return PartitionPlan(tuple(window for window in partitions.available(now) if window.key in requested), given_up)


def stretches(partitions: Partitions, windows: Sequence[Window]) -> list[tuple[Window, ...]]:
    """Windows that follow each other without a gap, together; static ones each alone, for they have no order in time."""
    groups: list[tuple[Window, ...]] = []
    for window in windows:
        if groups and partitions.kind is not PartitionKind.STATIC and groups[-1][-1].end == window.start:
            groups[-1] = (*groups[-1], window)
        else:
            groups.append((window,))
    return groups


def in_sandbox(source: Source, begin: datetime) -> Source:
    """The same source in the sandbox world: time partitions from the first boundary not before `begin` on, short pauses."""
    return replace(source, tables=tuple(_in_sandbox(table, begin) for table in source.tables))


def _in_sandbox(table: Table, begin: datetime) -> Table:
    retries = replace(table.retries, delay=min(table.retries.delay, SANDBOX_DELAY))
    return replace(table, retries=retries, partitions=table.partitions.since(begin) if table.partitions else None)


@dataclass(frozen=True)
class Backfill:
    """What a load by hand asks for, one run after the other, oldest first; `left` counts what is missing and not asked for."""

    runs: tuple[tuple[Window, ...], ...]
    left: int


def missing_backfill(job: IngestJob, now: datetime, present: Collection[str], newest: int) -> Backfill:
    """The `newest` available partitions of a job that are missing: in one run where the table allows it, else a run for each."""
    if job.partitions is None:
        raise ValueError(f"{job.name} has no partitions")
    missing = [window for window in job.partitions.available(now) if window.key not in present]
    requested = missing[-newest:]
    return Backfill(_runs(job, job.partitions, requested), len(missing) - len(requested))


def range_backfill(job: IngestJob, now: datetime, first: str, last: str) -> Backfill:
    """All partitions of a job from `first` to `last`, there or not. Raises ValueError for keys that are not available."""
    if job.partitions is None:
        raise ValueError("it has no partitions; leave out --from and --to")
    available = job.partitions.available(now)
    keys = [window.key for window in available]
    absent = [key for key in (first, last) if key not in keys]
    if absent or keys.index(first) > keys.index(last):
        known = f"{keys[0]} to {keys[-1]}" if keys else "none"
        raise ValueError(f"the partitions {first} to {last} are not all available; available are: {known}")
    return Backfill(_runs(job, job.partitions, available[keys.index(first) : keys.index(last) + 1]), 0)


def _runs(job: IngestJob, partitions: Partitions, windows: Sequence[Window]) -> tuple[tuple[Window, ...], ...]:
    return tuple(stretches(partitions, windows)) if job.range_in_one_run else tuple((window,) for window in windows)


def in_order(jobs: Iterable[IngestJob]) -> list[IngestJob]:
    """The jobs, each behind those that land what its tables need; else by name. Raises graphlib.CycleError."""
    by_name = {job.name: job for job in sorted(jobs, key=lambda job: job.name)}
    return [by_name[name] for name in TopologicalSorter(_needs(by_name)).static_order()]


def waits_for(names: Iterable[str], loads: Mapping[str, IngestJob]) -> dict[str, frozenset[str]]:
    """What each job waits for when jobs run side by side, of those that are named before it.

    A load waits for the loads that land what it needs, and for jobs that are no loads; any other job, which reads what was
    loaded, waits for all of them.
    """
    needs, waits = _needs(loads), dict[str, frozenset[str]]()
    for name in dict.fromkeys(names):
        before = frozenset(waits)
        waits[name] = (
            frozenset(earlier for earlier in before if earlier not in loads or earlier in needs[name])
            if name in loads
            else before
        )
    return waits


def _needs(loads: Mapping[str, IngestJob]) -> dict[str, set[str]]:
    """The jobs that land what the tables of each job need."""
    lands = {table_name(job.source.name, table.name): job.name for job in loads.values() for table in job.tables}
    return {name: {lands[need] for need in _needed(job)} - {name} for name, job in loads.items()}


def _needed(job: IngestJob) -> list[str]:
    """The tables, `source.table`, whose values the job's tables are handed."""
    return [need.rpartition(".")[0].split("__")[0] for table in job.tables for need in (*table.needs, *table.needs_if_loaded)]


def _kind(table: Table) -> str:
    return table.partitions.kind.value if table.partitions else "whole"


def _likeness(table: Table) -> tuple[str, ...]:
    """What tables of one job have in common, as text that sorts; unpartitioned tables first."""
    return ("" if table.partitions is None else repr(table.partitions), *_cadence(table))


def _cadence(table: Table) -> tuple[str, str, str]:
    return table.schedule.cron, table.schedule.timezone, str(table.range_in_one_run)
