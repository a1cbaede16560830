"""What can be done to an environment: compute what is deployed there, deploy a plan, run audits. Imports SQLMesh."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlmesh.core import constants
from sqlmesh.core.snapshot import SnapshotChangeCategory
from sqlmesh.utils.errors import PlanError, SQLMeshError

from ..attempt_metadata import FAILED, OK, SKIPPED_UPSTREAM
from ..context import goes_on, is_asset, short_name
from ..events import AuditDone, Event, HeldBack, ModelDone, Note, Promoted, UpstreamFailed, UpToDate, Waiting
from ..project import Project
from .audit_results import checked_model
from .model_graph import downstream_of, to_compute
from .recorder import Recorder
from .recording_scheduler import RecordingContext
from .snapshot_choice import audited_tables, is_recomputed_whole, new_to_readers, tables_read
from .unit_tests import run_unit_tests

Emit = Callable[[Event], None]
Cancelled = Callable[[], bool]


class RefusedPlanError(SQLMeshError):
    """SQLMesh refuses to deploy what is in the folder; `difference` is what would have changed."""

    def __init__(self, message: str, difference: Any) -> None:
        super().__init__(message)
        self.difference = difference


@dataclass
class Session:
    """One piece of work on the project's environment; remembers what it has computed and what has failed."""

    context: RecordingContext
    project: Project
    emit: Emit
    cancelled: Cancelled
    computed: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    promoted: dict[str, Promoted] = field(default_factory=dict)

    def plan(self, **options: Any) -> Any:
        """The plan that deploys what is in the folder. A change that SQLMesh would ask a user to categorize is breaking."""
        self.context.recorder = Recorder(self.emit)
        builder = self.context.plan_builder(self.project.environment, skip_tests=True, **options)
        try:
            for undecided in builder.build().uncategorized:
                builder.set_choice(undecided, SnapshotChangeCategory.BREAKING)
            return builder.build()
        except SQLMeshError as error:
            raise RefusedPlanError(str(error), builder._context_diff) from error  # noqa: SLF001  (a plan would hold it)

    def compute(self, models: Collection[str] | None) -> None:
        """Compute those of the models (None: all) that are due and not computed yet, on the code that is deployed."""
        self.context.recorder = recorder = Recorder(self.emit)
        scheduler: Any = self.context.scheduler(environment=self.project.environment)
        snapshots = {short_name(snapshot.name): snapshot for snapshot in scheduler.snapshots.values() if is_asset(snapshot)}
        upstream = {name: {short_name(parent.name) for parent in snapshot.parents} for name, snapshot in snapshots.items()}
        wanted = to_compute(upstream, self.computed) & set(snapshots if models is None else models)
        if not wanted:
            return
        audits = [each for each in scheduler.snapshots.values() if each.is_audit and wanted.intersection(tables_read(each))]
        chosen = [snapshots[name] for name in wanted] + audits + audited_tables(scheduler.snapshots, wanted)
        again = [each for each in chosen if self.project.recompute_whole and is_recomputed_whole(each)]
        scheduler.continued = {each.snapshot_id: tuple(each.intervals) for each in again if each.is_model and goes_on(each.model)}
        scheduler.run(
            self.project.environment,
            restatements={each.snapshot_id: (each.intervals[0][0], each.intervals[-1][1]) for each in again},
            selected_snapshots={each.name for each in chosen},
            circuit_breaker=self.cancelled,
            auto_restatement_enabled=self.project.environment == constants.PROD,
            run_environment_statements=True,
        )
        for name in sorted(wanted - recorder.evaluated - set(recorder.failed) - recorder.skips - set(self.promoted)):
            version = snapshots[name].version or ""
            signals = recorder.waiting.get(name)
            self.emit(Waiting(name, version, signals) if signals else UpToDate(name, version))
        self._remember(recorder)

    def compute_deployed(self, models: Collection[str] | None) -> None:
        """Compute the models (None: all) if anything is deployed."""
        if self.context.state_sync.get_environment(self.project.environment) is not None:
            self.compute(models)

    def deploy(self, plan: Any) -> bool:
        """Deploy the plan; False when it failed and promoted nothing.

        Audits are reported at once, models when readers can see them.
        """
        delayed: list[Event] = []
        self.context.recorder = recorder = Recorder(
            lambda event: (self.emit if isinstance(event, AuditDone | UpstreamFailed) else delayed.append)(event)
        )
        self.emit(Note(f"deploying {len(plan.new_snapshots)} new version(s) to {self.project.environment}"))
        try:
            self.context.apply(plan, circuit_breaker=self.cancelled)
        except BaseException as error:
            reason = f"{', '.join(sorted(recorder.failed))} failed" if recorder.failed else f"{type(error).__name__}"
            delayed = [_not_visible(event, f"computed, but the deployment was held back: {reason}") for event in delayed]
            self.failed |= set(recorder.failed)
            if not (isinstance(error, PlanError) and recorder.failed):
                raise
            self.emit(HeldBack(reason))
            return False
        else:
            self._remember(recorder)
            self._note_promoted(plan, recorder)
            return True
        finally:
            for event in delayed:
                self.emit(event)

    def apply(self, plan: Any) -> bool:
        """Apply a plan that rewrites tables which readers see already, reporting as it happens. Whether anything was computed."""
        self.context.recorder = recorder = Recorder(self.emit)
        try:
            self.context.apply(plan, circuit_breaker=self.cancelled)
        except PlanError:
            if not recorder.failed:
                raise
        return bool(recorder.evaluated or recorder.failed)

    def audit(self, models: Collection[str]) -> set[str]:
        """Run the audits that are checks of these models, over all their intervals. Returns the models that have none."""
        self.context.recorder = Recorder(self.emit)
        scheduler: Any = self.context.scheduler(environment=self.project.environment)
        names = {short_name(snapshot.name) for snapshot in scheduler.snapshots.values() if is_asset(snapshot)}
        computed = [each for each in scheduler.snapshots.values() if each.intervals and checked_model(each, names) in models]
        for snapshot in computed:
            if not self.cancelled():
                scheduler.lean.load_optimized_query(snapshot)
                scheduler.snapshot_evaluator.audit(
                    snapshot=snapshot,
                    snapshots=scheduler.snapshots_by_name,
                    start=snapshot.intervals[0][0],
                    end=snapshot.intervals[-1][1],
                )
        return set(models) - {checked_model(snapshot, names) for snapshot in computed}

    def held_back(self, upstream: Mapping[str, Collection[str]], touched: Collection[str]) -> bool:
        """Whether what is to be deployed reads what just failed; if so, each of its models is reported as skipped."""
        blocked = downstream_of(upstream, self.failed).intersection(touched)
        if blocked:
            for model in sorted(touched):
                self.context.recorder.skipped(model, self.failed)
            self.emit(HeldBack(f"{', '.join(sorted(self.failed))} failed"))
        return bool(blocked)

    def untested(self, touched: Collection[str]) -> bool:
        """Run the unit tests; whether one of a touched model fails. Then that has failed, and nothing is to be deployed.

        A test of an untouched model that fails is a failed check, and stops nothing. So does a test of what is no asset.
        """
        broken = run_unit_tests(self.context, self.emit)
        for model in sorted(broken.keys() - set(touched)):
            self.emit(Note(f"{model}: {broken[model]}", "error"))
        failed = {model: broken[model] for model in sorted(broken) if model in touched}
        if failed:
            now = time.time()
            self.failed |= failed.keys()
            for model, cause in failed.items():
                self.emit(ModelDone(model, FAILED, now, now, cause))
            for model in sorted(set(touched) - failed.keys()):
                self.context.recorder.skipped(model, failed)
            self.emit(HeldBack(f"unit tests of {', '.join(failed)} fail"))
        return bool(failed)

    def emit_promoted(self) -> None:
        """Report the versions that became visible though an earlier run computed them."""
        for model, event in sorted(self.promoted.items()):
            if model not in self.computed | self.failed:
                self.emit(event)

    def _note_promoted(self, plan: Any, recorder: Recorder) -> None:
        for snapshot in new_to_readers(plan):
            name, altered = short_name(snapshot.name), snapshot.last_altered_ts
            if signals := recorder.waiting.get(name):
                self.emit(Waiting(name, snapshot.version or "", signals))
            else:
                self.promoted[name] = Promoted(name, snapshot.version or "", altered / 1000 if altered else None)

    def _remember(self, recorder: Recorder) -> None:
        self.computed |= recorder.evaluated
        self.failed |= set(recorder.failed)


def _not_visible(event: Event, cause: str) -> Event:
    """Nothing was promoted: what was computed is not what readers see, though the model did not fail."""
    if isinstance(event, ModelDone) and event.outcome == OK:
        return replace(event, outcome=SKIPPED_UPSTREAM, cause=cause)
    return event
