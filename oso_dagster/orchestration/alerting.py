"""One round of alerting: bring the ledger up to date, judge, move the sprints on, write down what has to be said.

Everything is compared with what was said before: a round that is lost, or done twice, changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import dagster as dg

from oso_dagster.alerting.channels import routes, senders
from oso_dagster.alerting.delivery import Clock, Report, deliver
from oso_dagster.domain import asset_signals
from oso_dagster.domain.announcing import Change, Memory, Signal, compare
from oso_dagster.domain.attempts import Label
from oso_dagster.domain.incident import Kind
from oso_dagster.domain.places import Owned, Places
from oso_dagster.domain.source import Source
from oso_dagster.orchestration.checks_log import daemons, drifting, failing_checks
from oso_dagster.orchestration.evaluation import Evaluator, measured_assets, reliability_of
from oso_dagster.orchestration.evidence import proofs_of
from oso_dagster.orchestration.facts import Dagster, Facts, assessed, finding
from oso_dagster.orchestration.heartbeats import ALERTS, awake, beats
from oso_dagster.orchestration.judging import verdict_row
from oso_dagster.orchestration.labels import PLATFORM_OWNER, asset_key
from oso_dagster.orchestration.ledger import LedgerFill
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings


@dataclass(frozen=True)
class Platform:
    """What is watched: the sources, the SQLMesh models, and the checks whose failure is told."""

    settings: Settings
    sources: Sequence[Source]
    models: Sequence[dg.AssetSpec]
    checks: Sequence[dg.AssetCheckKey]

    @property
    def labels(self) -> dict[str, Label]:
        """Every measured asset, with its class."""
        return measured_assets(self.sources, [spec.key.to_user_string() for spec in self.models])

    @property
    def owned(self) -> dict[str, Owned]:
        """Every measured asset, with its owner and service."""
        owners = {f"{source.name}/{table.name}": source.owner for source in self.sources for table in source.tables}
        owners |= {spec.key.to_user_string(): ", ".join(sorted(spec.owners)) for spec in self.models}
        return {
            asset: Owned(asset, label.value, owners.get(asset) or PLATFORM_OWNER, reliability_of(label).service)
            for asset, label in self.labels.items()
        }

    @property
    def declared(self) -> dict[dg.AssetKey, frozenset[str]]:
        """The columns of every table, as `table.column`."""
        return {
            asset_key(source, table): frozenset(
                f"{name}.{column.name}" for name, columns in table.physical.items() for column in columns
            )
            for source in self.sources
            for table in source.tables
        }


def places_of(settings: Settings) -> Places:
    """Where alerts point."""
    return Places(settings.dagster_address, settings.status_address, PLATFORM_OWNER, settings.runbooks_url.rstrip("/"))


def announce(platform: Platform, store: Store, instance: dg.DagsterInstance, now: datetime) -> list[Change]:
    """Find out what is wrong at `now`, and write down what changed and what has to be said of it."""
    LedgerFill(instance, store.ledger, platform.labels, platform.settings.secrets(), proofs_of(platform.sources)).run(now)
    evaluator = Evaluator(store, platform.sources, platform.labels)
    assessments, owned, places = assessed(evaluator, now), platform.owned, places_of(platform.settings)
    latest = {f"{row.service}.{row.objective}": row.verdict for row in store.latest_verdicts()}
    store.results.record_verdicts(verdict_row(one) for one in assessments if latest.get(one.objective.id) is not one.verdict)
    store.sprints.advance(finding(one, store, owned, places) for one in assessments)
    standing = store.incidents.standing()
    able = awake(store, ALERTS, now)
    seen = Dagster(
        checks=failing_checks(instance, platform.checks),
        drifting=drifting(instance, platform.declared),
        silent=[one for one in [*daemons(instance), *beats(store)] if able and one.name != ALERTS and one.is_silent(now)],
    )
    facts = Facts(evaluator, owned, places, seen, assessments, standing, store.maintenance.all(), now)
    unheard = set() if able else {one.subject for one in standing if one.kind is Kind.SILENT}
    signals = facts.signals(store.sprints.newest().values())
    return _settle(platform.settings, store, signals, facts.kept() | unheard, now)


def watch(settings: Settings, store: Store, who: str, now: datetime) -> list[Change]:
    """Tell whether those who look after the platform beside `who` are silent; everything else stays as it is."""
    if not awake(store, who, now):
        return []
    others = [one for one in beats(store) if one.name != who]
    silent = [asset_signals.silent(one, places_of(settings), now) for one in others if one.is_silent(now)]
    kept = {one.subject for one in store.incidents.standing()} - {f"{Kind.SILENT}:{one.name}" for one in others}
    return _settle(settings, store, silent, kept, now)


def send(settings: Settings, store: Store, logger: logging.Logger, now: Callable[[], datetime]) -> Report:
    """Deliver what is due, on every channel and in the log, for as long as a tick may take; it says how that went as well."""
    return deliver(store.outbox, store.channels, senders(settings, logger), Clock(now=now), log=logger)


def _settle(settings: Settings, store: Store, signals: Sequence[Signal], kept: set[str], now: datetime) -> list[Change]:
    hours = settings.hours()

    def decide(memory: Memory) -> list[Change]:
        return compare(signals, kept, memory, hours, now)

    keys = {one.incident.key for one in signals}
    return store.incidents.settle(decide, keys, settings.world.value, routes(settings), now)
