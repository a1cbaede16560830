"""What a crew and its workers say to each other."""

from __future__ import annotations

from dataclasses import dataclass

from oso_dagster.cli.workers.job_list import Asked


@dataclass(frozen=True)
class Begin:
    """To a worker: the world is there, read its settings and build the definitions."""


@dataclass(frozen=True)
class Order:
    """To a worker: run this job for what is asked of it."""

    job: str
    asked: Asked


@dataclass(frozen=True)
class Ready:
    """From a worker: the code location is loaded, with jobs of these names."""

    jobs: frozenset[str]


@dataclass(frozen=True)
class Doing:
    """From a worker: what the job at hand loads, in words."""

    words: str


@dataclass(frozen=True)
class Done:
    """From a worker: the job at hand has ended; what failed, in its own words."""

    failures: tuple[str, ...]


@dataclass(frozen=True)
class Refused:
    """From a worker: what a person asked for cannot be, in a line."""

    why: str
