"""Materializes a project: computes what is deployed and deploys what changed. Imports SQLMesh.

SQLMesh's own `run` computes due intervals only: a FULL model that was computed today is current to it, whatever landed in
the raw tables since. Here a model without a time column is computed from the raw tables as they are at every
materialization; only incremental models wait for their next interval.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlmesh.core.snapshot import Snapshot
from sqlmesh.utils.errors import PlanError

from oso_dagster.orchestration.sqlmesh_assets import attempts
from oso_dagster.orchestration.sqlmesh_assets.context import open_context, short_name
from oso_dagster.orchestration.sqlmesh_assets.events import Event, ModelDone, Note
from oso_dagster.orchestration.sqlmesh_assets.order import below, to_compute
from oso_dagster.orchestration.sqlmesh_assets.project import Project
from oso_dagster.orchestration.sqlmesh_assets.recording import Recorder, RecordingContext


class NotDeployedError(Exception):
    """A subset was asked for, and what is deployed is not what is in the folder."""


def materialize(
    project: Project, models: Collection[str] | None, emit: Callable[[Event], None], cancelled: Callable[[], bool]
) -> None:
    """Materialize all models (None), or only those named. Failures of models are events; raises when nothing could be tried.

    All models: first what the change in the folder does not touch, then the change is deployed whole (a deployment with a
    failing model promotes nothing). A subset runs on what is deployed and refuses when that is not what is in the folder:
    deploying half a change would break what reads it.
    """
    context = open_context(project, RecordingContext, connected=True)
    try:
        _Materialization(context, project, emit, cancelled).run(models)
    finally:
        context.close()


@dataclass
class _Materialization:
    context: RecordingContext
    project: Project
    emit: Callable[[Event], None]
    cancelled: Callable[[], bool]
    computed: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)

    def run(self, models: Collection[str] | None) -> None:
        self.context.recorder = Recorder(self.emit)
        plan = self.context.plan_builder(self.project.environment, skip_tests=True).build()
        if not (plan.context_diff.has_changes or plan.requires_backfill or plan.has_unmodified_unpromoted):
            self._compute(models)
            return
        difference = plan.context_diff
        changed = {short_name(one.name) for one in difference.added} | {
            short_name(name) for name in difference.modified_snapshots
        }
        if models is not None:
            raise NotDeployedError(
                f"not deployed yet: {', '.join(sorted(changed)) or 'a removal'}. "
                "Materialize all models once: that deploys the change whole."
            )
        _test(self.context)
        upstream = {
            short_name(one.name): {short_name(parent.name) for parent in one.parents} for one in difference.snapshots.values()
        }
        touched = changed | below(upstream, changed)
        if not difference.is_new_environment:
            self._compute(set(upstream) - touched)
        if not self._held_back(upstream, touched) and self._deploy(plan):
            self._compute(set(upstream) - self.failed - below(upstream, self.failed))

    def _compute(self, models: Collection[str] | None) -> None:
        """Compute those of the models (None: all) that are not computed yet, on the code that is deployed."""
        self.context.recorder = recorder = Recorder(self.emit)
        scheduler = self.context.scheduler(environment=self.project.environment)
        snapshots = {short_name(one.name): one for one in scheduler.snapshots.values() if one.is_model and not one.is_external}
        upstream = {name: {short_name(parent.name) for parent in one.parents} for name, one in snapshots.items()}
        wanted = to_compute(upstream, self.computed) & set(snapshots if models is None else models)
        if not wanted:
            return
        chosen = [snapshots[name] for name in wanted]
        scheduler.run(
            self.project.environment,
            restatements={one.snapshot_id: (one.intervals[0][0], one.intervals[-1][1]) for one in chosen if _whole(one)},
            selected_snapshots={one.name for one in chosen},
            circuit_breaker=self.cancelled,
        )
        self._remember(recorder)

    def _deploy(self, plan: Any) -> bool:
        """Deploy the plan; what it computed is told when readers can see it. False when it failed and promoted nothing."""
        held: list[Event] = []
        self.context.recorder = recorder = Recorder(held.append)
        self.emit(Note(f"deploying {len(plan.new_snapshots)} new version(s) to {self.project.environment}"))
        try:
            self.context.apply(plan, circuit_breaker=self.cancelled)
        except PlanError:
            if not recorder.failed:
                raise
            cause = f"computed, but the deployment was held back: {', '.join(sorted(recorder.failed))} failed"
            held = [_not_visible(event, cause) for event in held]
            return False
        else:
            self._remember(recorder)
            return True
        finally:
            for event in held:
                self.emit(event)

    def _held_back(self, upstream: Mapping[str, Collection[str]], touched: Collection[str]) -> bool:
        """Whether what is to be deployed reads what just failed; told for each model if so."""
        behind = below(upstream, self.failed).intersection(touched)
        if behind:
            for model in sorted(touched):
                self.context.recorder.skipped(model, self.failed)
        return bool(behind)

    def _remember(self, recorder: Recorder) -> None:
        self.computed |= recorder.evaluated
        self.failed |= set(recorder.failed)


def _not_visible(event: Event, cause: str) -> Event:
    """Nothing was promoted: what was computed is not what readers see, and that is no fault of its own."""
    if isinstance(event, ModelDone) and event.outcome == attempts.OK:
        return ModelDone(event.model, attempts.SKIPPED_UPSTREAM, event.started, event.ended, cause=cause)
    return event


def _test(context: RecordingContext) -> None:
    result = context.test()
    if not result.wasSuccessful():
        broken = [f"{test}: {text.strip().splitlines()[-1]}" for test, text in [*result.failures, *result.errors]]
        raise PlanError(f"{len(broken)} of {result.testsRun} unit tests fail, nothing was deployed: {'; '.join(broken)}")


def _whole(snapshot: Snapshot) -> bool:
    """Whether the model is computed whole each time, and was computed before."""
    kind = snapshot.model.kind
    return bool(snapshot.intervals) and (kind.is_full or kind.is_view)
