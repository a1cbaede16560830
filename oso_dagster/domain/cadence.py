"""Which jobs load a source, and which partitions a schedule asks for at one instant. Pure: no Dagster, no clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from oso_dagster.domain.partitions import PartitionKind, Partitions, Window
from oso_dagster.domain.source import Schedule, Source, Table

MOST_TRIES = 5
"""How often a schedule asks for one partition before it gives up: each try has the table's own retries inside."""


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
class Plan:
    """What a schedule asks for (`ask`, oldest first), and what it no longer asks for (`given_up`)."""

    ask: tuple[Window, ...]
    given_up: tuple[str, ...]


def jobs_of(source: Source) -> tuple[IngestJob, ...]:
    """One job per kind of partition and cadence.

    `ingest_<source>` when there is one, else `ingest_<source>_<hourly|daily|weekly|static|whole>`, and numbered in the order of
    their crons where even that is not one.
    """
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


def plan(
    partitions: Partitions, now: datetime, present: Collection[str], running: Collection[str], tries: Mapping[str, int]
) -> Plan:
    """Ask for each recent due partition that is missing, unless it is being loaded, or was tried `MOST_TRIES` times in vain."""
    missing = [window for window in partitions.recent(now) if window.key not in present and window.key not in running]
    given_up = tuple(window.key for window in missing if tries.get(window.key, 0) >= MOST_TRIES)
    return Plan(tuple(window for window in missing if window.key not in given_up), given_up)


def stretches(partitions: Partitions, windows: Sequence[Window]) -> list[tuple[Window, ...]]:
    """Windows that follow each other without a gap, together; static ones each alone, for they have no order in time."""
    found: list[tuple[Window, ...]] = []
    for window in windows:
        if found and partitions.kind is not PartitionKind.STATIC and found[-1][-1].end == window.start:
            found[-1] = (*found[-1], window)
        else:
            found.append((window,))
    return found


def _kind(table: Table) -> str:
    return table.partitions.kind.value if table.partitions else "whole"


def _likeness(table: Table) -> tuple[str, ...]:
    """What tables of one job have in common, as text that sorts; unpartitioned tables first."""
    return ("" if table.partitions is None else repr(table.partitions), *_cadence(table))


def _cadence(table: Table) -> tuple[str, str, str]:
    return table.schedule.cron, table.schedule.timezone, str(table.range_in_one_run)
