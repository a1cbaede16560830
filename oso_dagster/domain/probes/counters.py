"""What counters of a monitoring system say of single minutes: every increase once, in the slice in which it was seen.

A counter is sampled now and then. The increase between two samples belongs to the later one's slice; one that is smaller than the
one before began anew and counts from 0. Where it was not sampled for longer than `PATIENCE` nothing is known of the time between.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from oso_dagster.domain.probes.slices import SLICE

PATIENCE = timedelta(minutes=5)
"""As long as Prometheus takes a sample for present; a longer gap is a gap."""


@dataclass(frozen=True)
class Series:
    """The samples of one counter, oldest first; `target` is the process that counts, as the labels job and instance name it."""

    target: str
    samples: tuple[tuple[datetime, float], ...]


def increases(series: Sequence[Series], begin: datetime, end: datetime) -> dict[datetime, float]:
    """The increase of all counters together in each slice of (begin, end] of which anything is known, by the slice's end.

    `begin` and `end` are ends of slices. The samples reach back by `PATIENCE` before `begin`. A counter that appears while its
    process was sampled before counts from 0, since it was made at its first event; one of a new process has no known beginning.
    """
    known = {target: min(at for at, _ in _of(series, target)) for target in {each.target for each in series if each.samples}}
    sums: dict[datetime, float] = {}
    for each in series:
        for at, step in _steps(each, known.get(each.target)):
            if begin < at <= end:
                last = _slice_of(at)
                sums[last] = sums.get(last, 0.0) + step
    return sums


def judged_counts(
    good: Mapping[datetime, float], valid: Mapping[datetime, float], begin: datetime, end: datetime
) -> Iterator[tuple[datetime, int, int]]:
    """End, good and valid of each slice of (begin, end] of which `valid` is known. Raises ValueError for more good than valid."""
    at = begin + SLICE
    while at <= end:
        if at in valid:
            counted, all_ = round(good.get(at, 0.0)), round(valid[at])
            if counted > all_:
                raise ValueError(
                    f"{counted} good of {all_} valid in the minute to {at:%H:%M}: the query of good is no part of valid's"
                )
            yield at, counted, all_
        at += SLICE


def _steps(series: Series, first_of_target: datetime | None) -> Iterator[tuple[datetime, float]]:
    if series.samples and first_of_target is not None and first_of_target < series.samples[0][0]:
        yield series.samples[0]
    for (before, old), (at, new) in pairwise(series.samples):
        if at - before <= PATIENCE:
            yield at, new - old if new >= old else new


def _of(series: Sequence[Series], target: str) -> Iterator[tuple[datetime, float]]:
    return (sample for each in series if each.target == target for sample in each.samples)


def _slice_of(at: datetime) -> datetime:
    """The end of the slice (end - 1 min, end] in which a sample lies."""
    whole = at.replace(second=0, microsecond=0)
    return whole if whole == at else whole + SLICE
