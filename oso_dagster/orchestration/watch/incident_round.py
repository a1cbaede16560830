"""One round of incidents: record what changed, deliver the messages, report sensors and schedules that have fallen silent."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from oso_dagster.alerting.channels import routes, senders
from oso_dagster.alerting.delivery import Clock, DeliveryReport, deliver
from oso_dagster.domain.alerts import asset_signals
from oso_dagster.domain.alerts.alert_links import AlertLinks
from oso_dagster.domain.alerts.announcing import IncidentChange, IncidentMemory, Signal, compare
from oso_dagster.domain.alerts.incident import Kind
from oso_dagster.orchestration.labels import PLATFORM_OWNER
from oso_dagster.orchestration.watch.heartbeats import awake, last_heartbeats
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings


def alert_links(settings: Settings) -> AlertLinks:
    """The addresses and the owner that every alert names."""
    return AlertLinks(settings.dagster_address, settings.status_address, PLATFORM_OWNER, settings.runbooks_url.rstrip("/"))


def report_silence(settings: Settings, store: Store, who: str, now: datetime) -> list[IncidentChange]:
    """Open or close the incidents about sensors and schedules, other than `who`, whose heartbeats stopped.

    All other incidents stay as they are. Nothing is reported until `who` itself has run for long enough to know.
    """
    if not awake(store, who, now):
        return []
    others = [heartbeat for heartbeat in last_heartbeats(store) if heartbeat.name != who]
    silent = [asset_signals.silent(heartbeat, alert_links(settings), now) for heartbeat in others if heartbeat.is_silent(now)]
    kept = {incident.subject for incident in store.incidents.standing()} - {
        f"{Kind.SILENT}:{heartbeat.name}" for heartbeat in others
    }
    return settle(settings, store, silent, kept, now)


def send(settings: Settings, store: Store, logger: logging.Logger, now: Callable[[], datetime]) -> DeliveryReport:
    """Deliver what is due, on every channel and in the log, within the time of one tick; returns what was delivered."""
    return deliver(store.outbox, store.channels, senders(settings, logger), Clock(now=now), log=logger)


def settle(
    settings: Settings, store: Store, signals: Sequence[Signal], kept: set[str], now: datetime, quiet: Collection[str] = ()
) -> list[IncidentChange]:
    """Compare the `signals` with the remembered incidents, and record the changes and the announcements to send.

    The incidents of the subjects in `kept` stay as they are: nothing is known of them now. Of those in `quiet` nothing is said.
    """
    hours = settings.hours()

    def decide(memory: IncidentMemory) -> list[IncidentChange]:
        return compare(signals, kept, memory, hours, now, quiet)

    keys = {signal.incident.key for signal in signals}
    return store.incidents.settle(decide, keys, settings.world.value, routes(settings), now)
