"""What every job does its work with, and how an op becomes a job."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import dagster as dg

from ..assets.multi_asset import Guard
from ..assets.specs import check_keys
from ..environment_lock import environment_lock
from ..events import Event
from ..manifest.contents import Manifest
from ..project import Project
from ..reporting.run_log import report

Emit = Callable[[Event], None]
Cancelled = Callable[[], bool]
Window = tuple[dt.datetime, dt.datetime]
"""The first moment, and the one before which to stop."""

_NO_PARTITIONS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class JobTools:
    """The project and what is held around all work on it."""

    project: Project
    manifest: Manifest
    guard: Guard
    prepare: Callable[[], None]
    raw_assets: Mapping[str, dg.AssetKey]

    def execute(
        self,
        context: dg.OpExecutionContext,
        work: Callable[[Emit, Cancelled], None],
        partitions: Mapping[str, str] = _NO_PARTITIONS,
    ) -> None:
        """Do the work under the environment's lock and the guard, logging its events. Raises as `report` does."""
        with environment_lock(self.project, self.project.environment), self.guard():
            self.prepare()
            report(context, self.project, work, check_keys(self.manifest, self.raw_assets), partitions)

    def restate(
        self, context: dg.OpExecutionContext, models: list[str], window: Window, partitions: Mapping[str, str] = _NO_PARTITIONS
    ) -> None:
        """Compute the models again over the window. Raises dagster.Failure for unknown models and an empty window."""
        from ..execution.operations import restate  # noqa: PLC0415  (SQLMesh loads when used)

        if unknown := sorted(set(models) - set(self.manifest.models)):
            raise dg.Failure(f"the project has no model {', '.join(unknown)}", allow_retries=False)
        if not models:
            raise dg.Failure("models is empty: name at least one", allow_retries=False)
        if window[0] >= window[1]:
            span = f"{window[0].isoformat()} until before {window[1].isoformat()}"
            raise dg.Failure(f"the span from {span} is empty: the end is not included", allow_retries=False)
        self.execute(context, lambda emit, cancelled: restate(self.project, models, window, emit, cancelled), partitions)


def job_of(name: str, op: dg.OpDefinition) -> dg.JobDefinition:
    """A job of one op, with the op's description."""

    @dg.job(name=name, description=op.description)
    def job() -> None:
        op()

    return job
