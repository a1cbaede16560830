"""A load that a person terminates ends, and publishes nothing.

Dagster alone answers the interrupt with the step's next retry (its issue 15026). And an interrupt can be lost: one that arrives
while DuckDB imports pandas is swallowed there. So the run itself is asked too: once upstream has answered, and while rows are
drawn.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from math import inf
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError

from oso_dagster.domain.catalogue.loading import Extract

_ENDING = frozenset({dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED})
_BETWEEN_QUESTIONS = 0.5
"""Seconds for which the answer that the run goes on is believed."""


class LoadTerminatedError(dg.DagsterError, DagsterExecutionInterruptedError):
    """The run was asked to end while a load worked: nothing of it is published.

    An interrupt, so that the run ends as canceled; and an error of Dagster's own, which its retry policy leaves alone.
    """


@contextmanager
def ends_when_terminated(context: dg.AssetExecutionContext) -> Iterator[None]:
    """Have an interrupt end the step for good. Raises LoadTerminatedError, also where a retry of a terminated run begins."""
    if context.retry_number:
        require_going_on(context)
    try:
        yield
    except LoadTerminatedError:
        raise
    except (DagsterExecutionInterruptedError, KeyboardInterrupt) as interrupt:
        raise LoadTerminatedError("the run was terminated: nothing of this load was published") from interrupt


def require_going_on(context: dg.AssetExecutionContext) -> None:
    """Raise LoadTerminatedError when somebody has asked the run to end, or has deleted it."""
    run = context.instance.get_run_by_id(context.run.run_id)
    if run is None or run.status in _ENDING:
        raise LoadTerminatedError("the run was terminated: nothing of this load was published")


@dataclass
class GoingOn:
    """Asks whether a run goes on, and believes the answer for half a second."""

    context: dg.AssetExecutionContext
    answered: float = -inf

    def require(self, *, anew: bool = False) -> None:
        """Raise LoadTerminatedError when somebody has asked the run to end; `anew`: whatever was answered just now."""
        if anew or time.monotonic() - self.answered > _BETWEEN_QUESTIONS:
            require_going_on(self.context)
            self.answered = time.monotonic()


def drawn_while_going_on(going_on: GoingOn, extract: Extract) -> Extract:
    """The extract, whose batches end with LoadTerminatedError once somebody has asked the run to end."""

    def drawn(batches: Iterable[Any]) -> Iterator[Any]:
        for batch in chain(batches, [None]):  # None: once more after the last
            going_on.require()
            if batch is not None:
                yield batch

    return replace(extract, batches={name: drawn(batches) for name, batches in extract.batches.items()})
