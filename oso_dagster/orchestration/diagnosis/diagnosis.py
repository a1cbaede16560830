"""Runs every examination; one that raises is a finding by itself, and stops no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import partial

import dagster as dg

from oso_dagster.domain.catalogue.source import Source
from oso_dagster.domain.redaction import redact
from oso_dagster.orchestration.diagnosis import configured, running, stores
from oso_dagster.orchestration.diagnosis.finding import Examination, Finding, Question, State
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings
from oso_dagster.warehouse.embedded.writer_lock import LockTimeoutError


def without_dagster(
    settings: Settings, sources: Sequence[Source], now: datetime, *, ask_upstreams: bool
) -> Iterator[Examination]:
    """What can be asked before Dagster has an instance here."""
    yield Examination(Question.CONFIGURED, "home", partial(configured.home, settings))
    yield Examination(Question.CONFIGURED, "libraries", configured.libraries)
    yield Examination(Question.CONFIGURED, "keys of sources", partial(configured.secrets, settings, sources))
    yield Examination(Question.CONFIGURED, "alerts", partial(configured.channels, settings))
    yield Examination(Question.REACHABLE, "reliability store", partial(stores.ledger, settings))
    yield Examination(Question.REACHABLE, "warehouse", partial(stores.warehouse, settings))
    yield Examination(Question.REACHABLE, "SQLMesh's state", partial(stores.sqlmesh_state, settings))
    yield Examination(Question.ALIVE, "status page", partial(running.page, settings, now))
    if ask_upstreams:
        yield Examination(Question.REACHABLE, "upstreams", partial(running.upstreams, settings, sources))


def of_dagster(settings: Settings, instance: dg.DagsterInstance, names: Sequence[str], now: datetime) -> Iterator[Examination]:
    """What Dagster's instance and the platform's watchers can say; `names` are those of schedules and sensors."""
    yield Examination(Question.MIGRATED, "Dagster", partial(stores.dagster_storage, settings, instance))
    yield Examination(Question.SCHEDULED, "schedules and sensors", partial(running.ticks, instance, names))
    yield Examination(Question.ALIVE, "Dagster's daemon", partial(running.daemon, instance, now))
    yield Examination(Question.ALIVE, "runs", partial(running.runs, instance, now))


def of_watchers(settings: Settings, now: datetime, *, daemon_ran: bool) -> Iterator[Examination]:
    """What the reliability store knows of those who watch; only for a store that exists and is migrated."""

    def opened(ask: Callable[[Store], Iterator[Finding]]) -> Iterator[Finding]:
        with ExitStack() as stack:
            yield from ask(stack.enter_context(Store.open(settings.reliability_store_url, settings.world.value)))

    yield Examination(
        Question.ALIVE, "watchers", partial(opened, lambda store: running.watchers(store, now, daemon_ran=daemon_ran))
    )
    yield Examination(Question.ALIVE, "alerts", partial(opened, running.delivery))


def examine(examination: Examination, step_of: Callable[[BaseException], str | None], secrets: Sequence[str]) -> list[Finding]:
    """The findings of one examination. An error that it raises is one of them: `step_of` gives its line with the next step."""
    findings: list[Finding] = []
    try:
        findings.extend(examination.run())
    except LockTimeoutError as error:
        step = "ask again when the run is done"
        findings.append(Finding(examination.question, examination.subject, State.WARNING, redact(str(error), secrets), step))
    except Exception as error:  # noqa: BLE001  (whatever is wrong with one part is told, and the others are asked)
        text, _, step = (step_of(error) or f"{type(error).__name__}: {error}").rpartition(": ")
        findings.append(
            Finding(
                examination.question,
                examination.subject,
                State.ERROR,
                redact(text or step, secrets),
                step if text else "look at the settings: `oso settings`",
            )
        )
    return findings
