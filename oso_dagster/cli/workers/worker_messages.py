"""The messages between the worker pool and its workers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from oso_dagster.cli.workers.job_list import PartitionRequest
from oso_dagster.settings import Settings

LOADS = "loads"
"""The argument of a worker that begins with the jobs that load sources."""


@dataclass(frozen=True)
class Begin:
    """To a worker: the world is there, read its settings and build the definitions."""


@dataclass(frozen=True)
class Order:
    """To a worker: run this job, for these partitions where it has some."""

    job: str
    partitions: PartitionRequest


@dataclass(frozen=True)
class Call:
    """To a worker: call this function of a module with its settings, under the name of a job."""

    job: str
    function: Callable[[Settings], Done]


@dataclass(frozen=True)
class Ready:
    """From a worker: the code location is loaded, with jobs of these names."""

    jobs: frozenset[str]


@dataclass(frozen=True)
class Doing:
    """From a worker: which partitions the current job loads, in words."""

    words: str


@dataclass(frozen=True)
class Printed:
    """What is to be printed with `Console.print`: the objects and the options."""

    objects: tuple[Any, ...]
    options: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Done:
    """From a worker: the current job has ended; its failures, as error messages, and what it has to show."""

    failures: tuple[str, ...]
    printed: tuple[Printed, ...] = ()


@dataclass(frozen=True)
class Refused:
    """From a worker: the request cannot be carried out; why, in a line."""

    why: str
