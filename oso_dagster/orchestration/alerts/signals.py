"""What is wrong now: from the store, the catalogue and Dagster's storage to signals of incidents and findings for sprints."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from oso_dagster.domain.alerts import asset_signals, objective_signals
from oso_dagster.domain.alerts.alert_links import AlertLinks, OwnedAsset
from oso_dagster.domain.alerts.announcing import Signal
from oso_dagster.domain.alerts.asset_signals import (
    FailedCheck,
    FailedJob,
    LastHeartbeat,
    LongRun,
    SchemaDrift,
    failed_subject,
)
from oso_dagster.domain.alerts.incident import Incident, Kind
from oso_dagster.domain.alerts.sprint import Guilty, ObjectiveFinding, Sprint
from oso_dagster.domain.judging.lost_rows import LostRows
from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.failed_family import FailedFamily
from oso_dagster.domain.objectives.freshness import Freshness
from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.domain.objectives.objectives import OBJECTIVES, SERVICES, summary
from oso_dagster.domain.objectives.over_time.silence import silences, silent_slices
from oso_dagster.domain.objectives.slo import Assessment, Tally, Verdict
from oso_dagster.orchestration.objectives.evaluator import Evaluator
from oso_dagster.reliability.failed_families import failed_families, last_data, last_samples
from oso_dagster.reliability.newest import newest_failed_run, newest_good
from oso_dagster.reliability.store import Store

FAILED_SPAN = timedelta(days=3)
"""Families that failed longer ago were announced already, or never will be: an old failure is no news."""

_GUILTY = 20
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class DagsterState:
    """What Dagster's own storage reports: failing checks and own jobs, long runs, new columns, silent sensors and daemons."""

    checks: Sequence[FailedCheck]
    jobs: Sequence[FailedJob]
    long_runs: Sequence[LongRun]
    drifting: Sequence[SchemaDrift]
    silent: Sequence[LastHeartbeat]


