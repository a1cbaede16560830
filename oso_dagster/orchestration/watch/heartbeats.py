"""Which sensors and schedules still run: each records a heartbeat after its work, and checks the others'."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from oso_dagster.domain.alerts.asset_signals import LEAST_PATIENCE, LastHeartbeat
from oso_dagster.domain.probes import heartbeat as probes
from oso_dagster.reliability.store import Store

ALERTS, WATCH, EVALUATION = "sensor remedial_alerts", "sensor alert_watch", "schedule evaluate_slos"
WAREHOUSE = "comparison with the warehouse"

EVERY: Mapping[str, timedelta] = {
    ALERTS: timedelta(seconds=30),
    WATCH: timedelta(seconds=60),
    EVALUATION: timedelta(minutes=15),
    WAREHOUSE: timedelta(minutes=15),  # at least: it waits while the models have the file
    probes.HEARTBEAT: probes.EVERY,
}
"""How often each of them records a heartbeat."""

_AWAKE = "{}, awake since"


def beat(store: Store, name: str, now: datetime) -> None:
    """Record that `name` has done its work; when it had been silent itself, also record since when it is awake."""
    last = next((heartbeat for heartbeat in last_heartbeats(store) if heartbeat.name == name), None)
    if last is None or last.is_silent(now):
        store.heartbeats.beat(_AWAKE.format(name), EVERY[name], now)
    store.heartbeats.beat(name, EVERY[name], now)


def awake(store: Store, name: str, now: datetime) -> bool:
    """Whether `name` has been awake for long enough to call others silent: after a night off none has a heartbeat yet."""
    heartbeats = {heartbeat.name: heartbeat for heartbeat in store.heartbeats.all()}
    last, since = heartbeats.get(name), heartbeats.get(_AWAKE.format(name))
    if last is None or since is None:
        return False
    return not LastHeartbeat(name, last.at, last.every).is_silent(now) and now - since.at > LEAST_PATIENCE


def last_heartbeats(store: Store) -> list[LastHeartbeat]:
    """The last heartbeat of each; one that never recorded any is not expected to."""
    return [
        LastHeartbeat(heartbeat.name, heartbeat.at, heartbeat.every)
        for heartbeat in store.heartbeats.all()
        if heartbeat.name in EVERY
    ]
