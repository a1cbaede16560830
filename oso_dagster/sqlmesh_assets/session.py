"""The two things that can be done to an environment: compute what is deployed there, and deploy a plan. Imports SQLMesh."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlmesh.core import constants
from sqlmesh.core.snapshot import Snapshot, SnapshotChangeCategory
from sqlmesh.utils.errors import PlanError

from . import attempt_metadata as attempts
from .context import is_asset, short_name
from .events import AuditDone, Event, HeldBack, ModelDone, Note, Promoted, UpToDate
from .model_graph import below, to_compute
from .project import Project
from .recorder import Recorder
from .sqlmesh_hooks import RecordingContext, checked_on

Emit = Callable[[Event], None]
Cancelled = Callable[[], bool]


@dataclass
class Session:
    """One piece of work on the project's environment; remembers what it has computed and what has failed."""

    context: RecordingContext
    project: Project
    emit: Emit
    cancelled: Cancelled
    computed: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    promoted: dict[str, str] = field(default_factory=dict)

    def plan(self, **options: Any) -> Any:
        """The plan that brings the environment to what is in the folder. What SQLMesh would ask a person about is breaking."""
        self.context.recorder = Recorder(self.emit)
        builder = self.context.plan_builder(self.project.environment, skip_tests=True, **options)
        for undecided in builder.build().uncategorized:
            builder.set_choice(undecided, SnapshotChangeCategory.BREAKING)
        return builder.build()

    def compute(self, models: Collection[str] | None) -> None:
        """Compute those of the models (None: all) that are due and not computed yet, on the code that is deployed."""
        self.context.recorder = recorder = Recorder(self.emit)
        scheduler = self.context.scheduler(environment=self.project.environment)
        snapshots = {short_name(one.name): one for one in scheduler.snapshots.values() if is_asset(one)}
        upstream = {name: {short_name(parent.name) for parent in one.parents} for name, one in snapshots.items()}
        wanted = to_compute(upstream, self.computed) & set(snapshots if models is None else models)
        if not wanted:
            return
        audits = [one for one in scheduler.snapshots.values() if one.is_audit and wanted.intersection(_reads(one))]
        chosen = [snapshots[name] for name in wanted] + audits
        again = [one for one in chosen if self.project.recompute_whole and _whole(one)]
        scheduler.run(
            self.project.environment,
            restatements={one.snapshot_id: (one.intervals[0][0], one.intervals[-1][1]) for one in again},
            selected_snapshots={one.name for one in chosen},
            circuit_breaker=self.cancelled,
            auto_restatement_enabled=self.project.environment == constants.PROD,
            run_environment_statements=True,
        )
        for name in sorted(wanted - recorder.evaluated - set(recorder.failed) - recorder.skips - set(self.promoted)):
            self.emit(UpToDate(name, snapshots[name].version or ""))
        self._remember(recorder)

    def deploy(self, plan: Any) -> bool:
        """Deploy the plan; False when it failed and promoted nothing.

        Audits are told at once; what was computed when readers can see it.
        """
        held: list[Event] = []
        self.context.recorder = recorder = Recorder(lambda event: (self.emit if _audit(event) else held.append)(event))
        self.emit(Note(f"deploying {len(plan.new_snapshots)} new version(s) to {self.project.environment}"))
        try:
            self.context.apply(plan, circuit_breaker=self.cancelled)
        except BaseException as error:
            because = f"{', '.join(sorted(recorder.failed))} failed" if recorder.failed else f"{type(error).__name__}"
            held = [_not_visible(event, f"computed, but the deployment was held back: {because}") for event in held]
            self.failed |= set(recorder.failed)
            if not (isinstance(error, PlanError) and recorder.failed):
                raise
            self.emit(HeldBack(because))
            return False
        else:
            self._remember(recorder)
            self.promoted |= _new_to_readers(plan)
            return True
        finally:
            for event in held:
                self.emit(event)

    def apply(self, plan: Any) -> bool:
        """Apply a plan that rewrites what readers see already: told as it happens. Whether there was anything to compute."""
        self.context.recorder = recorder = Recorder(self.emit)
        try:
            self.context.apply(plan, circuit_breaker=self.cancelled)
        except PlanError:
            if not recorder.failed:
                raise
        return bool(recorder.evaluated or recorder.failed)

    def audit(self, models: Collection[str]) -> set[str]:
        """Run the audits that are told on these models, over all that was computed of them; the models of which nothing was."""
        self.context.recorder = Recorder(self.emit)
        scheduler: Any = self.context.scheduler(environment=self.project.environment)
        names = {short_name(one.name) for one in scheduler.snapshots.values() if is_asset(one)}
        there = [one for one in scheduler.snapshots.values() if one.intervals and checked_on(one, names) in models]
        for one in there:
            if not self.cancelled():
                scheduler.lean.recall(one)
                scheduler.snapshot_evaluator.audit(
                    snapshot=one, snapshots=scheduler.snapshots_by_name, start=one.intervals[0][0], end=one.intervals[-1][1]
                )
        return set(models) - {checked_on(one, names) for one in there}

    def held_back(self, upstream: Mapping[str, Collection[str]], touched: Collection[str]) -> bool:
        """Whether what is to be deployed reads what just failed; told for each model if so."""
        behind = below(upstream, self.failed).intersection(touched)
        if behind:
            for model in sorted(touched):
                self.context.recorder.skipped(model, self.failed)
            self.emit(HeldBack(f"{', '.join(sorted(self.failed))} failed"))
        return bool(behind)

    def tell_promoted(self) -> None:
        """What readers see anew though it was not computed just now."""
        for model, version in sorted(self.promoted.items()):
            if model not in self.computed | self.failed:
                self.emit(Promoted(model, version))

    def _remember(self, recorder: Recorder) -> None:
        self.computed |= recorder.evaluated
        self.failed |= set(recorder.failed)


def run_unit_tests(context: RecordingContext) -> None:
    """Raises PlanError, naming the tests, when one fails: nothing is deployed then."""
    result = context.test()
    if not result.wasSuccessful():
        broken = [f"{test}: {text.strip().splitlines()[-1]}" for test, text in [*result.failures, *result.errors]]
        raise PlanError(f"{len(broken)} of {result.testsRun} unit tests fail, nothing was deployed: {'; '.join(broken)}")


def _audit(event: Event) -> bool:
    return isinstance(event, AuditDone)


def _not_visible(event: Event, cause: str) -> Event:
    """Nothing was promoted: what was computed is not what readers see, and that is no fault of its own."""
    if isinstance(event, ModelDone) and event.outcome == attempts.OK:
        return replace(event, outcome=attempts.SKIPPED_UPSTREAM, cause=cause)
    return event


def _new_to_readers(plan: Any) -> dict[str, str]:
    difference = plan.context_diff
    names = {one.name for one in difference.added} | set(difference.modified_snapshots)
    new = [one for one in difference.snapshots.values() if one.name in names and is_asset(one)]
    return {short_name(one.name): one.version or "" for one in new}


def _whole(snapshot: Snapshot) -> bool:
    """Whether it is computed whole each time, and was computed before."""
    return bool(snapshot.intervals) and (snapshot.is_audit or snapshot.model.kind.is_full or snapshot.model.kind.is_view)


def _reads(audit: Snapshot) -> set[str]:
    return {short_name(one.name) for one in audit.parents}