@dataclass(frozen=True)
class Situation:
    """Everything known at the instant `now`. `owned` names every measured asset; `standing` are the open incidents so far."""

    evaluator: Evaluator
    owned: Mapping[str, OwnedAsset]
    links: AlertLinks
    dagster: DagsterState
    lost: Sequence[LostRows]
    assessments: Sequence[Assessment]
    standing: Sequence[Incident]
    windows: Sequence[Maintenance]
    now: datetime

    def signals(self, sprints: Collection[Sprint]) -> list[Signal]:
        """Everything that is wrong now, but not what lies in its maintenance window."""
        signals = [objective_signals.sprint(sprint, self.links) for sprint in sprints if sprint.open]
        signals += [*self._of_objectives(), *self._of_assets(), *self._removals()]
        signals += [asset_signals.failed_job(job, self.links) for job in self.dagster.jobs]
        long_runs = [run for run in self.dagster.long_runs if not self._is_worked_on(run)]
        signals += [asset_signals.long_run(run, self._owned_by(run), self.links, self.now) for run in long_runs]
        signals += [asset_signals.silent(heartbeat, self.links, self.now) for heartbeat in self.dagster.silent]
        return signals

    def kept(self) -> set[str]:
        """The subjects of which nothing is known now, and those that are being worked on: declaring it repairs nothing."""
        unknown = [
            assessment.objective.id
            for assessment in self.assessments
            if assessment.verdict is Verdict.NO_DATA or is_frozen(assessment)
        ]
        held = {incident.subject for incident in self.standing if _names(incident) & self._working()}
        kept = {f"{kind}:{id_}" for id_ in unknown for kind in (Kind.BUDGET_SPENT, Kind.BURN_RATE)}
        kept |= {f"{Kind.LONG_RUN}:{run.name}" for run in self.dagster.long_runs if self._is_worked_on(run)}
        mine = [incident for incident in self.standing if incident.kind is Kind.FAILED_MATERIALIZATION]
        named = {incident.subject: _asset_of(incident.subject) for incident in mine}
        good = newest_good(self.evaluator.store, {asset for asset, _ in named.values()})
        # A family that failed before the span of `failed_families` still stands until the asset is good again.
        return (
            kept
            | held
            | {
                incident.subject
                for incident in mine
                if named[incident.subject][0] in self.owned
                and not _good_after(good, *named[incident.subject], incident.opened_at)
            }
        )

    def quiet(self) -> set[str]:
        """The subjects that are being worked on now: what is broken there stays so without a word until the work is over."""
        frozen = {assessment.objective.id for assessment in self.assessments if is_frozen(assessment)}
        return {incident.subject for incident in self.standing if _names(incident) & (self._working() | frozen)}

    def _is_worked_on(self, run: LongRun) -> bool:
        return bool(run.assets) and set(run.assets) <= self._working()

    def _owned_by(self, run: LongRun) -> OwnedAsset | None:
        return next((self.owned[asset] for asset in run.assets if asset in self.owned), None)

    def _working(self) -> set[str]:
        return {asset for asset in self.owned if self._covered(asset, self.now)}

    def _of_objectives(self) -> Iterator[Signal]:
        for assessment in self.assessments:
            for signal in (
                objective_signals.burning(assessment, self.links),
                objective_signals.budget_spent(assessment, self.links),
            ):
                if signal is not None:
                    yield signal
        broken = {assessment.objective.id for assessment in self.assessments if assessment.problem}
        yield from (objective_signals.not_computed(each, self.links) for each in self.assessments if each.problem)
        store = self.evaluator.store
        silent = silences(OBJECTIVES, last_data(store, self.now), self.now, self.windows)
        silent += silent_slices(OBJECTIVES, last_samples(store, self.now), self.now, self.windows)
        for silence in silent:
            if silence.objective.id not in broken:
                yield objective_signals.no_data(silence, self.links, self.now)

    def _of_assets(self) -> Iterator[Signal]:
        failed = [
            family
            for family in self._failed()
            if family.asset in self.owned and not self._covered(family.asset, family.judged_at)
        ]
        reported = {family.asset for family in failed}
        for family in failed:
            of_run = [check for check in self.dagster.checks if check.asset == family.asset]
            yield asset_signals.failed(family, self.owned[family.asset], self.links, self.now, of_run)
        for check in self.dagster.checks:
            if check.asset in self.owned and check.asset not in reported and not self._covered(check.asset, check.at):
                yield asset_signals.failed_check(check, self.owned[check.asset], self.links)
        for drift in self.dagster.drifting:
            if drift.asset in self.owned:
                yield asset_signals.drift(drift, self.owned[drift.asset], self.links)
        for lost in self.lost:
            if lost.asset in self.owned and not self._covered(lost.asset, self.now):
                yield asset_signals.lost(lost, self.owned[lost.asset], self.now, self.links)
        yield from self._stale(leave_out={lost.asset for lost in self.lost})

    def _failed(self) -> list[FailedFamily]:
        """The newest failed family of each asset and partition that was not good since."""
        newest: dict[tuple[str, str], FailedFamily] = {}
        for family in failed_families(self.evaluator.store, self.now - FAILED_SPAN, self.now):
            newest[family.asset, family.partition or ""] = family
        good = newest_good(self.evaluator.store, {asset for asset, _ in newest})
        return [family for (asset, part), family in newest.items() if not _good_after(good, asset, part, family.judged_at)]

    def _stale(self, leave_out: Collection[str]) -> Iterator[Signal]:
        for label in (Label.CORE, Label.UNSTABLE):
            for asset, judged in sorted(self.evaluator.judged_tables(label, self.now).items()):
                stale = judged.freshness is Freshness.STALE and asset not in leave_out
                if stale and asset in self.owned and not self._covered(asset, self.now):
                    yield asset_signals.stale(self.owned[asset], judged.note, self.now, self.links)

    def _removals(self) -> Iterator[Signal]:
        """Unstable tables that were below their target at this same time of day on each of the last days (`LONG_BELOW`)."""
        days = [self.now - number * _DAY for number in range(objective_signals.LONG_BELOW // _DAY, 0, -1)]
        now = self.evaluator.of_assets(Label.UNSTABLE, self.now)
        below = {asset for asset, assessment in now.items() if assessment.verdict is Verdict.BREACHED}
        for day in days:
            if not below:
                return
            then = self.evaluator.of_assets(Label.UNSTABLE, day)
            below = {asset for asset in below if then[asset].verdict is Verdict.BREACHED}
        for asset in sorted(below & self.owned.keys()):
            yield objective_signals.removal(self.owned[asset], now[asset], self.links)

    def _covered(self, asset: str, at: datetime) -> bool:
        return any(
            window.start <= at < window.end and window.scope in (asset, self.owned[asset].service) for window in self.windows
        )


def is_frozen(assessment: Assessment) -> bool:
    """Whether the objective is worked on now, as a whole or in what is missed: its sprint and incidents stay as they are."""
    at, objective = assessment.at, assessment.objective
    running = [work for work in assessment.maintenance if work.start <= at < work.end]
    whole = any(work.scope in (objective.service, objective.id) for work in running)
    return whole or (bool(running) and assessment.verdict is not Verdict.BREACHED)


def _names(incident: Incident) -> set[str]:
    """The assets that the subject of an incident may name: `kind:asset`, `kind:asset[partition]`, `kind:asset:check`."""
    about = incident.subject.partition(":")[2]
    return {about, about.partition("[")[0], about.partition(":")[0]}


def objective_finding(
    assessment: Assessment, store: Store, owned: Mapping[str, OwnedAsset], links: AlertLinks
) -> ObjectiveFinding:
    """An assessment as a sprint keeps it: whose the guilty assets are, and which runs show it."""
    missed = assessment.verdict is Verdict.BREACHED
    guilty = assessment.guilty[:_GUILTY] if missed else ()
    runs = newest_failed_run(store, [tally.asset for tally in guilty])
    objective = assessment.objective
    return ObjectiveFinding(
        objective=objective.id,
        service=objective.service,
        verdict=assessment.verdict,
        summary=summary(assessment),
        good=assessment.good,
        valid=assessment.valid,
        target_bp=objective.target,
        at=assessment.at,
        guilty=tuple(_guilty(tally, owned, runs, links) for tally in guilty),
        next_step=_next_step(guilty) if missed else "",
    )


def assess_all(evaluator: Evaluator, now: datetime) -> list[Assessment]:
    """Every objective of every service."""
    return [assessment for service in SERVICES for assessment in evaluator.assess(service, now)]


def _guilty(tally: Tally, owned: Mapping[str, OwnedAsset], runs: Mapping[str, str], links: AlertLinks) -> Guilty:
    owner = owned[tally.asset].owner if tally.asset in owned else links.owner
    return Guilty(tally.asset, owner, tally.bad, tally.valid, tally.note, runs.get(tally.asset, ""))


def _next_step(guilty: Sequence[Tally]) -> str:
    if not guilty:
        return "Find out what fails: no asset is named."
    named = ", ".join(tally.asset for tally in guilty[:5])
    return f"Open the newest runs of {named} in Dagster, fix the cause, and materialize them again."


def _asset_of(subject: str) -> tuple[str, str]:
    """Asset and partition of the subject of a failed materialization."""
    name = subject.removeprefix(failed_subject("", None))
    asset, _, partition = name.removesuffix("]").partition("[")
    return asset, partition


def _good_after(good: Mapping[tuple[str, str], datetime], asset: str, partition: str, at: datetime) -> bool:
    newest = good.get((asset, partition))
    return newest is not None and newest > at
