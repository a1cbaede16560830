"""What a command has its workers do beside jobs: a function of a module, called with the settings of the world.

A worker has loaded the code location already, which the command itself would have to load for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from oso_dagster.cli.workers.worker_messages import Done
from oso_dagster.settings import Settings


@dataclass(frozen=True)
class Errand:
    """What it is in words, the function, and the jobs that it begins after, all of them, and that begin after it."""

    words: str
    call: Callable[[Settings], Done]
    after: frozenset[str]
    before: frozenset[str] = frozenset()


def with_errands(waits: Mapping[str, frozenset[str]], errands: Mapping[str, Errand]) -> dict[str, frozenset[str]]:
    """What each job and each errand waits for. An errand waits for no job that is not to be run."""
    joined = dict(waits) | {name: errand.after & waits.keys() for name, errand in errands.items()}
    for name, errand in errands.items():
        joined |= {job: joined[job] | {name} for job in errand.before & waits.keys()}
    return joined
