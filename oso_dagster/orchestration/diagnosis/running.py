"""Is it scheduled and alive: daemon, schedules, sensors, runs, heartbeats of the watchers, channels, the page."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import dagster as dg

from oso_dagster.domain.catalogue.source import Source
from oso_dagster.domain.durations import duration
from oso_dagster.orchestration.diagnosis.finding import Finding, Question, State
from oso_dagster.orchestration.watch.heartbeats import last_heartbeats
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings, World

_DAEMON_SILENT = timedelta(minutes=2)
"""A living daemon reports every 30 seconds."""
_LONG_RUN = timedelta(hours=12)
_OLD_PAGE = timedelta(hours=1)
"""The page is written four times an hour."""
_CONNECT_SECONDS = 3
_PORTS = {"http": 80, "postgresql": 5432}
"""Where an address names none; all others speak TLS on 443."""
_START = "start it: `oso dev`, or `dagster-daemon run` where the web page has a process of its own"


def daemon(instance: dg.DagsterInstance, now: datetime) -> Iterator[Finding]:
    """Each part of Dagster's daemon: when it last reported, and its last error."""
    beats = instance.get_daemon_heartbeats()
    if not beats:
        yield Finding(Question.ALIVE, "Dagster's daemon", State.OFF, "never ran here: nothing starts by itself", _START)
        return
    for name in sorted(instance.get_required_daemon_types()):
        subject = f"daemon: {name.lower().replace('_', ' ')}"
        beat = beats.get(name)
        if beat is None:
            yield Finding(Question.ALIVE, subject, State.ERROR, "never reported", _START)
        elif (age := now - datetime.fromtimestamp(beat.timestamp, UTC)) > _DAEMON_SILENT:
            yield Finding(Question.ALIVE, subject, State.ERROR, f"silent for {duration(age)}", _START)
        elif beat.errors:
            text = beat.errors[0].message.strip().splitlines()[-1]
            yield Finding(Question.ALIVE, subject, State.WARNING, text, "read the daemon's log")
        else:
            yield Finding(Question.ALIVE, subject, State.OK, f"reported {duration(age)} ago")


def ticks(instance: dg.DagsterInstance, names: Sequence[str]) -> Iterator[Finding]:
    """Schedules and sensors: those switched off by a person, and those whose last tick failed."""
    states = {state.origin.instigator_name: state for state in instance.all_instigator_state()}
    stopped = sorted(name for name, state in states.items() if name in names and state.status.value == "STOPPED")
    for name in stopped:
        text, step = "switched off by a person", "switch it on again: Dagster's page, Automation"
        yield Finding(Question.SCHEDULED, name, State.WARNING, text, step)
    for name in sorted(set(names) & set(states) - set(stopped)):
        last = instance.get_ticks(states[name].instigator_origin_id, states[name].selector_id, limit=1)
        if last and last[0].error is not None:
            text = last[0].error.message.strip().splitlines()[0]
            yield Finding(
                Question.SCHEDULED, name, State.ERROR, f"its last tick failed: {text}", "see its page: Dagster, Automation"
            )
    yield Finding(Question.SCHEDULED, "schedules and sensors", State.OK, f"{len(names) - len(stopped)} of {len(names)} are on")


def runs(instance: dg.DagsterInstance, now: datetime) -> Iterator[Finding]:
    """Runs that wait or work, and those that do so for longer than half a day."""
    busy = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
    records = instance.get_run_records(dg.RunsFilter(statuses=busy))
    for record in records:
        if (age := now - record.create_timestamp.astimezone(UTC)) > _LONG_RUN:
            text = f"{record.dagster_run.status.value.lower()} for {duration(age)}"
            step = f"look at run {record.dagster_run.run_id[:8]}, and terminate it if nothing works for it"
            yield Finding(Question.ALIVE, f"run of {record.dagster_run.job_name}", State.WARNING, text, step)
    counts = Counter(record.dagster_run.status.value.lower() for record in records)
    text = ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "none waits or works"
    yield Finding(Question.ALIVE, "runs", State.OK, text)


def watchers(store: Store, now: datetime, *, daemon_ran: bool) -> Iterator[Finding]:
    """The sensors and schedules that watch everything else: silent ones are errors, but where no daemon ever ran."""
    beats = last_heartbeats(store)
    if not beats:
        yield Finding(Question.ALIVE, "watchers", State.OFF, "never ran here: nobody raises an alert", _START)
    for beat in beats:
        age = duration(now - beat.at)
        if beat.is_silent(now) and not daemon_ran:
            yield Finding(Question.ALIVE, beat.name, State.OFF, f"{age} ago, by a command; no daemon ever ran here", _START)
        elif beat.is_silent(now):
            yield Finding(Question.ALIVE, beat.name, State.ERROR, f"silent for {age}", f"{_START}; then look at its ticks")
        else:
            yield Finding(Question.ALIVE, beat.name, State.OK, f"{age} ago")


def delivery(store: Store) -> Iterator[Finding]:
    """Alert channels that refused us, and alerts that wait."""
    for channel in store.channels.all():
        if channel.disabled:
            step = "correct the address of its webhook, then run `oso alerts test`"
            yield Finding(Question.ALIVE, f"channel {channel.name}", State.ERROR, f"not used: {channel.why}", step)
    waiting = sum(count for (_, state), count in store.outbox.counts().items() if state == "pending")
    yield Finding(Question.ALIVE, "alerts", State.OK, f"{waiting} wait to be sent" if waiting else "all sent")


def page(settings: Settings, now: datetime) -> Iterator[Finding]:
    """The status page: how old it is."""
    index = settings.status_dir / "index.html"
    if not index.exists():
        yield Finding(Question.ALIVE, "status page", State.OFF, "not made yet: `oso status build` makes it")
        return
    age = now - datetime.fromtimestamp(index.stat().st_mtime, UTC)
    if age > _OLD_PAGE:
        step = "start the daemon, which renews it, or run `oso status build`"
        yield Finding(Question.ALIVE, "status page", State.WARNING, f"{duration(age)} old", step)
    else:
        yield Finding(Question.ALIVE, "status page", State.OK, f"{duration(age)} old, {index}")


def upstreams(settings: Settings, sources: Sequence[Source]) -> Iterator[Finding]:
    """Whether each source's hosts take a connection. Nothing is asked of them."""
    if settings.world is World.SANDBOX and not settings.sandbox_files.endpoints.exists():
        yield Finding(Question.REACHABLE, "sandbox", State.OFF, "not up: `oso sandbox up` starts it")
        return
    for source in sources:
        if source.retired is not None:
            continue
        values = settings.of_source(source)
        addresses = [address for spec in source.settings if spec.endpoint and (address := values.get(spec.name))]
        for host, port in sorted({_host(address) for address in addresses}):
            yield _reached(source.name, host, port, settings.world)


def _host(address: str) -> tuple[str, int]:
    """Host and port of an address; no host for a place on this machine."""
    parts = urlsplit(address)
    return parts.hostname or "", parts.port or _PORTS.get(parts.scheme.partition("+")[0], 443)


def _reached(source: str, host: str, port: int, world: World) -> Finding:
    if not host:
        return Finding(Question.REACHABLE, source, State.OK, "on this machine")
    where = f"{host}:{port}"
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_SECONDS):
            return Finding(Question.REACHABLE, source, State.OK, where)
    except OSError as error:
        step = (
            "start it: `oso sandbox up`" if world is World.SANDBOX else "check the network, then the status page of the upstream"
        )
        return Finding(Question.REACHABLE, source, State.ERROR, f"{where}: {error.strerror or error}", step)
