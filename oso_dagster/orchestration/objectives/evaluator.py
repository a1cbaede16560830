"""From the ledger and the catalogue to assessments of each objective. How they are judged is in `domain.objectives.slo`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from oso_dagster.domain.alerts.asset_signals import LOST_PARTITIONS
from oso_dagster.domain.alerts.incident import Incident, Kind
from oso_dagster.domain.catalogue.declared_tables import by_asset
from oso_dagster.domain.catalogue.source import Source
from oso_dagster.domain.coverage.comparison import MEASURED_WITHIN, tallies_of
from oso_dagster.domain.judging.lost_rows import Shortage
from oso_dagster.domain.objectives.attempts import Label, is_deployment
from oso_dagster.domain.objectives.budget import recovery
from oso_dagster.domain.objectives.burn import Burning, firing_of, windows_of
from oso_dagster.domain.objectives.freshness import Freshness
from oso_dagster.domain.objectives.maintenance import Maintenance, of_span, touching
from oso_dagster.domain.objectives.objectives import COMPLETENESS, FRESHNESS, OBJECTIVES, of_service
from oso_dagster.domain.objectives.over_time.renamed_assets import RENAMED, under_present_names, validated_renames
from oso_dagster.domain.objectives.over_time.silence import LOOKED_ONCE, silent_slices
from oso_dagster.domain.objectives.slo import Assessment, Indicator, Objective, Tally, Verdict, evaluate
from oso_dagster.orchestration.objectives.model_freshness import judged_models
from oso_dagster.orchestration.objectives.table_freshness import Promises, TableFreshness
from oso_dagster.reliability.ledger.counted_events import CountedEvent
from oso_dagster.reliability.results import AssetRow
from oso_dagster.reliability.store import Store

RECOVERY_EVENTS = 10_000
"""A date of recovery is worked out for up to so many events: it is for low volume, and reads every one of them."""


def measured_assets(sources: Sequence[Source], models: Sequence[str]) -> dict[str, Label]:
    """Every asset that is measured, `source/table` or a model, with the label it has now."""
    tables = {asset: Label(source.stability.value) for asset, (source, _) in by_asset(sources).items()}
    return tables | dict.fromkeys(models, Label.SQLMESH)


@dataclass(frozen=True)
class Evaluator:
    """Assesses the objectives of a service from `store`. `labels` as `measured_assets` gives them.

    When `replaying`, what happened after the time that is asked for is not known yet, and nothing is written. `due_at` is the
    begin of a command that loads everything and then judges: what only became due while it ran is not asked for.
    `lost`: of tables that are not in the warehouse as they were loaded, what is missing; None: as the incidents about them say.
    """

    store: Store
    sources: Sequence[Source]
    labels: Mapping[str, Label]
    replaying: bool = False
    renamed: Mapping[str, str] = field(default_factory=lambda: RENAMED)
    due_at: datetime | None = None
    lost: Mapping[str, Shortage] | None = None

    def __post_init__(self) -> None:
        validated_renames(self.renamed)

    def assess(self, service: str, now: datetime) -> list[Assessment]:
        """All objectives of `service` at `now`; one that cannot be computed says so, and stops no other."""
        windows, objectives, newest = self.store.maintenance.all(), of_service(service), dict[tuple[str, str], datetime]()
        assessed = [self._assess_alone(each, now, windows, newest) for each in objectives]
        silent: dict[str, list[str]] = defaultdict(list)
        for silence in silent_slices(objectives, newest, now, windows):
            silent[silence.objective.id].append(f"{silence.slice or 'the whole'} since {silence.since:%Y-%m-%d %H:%M} UTC")
        return [replace(each, silent=tuple(silent.get(each.objective.id, ()))) for each in assessed]

    def _assess_alone(
        self, objective: Objective, now: datetime, windows: Sequence[Maintenance], newest: dict[tuple[str, str], datetime]
    ) -> Assessment:
        """The same of one that cannot be computed: what is known of the others is reported all the same."""
        try:
            return self.assess_one(objective, now, windows, newest)
        except Exception as error:  # noqa: BLE001  (reported in the assessment, its check fails, and an alert names it)
            words = (str(error).splitlines() or [""])[0]
            return Assessment(objective, Verdict.NO_DATA, 0, 0, (), now, problem=f"{type(error).__name__}: {words}"[:300])

    def assess_one(
        self,
        objective: Objective,
        now: datetime,
        windows: Sequence[Maintenance],
        newest: dict[tuple[str, str], datetime] | None = None,
    ) -> Assessment:
        """One objective at `now`, without what the maintenance `windows` cover.

        Into `newest` goes when each slice of it that is measured regularly was sampled last, by id and slice.
        """
        since = now - (objective.window or timedelta(0))
        tallies = self._tallies(objective, since, now, windows, newest)
        names = {tally.asset for tally in tallies} | {asset for asset, label in self.labels.items() if label is objective.label}
        shown = touching(windows, objective.service, objective.name, names, since, now)
        assessed = evaluate(objective, tallies, now, self._burning(objective, now, shown))
        low = assessed.verdict is Verdict.BREACHED and objective.window is not None and assessed.valid <= RECOVERY_EVENTS
        counts = [event.count for event in self.events(objective, since, now, shown)] if low else []
        recovers = recovery(counts, objective.target, objective.window or timedelta(0), now) if low else None
        return replace(assessed, recovers=recovers, maintenance=shown)

    def of_assets(self, label: Label, now: datetime) -> dict[str, Assessment]:
        """The reliability of every asset of a label by itself, against the target of its class."""
        objective = reliability_of(label)
        since, windows = now - (objective.window or timedelta(0)), self.store.maintenance.all()
        tallies = {tally.asset: tally for tally in self._tallies(objective, since, now, windows)}
        assets = sorted(asset for asset, of in self.labels.items() if of is label)
        return {asset: evaluate(objective, [tallies[asset]] if asset in tallies else [], now) for asset in assets}

    def events(self, objective: Objective, since: datetime, now: datetime, windows: Sequence[Maintenance]) -> list[CountedEvent]:
        """The single events that an objective with a window counts in (since, now], by the names of today."""
        events = [
            replace(event, asset=self.present_name(event.asset)) for event in self.store.events.of(objective, since, now, windows)
        ]
        return [event for event in events if objective.label is None or self._is_counted(event.asset)]

    def freshness_rows(self, label: Label, now: datetime) -> list[AssetRow]:
        """The freshness of each source asset of a label; None for those that promise nothing."""
        promises = self._promises(label, now)
        judged = {asset: freshness.freshness for asset, freshness in promises.judged().items()}
        return [
            AssetRow(asset, judged.get(asset), table.promised_within, now) for asset, table in sorted(promises.tables.items())
        ]

    def judged_tables(self, label: Label, now: datetime) -> dict[str, TableFreshness]:
        """How fresh each table of a label is that promises something, being worked on or not."""
        return self._promises(label, now).judged()

    def fresh_tables(self, label: Label, now: datetime) -> dict[str, TableFreshness]:
        """How fresh each table of a label is that promises something, and is not being worked on."""
        return self._outside_maintenance(label, self._promises(label, now).judged(), now)

    def fresh_models(self, now: datetime) -> dict[str, TableFreshness]:
        """The same of SQLMesh's models, as if each of them promised to be fresh."""
        models = [asset for asset, label in self.labels.items() if label is Label.SQLMESH]
        return self._outside_maintenance(Label.SQLMESH, judged_models(self.store, models, now), now)

    def complete_tables(self, label: Label, now: datetime) -> dict[str, Assessment]:
        """The completeness of each partitioned table of a label by itself, against the target for core ones."""
        objective = replace(COMPLETENESS, service=reliability_of(label).service, label=label)
        tallies = self._point_in_time(objective, label, now, self.store.maintenance.all())
        return {tally.asset: evaluate(objective, [tally], now) for tally in tallies}

    def newest_events(self, label: Label, now: datetime) -> dict[str, datetime]:
        """The newest event of each table of a label that promises an age of it, where one is known."""
        return self._promises(label, now).newest_events()

    def fresh_share(self, label: Label, now: datetime, over: timedelta) -> dict[str, tuple[timedelta, timedelta]]:
        """How long each table that promises something was fresh in the last `over`, and how long it had to be."""
        return self._promises(label, now).fresh_time(now - over)

    def kept_partitions(self, asset: str) -> frozenset[str]:
        """The partitions of a table that were ever loaded well, and are not lost since."""
        landed, lost = self.store.ledger.materialized_partitions(asset), self._lost_now()
        return landed - lost[asset].of(landed) if asset in lost else landed

    def present_name(self, name: str) -> str:
        """The name that an asset has today."""
        return self.renamed.get(name, name)

    def _is_counted(self, asset: str) -> bool:
        """Not what is no more: an asset that nobody declares counts no more; a deployment of models always does."""
        return asset in self.labels or is_deployment(asset)

    def _outside_maintenance(
        self, label: Label, judged: Mapping[str, TableFreshness], now: datetime
    ) -> dict[str, TableFreshness]:
        """Without the assets that a maintenance window covers now."""
        windows, service = self.store.maintenance.all(), reliability_of(label).service
        return {
            asset: freshness
            for asset, freshness in judged.items()
            if not any(window.covers(service, FRESHNESS.name, asset, now) for window in windows)
        }

    def _tallies(
        self,
        objective: Objective,
        since: datetime,
        now: datetime,
        declared: Sequence[Maintenance],
        newest: dict[tuple[str, str], datetime] | None = None,
    ) -> list[Tally]:
        windows = of_span(declared, since, now)
        if objective.label is None:
            tallies = self.store.samples.tally(objective.service, objective.name, since, now, windows)
            if newest is not None:
                expected = None if windows else {tally.asset for tally in tallies}
                last = self.store.samples.newest(objective.service, objective.name, since, now, expected)
                newest |= {(objective.id, name): at for name, at in last.items() if not name.startswith(LOOKED_ONCE)}
            return tallies
        if objective.window is None:
            return self._point_in_time(objective, objective.label, now, windows)
        wide = (objective.service, objective.id)
        tallies = self.store.tallying.tally(objective.label, since, now, windows, wide)
        return [tally for tally in under_present_names(tallies, self.renamed) if self._is_counted(tally.asset)]

    def _point_in_time(self, objective: Objective, label: Label, now: datetime, windows: Sequence[Maintenance]) -> list[Tally]:
        promises = self._promises(label, now)
        if objective.indicator is Indicator.FRESH_ASSETS:
            tallies = [_fresh(asset, judged) for asset, judged in sorted(promises.judged().items())]
        elif objective.indicator is Indicator.SECOND_COUNTS:
            tallies = self._covered_truth(label, now)
        else:
            tallies = promises.complete()
        covered = {
            tally.asset
            for tally in tallies
            for window in windows
            if window.covers(objective.service, objective.name, tally.asset, now)
        }
        return [tally for tally in tallies if tally.asset not in covered]

    def _covered_truth(self, label: Label, now: datetime) -> list[Tally]:
        """How many second counts of each table of a label are reached, of the newest round of each; an old round says nothing."""
        newest = self.store.comparisons.newest(now, now - MEASURED_WITHIN)
        named = (replace(comparison, asset=self.present_name(comparison.asset)) for comparison in newest)
        return tallies_of(comparison for comparison in named if self.labels.get(comparison.asset) is label)

    def _burning(self, objective: Objective, now: datetime, windows: Sequence[Maintenance]) -> tuple[Burning, ...]:
        if objective.indicator is not Indicator.SAMPLES:
            return ()
        return firing_of(
            self.store.samples.sums_back(objective.service, objective.name, now, windows_of(), windows), objective.target
        )

    def _promises(self, label: Label, now: datetime) -> Promises:
        mine = by_asset(source for source in self.sources if source.stability.value == label.value)
        tables = {asset: table for asset, (_, table) in mine.items()}
        terms = {asset: source.terms_of(table) for asset, (source, table) in mine.items()}
        return Promises(self.store, tables, terms, self.renamed, now, self.replaying, self.due_at, self._lost_now())

    def _lost_now(self) -> Mapping[str, Shortage]:
        """The past is judged without: when rows were lost is not known."""
        if self.replaying or self.lost is not None:
            return self.lost or {}
        return shortages(self.store.incidents.standing())


def shortages(standing: Iterable[Incident]) -> dict[str, Shortage]:
    """What tables lack, by asset, as the standing incidents say."""
    return {
        incident.subject.removeprefix(f"{Kind.LOST_ROWS}:"): Shortage(
            "; ".join(incident.body), next((field.value for field in incident.fields if field.name == LOST_PARTITIONS), "")
        )
        for incident in standing
        if incident.kind is Kind.LOST_ROWS
    }


def reliability_of(label: Label) -> Objective:
    """The objective that counts the materializations of a label."""
    return next(objective for objective in OBJECTIVES if objective.label is label and objective.window is not None)


def _fresh(asset: str, judged: TableFreshness) -> Tally:
    return Tally(asset, int(judged.freshness is Freshness.FRESH), int(judged.freshness is not Freshness.NOT_DUE), judged.note)
