"""A load that a person terminates ends: Dagster alone would answer the interrupt with the step's next retry (its issue 15026)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from dagster._core.errors import DagsterError, DagsterExecutionInterruptedError

_ENDING = frozenset({dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED})


class LoadTerminatedError(DagsterError, DagsterExecutionInterruptedError):
    """The run was asked to end while a load worked: nothing of it is published.

    An interrupt, so that the run ends as canceled; and an error of Dagster's own, which its retry policy leaves alone.
    """


@contextmanager
def ends_when_terminated(context: dg.AssetExecutionContext) -> Iterator[None]:
    """Have an interrupt end the step for good. Raises LoadTerminatedError, also where a retry of a terminated run begins."""
    if context.retry_number and _is_ending(context):
        raise LoadTerminatedError("the run was terminated: this retry does not begin")
    try:
        yield
    except (DagsterExecutionInterruptedError, KeyboardInterrupt) as interrupt:
        raise LoadTerminatedError("the run was terminated: nothing of this load was published") from interrupt


def _is_ending(context: dg.AssetExecutionContext) -> bool:
    run = context.instance.get_run_by_id(context.run_id)
    return run is None or run.status in _ENDING
