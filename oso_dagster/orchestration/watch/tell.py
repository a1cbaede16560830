"""Writes down what is wrong and has it sent; tells when those who look after the platform fall silent."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from oso_dagster.alerting.channels import routes, senders
from oso_dagster.alerting.delivery import Clock, Report, deliver
from oso_dagster.domain.alerts import asset_signals
from oso_dagster.domain.alerts.announcing import Change, Memory, Signal, compare
from oso_dagster.domain.alerts.incident import Kind
from oso_dagster.domain.alerts.places import Places
from oso_dagster.orchestration.labels import PLATFORM_OWNER
from oso_dagster.orchestration.watch.heartbeats import awake, beats
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings


def places_of(settings: Settings) -> Places:
    """Where alerts point."""
    return Places(settings.dagster_address, settings.status_address, PLATFORM_OWNER, settings.runbooks_url.rstrip("/"))


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
