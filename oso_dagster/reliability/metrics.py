"""What the store knows, as metrics in OpenMetrics: verdicts, budgets, burn, ages, coverage, attempts, outbox, probes, heartbeats.

Every name that is published stands in `NAMES`, with its help; docs/metrics.md lists the same, as a test holds. Numbers are those
of the last evaluation, and of now where they are ages. Whole numbers stay whole; ratios are left to who reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from oso_dagster.domain.objectives.budget import ALL, budget_left, burn_rate, total
from oso_dagster.domain.objectives.burn import TIERS
from oso_dagster.domain.objectives.freshness import Freshness
from oso_dagster.domain.objectives.objectives import OBJECTIVES
from oso_dagster.domain.objectives.slo import Indicator, Verdict
from oso_dagster.reliability.store import Store
from oso_dagster.reliability.tables import attempts, folded_samples, samples

NAMES: dict[str, tuple[str, tuple[str, ...]]] = {
    "oso_objective_verdict": ("1 for the verdict that an objective has, 0 for the others", ("objective", "verdict")),
    "oso_objective_good_events": ("Good events in the window, at the last evaluation", ("objective",)),
    "oso_objective_valid_events": ("Events that count in the window, at the last evaluation", ("objective",)),
    "oso_objective_target_ratio": ("What share has to be good", ("objective",)),
    "oso_objective_error_budget_remaining_ratio": ("What is left of the error budget; negative when overspent", ("objective",)),
    "oso_objective_burn_rate_ratio": (
        "Error rate ÷ budget over a window that ends now; 1 spends it exactly",
        ("objective", "window"),
    ),
    "oso_objective_evaluated_timestamp_seconds": ("When the objective was evaluated last", ("objective",)),
    "oso_samples": ("Events that were sampled of an objective, ever", ("objective", "slice")),
    "oso_samples_good": ("Good ones among the events that were sampled, ever", ("objective", "slice")),
    "oso_asset_age_seconds": ("Time since the last good load of an asset", ("asset",)),
    "oso_asset_promised_age_seconds": ("How old an asset may be", ("asset",)),
    "oso_asset_stale": ("1 when an asset was stale at the last evaluation", ("asset",)),
    "oso_coverage_ratio": (
        "Of a second count, the share that is held: its low and its high bound",
        ("asset", "category", "bound"),
    ),
    "oso_attempts_30d": ("Attempts that ended in the last 30 days, by outcome", ("class", "outcome")),
    "oso_sprint_open": ("1 while the remedial sprint of an objective is open", ("objective",)),
    "oso_outbox_deliveries": ("Deliveries of alerts, by channel and state", ("channel", "state")),
    "oso_heartbeat_age_seconds": ("Time since a part of the platform was heard of", ("name",)),
    "oso_probe_success": ("1 when the newest check of a probe succeeded", ("probe", "objective", "slice")),
    "oso_probe_duration_seconds": ("How long the newest check took", ("probe",)),
    "oso_probe_checked_timestamp_seconds": ("When the newest check began", ("probe",)),
    "oso_probe_certificate_ends_timestamp_seconds": ("When the certificate that a probe saw ends", ("probe",)),
}
"""Every metric: its help and labels. `oso_samples` and `oso_samples_good` are counters: their values are called `…_total`."""

_COUNTERS = frozenset({"oso_samples", "oso_samples_good"})
_MONTH = timedelta(days=30)


class StoreMetrics(Collector):
    """Reads the store at each scrape; what cannot be read is an error of the scrape, never an old value."""

    def __init__(self, open_store: Callable[[], Store], clock: Callable[[], datetime]) -> None:
        self._open, self._clock = open_store, clock

    def describe(self) -> Iterable[Metric]:
        """The families without values: to register them, no store is opened."""
        return [_family(name) for name in NAMES]

    def collect(self) -> Iterator[Metric]:
        """All families with what the store has now."""
        families = {name: _family(name) for name in NAMES}
        with self._open() as store:
            for name, labels, value in _values(store, self._clock()):
                families[name].add_metric(list(labels), value)
        yield from families.values()


def registry(open_store: Callable[[], Store], clock: Callable[[], datetime]) -> CollectorRegistry:
    """What prometheus-client serves or prints."""
    made = CollectorRegistry()
    made.register(StoreMetrics(open_store, clock))
    return made


def _family(name: str) -> CounterMetricFamily | GaugeMetricFamily:
    words, labels = NAMES[name]
    kind = CounterMetricFamily if name in _COUNTERS else GaugeMetricFamily
    return kind(name, words, labels=list(labels))


_Value = tuple[str, tuple[str, ...], float]


def _values(store: Store, now: datetime) -> Iterator[_Value]:
    yield from _of_objectives(store)
    yield from _of_samples(store, now)
    yield from _of_assets(store, now)
    yield from _of_work(store, now)
    yield from _of_probes(store)


def _of_objectives(store: Store) -> Iterator[_Value]:
    for row in store.latest_verdicts():
        id_ = f"{row.service}.{row.objective}"
        for verdict in Verdict:
            yield "oso_objective_verdict", (id_, verdict.value), float(verdict is row.verdict)
        yield "oso_objective_evaluated_timestamp_seconds", (id_,), row.evaluated_at.timestamp()
        yield "oso_objective_target_ratio", (id_,), row.target_bp / ALL
        if row.verdict is not Verdict.NO_DATA:  # of no data there is no number, and no 0
            yield "oso_objective_good_events", (id_,), row.good
            yield "oso_objective_valid_events", (id_,), row.valid
            left = budget_left(row.good, row.valid, row.target_bp)
            if left is not None and row.window is not None:
                yield "oso_objective_error_budget_remaining_ratio", (id_,), float(left)
    for sprint in store.sprints.newest().values():
        yield "oso_sprint_open", (sprint.objective,), float(sprint.open)


def _of_samples(store: Store, now: datetime) -> Iterator[_Value]:
    windows = sorted({window for tier in TIERS for window in (tier.long, tier.short)})
    for objective in OBJECTIVES:
        if objective.indicator is not Indicator.SAMPLES:
            continue
        counts = store.samples.counts(objective.service, objective.name, now - windows[-1], now)
        for window in windows:
            burn = burn_rate(*total(counts, now - window, now), objective.target)
            if burn is not None:
                yield "oso_objective_burn_rate_ratio", (objective.id, _window(window)), float(burn)
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    with store.database.reading() as connection:
        for table in (samples, folded_samples):
            own = (table.c.service, table.c.objective, table.c.slice)
            query = select(*own, func.sum(table.c.good), func.sum(table.c.valid)).group_by(*own)
            for service, name, slice_, good, valid in connection.execute(query):
                before = sums.get((f"{service}.{name}", slice_), (0, 0))
                sums[f"{service}.{name}", slice_] = before[0] + int(good), before[1] + int(valid)
    for labels, (good, valid) in sorted(sums.items()):
        yield "oso_samples_good", labels, good
        yield "oso_samples", labels, valid


def _of_assets(store: Store, now: datetime) -> Iterator[_Value]:
    for row in store.freshness():
        if row.last_good is not None:
            yield "oso_asset_age_seconds", (row.asset,), (now - row.last_good).total_seconds()
        if row.within is not None:
            yield "oso_asset_promised_age_seconds", (row.asset,), row.within.total_seconds()
        if row.freshness is not None:
            yield "oso_asset_stale", (row.asset,), float(row.freshness is Freshness.STALE)
    for comparison in store.comparisons.newest(now):
        for bound, share in zip(("low", "high"), comparison.bounds or (), strict=False):
            yield "oso_coverage_ratio", (comparison.asset, comparison.category, bound), share


def _of_work(store: Store, now: datetime) -> Iterator[_Value]:
    query = select(attempts.c.label, attempts.c.outcome, func.count()).where(attempts.c.ended > now - _MONTH)
    with store.database.reading() as connection:
        for label, outcome, number in connection.execute(query.group_by(attempts.c.label, attempts.c.outcome)):
            yield "oso_attempts_30d", (str(label), str(outcome)), number
    for (channel, state), number in sorted(store.outbox.counts().items()):
        yield "oso_outbox_deliveries", (channel, state), number
    for heartbeat in store.heartbeats.all():
        yield "oso_heartbeat_age_seconds", (heartbeat.name,), (now - heartbeat.at).total_seconds()


def _of_probes(store: Store) -> Iterator[_Value]:
    for result in store.probe_results.all():
        yield "oso_probe_success", (result.probe, result.objective, result.slice), float(not result.cause)
        yield "oso_probe_duration_seconds", (result.probe,), result.seconds
        yield "oso_probe_checked_timestamp_seconds", (result.probe,), result.at.timestamp()
        if result.certificate_ends is not None:
            yield "oso_probe_certificate_ends_timestamp_seconds", (result.probe,), result.certificate_ends.timestamp()


def _window(window: timedelta) -> str:
    """As Prometheus writes a span of time."""
    minutes = int(window.total_seconds() // 60)
    return f"{minutes}m" if minutes % 60 else f"{minutes // 60}h"
