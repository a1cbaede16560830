"""Runs that end with `oso dev` or with the sandbox world are no failures; those that end otherwise are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from oso_dagster.domain.objectives.attempts import Label, Outcome
from oso_dagster.orchestration.alerts.dagster_state import failed_jobs
from oso_dagster.orchestration.labels import STOPPED_TAG
from oso_dagster.orchestration.ledger.fill import LedgerFill
from oso_dagster.orchestration.ledger.stopped_runs import mark_stopped
from oso_dagster.reliability.store import Store
from tests.orchestration.shop import fail, load

LABELS = {"shop/things": Label.CORE, "shop/prices": Label.CORE}


@pytest.fixture
def outcomes(tmp_path: Path, instance: dg.DagsterInstance) -> Iterator[Callable[[], dict[str, Outcome]]]:
    with Store.open(f"sqlite:///{tmp_path / 'reliability.db'}", "sandbox") as store:

        def _outcomes() -> dict[str, Outcome]:
            LedgerFill(instance, store.ledger, LABELS).run(datetime.now(UTC))
            return {attempt.asset: attempt.outcome for attempt in store.attempts()}

        yield _outcomes


def run(instance: dg.DagsterInstance, name: str, body: Callable[[], None]) -> None:
    dg.materialize([load(["shop", name], body)], instance=instance, raise_on_error=False)


def test_what_failed_after_the_stop_is_canceled_and_what_failed_before_it_counts(
    instance: dg.DagsterInstance, outcomes: Callable[[], dict[str, Outcome]]
) -> None:
    run(instance, "things", fail)
    stops = []

    def stopped() -> None:
        time.sleep(0.01)
        stops.append(datetime.now(UTC))
        fail()

    run(instance, "prices", stopped)
    assert len(mark_stopped(instance, stops[0], "`oso dev`")) == 1
    assert outcomes() == {"shop/things": Outcome.FAILED, "shop/prices": Outcome.CANCELED}


def test_what_still_runs_is_marked_when_the_world_that_it_asks_has_ended(
    instance: dg.DagsterInstance, outcomes: Callable[[], dict[str, Outcome]]
) -> None:
    def loses_its_world() -> None:
        assert len(mark_stopped(instance, datetime.now(UTC), "the sandbox world", living=True)) == 1
        raise ConnectionRefusedError("nobody is there")

    run(instance, "things", loses_its_world)
    assert outcomes() == {"shop/things": Outcome.CANCELED}


def test_a_job_of_the_platform_that_ended_with_it_is_no_incident(instance: dg.DagsterInstance) -> None:
    @dg.op
    def publish() -> None:
        fail()

    @dg.job(name="publish_status")
    def job() -> None:
        publish()

    job.execute_in_process(instance=instance, raise_on_error=False)
    assert len(failed_jobs(instance)) == 1
    (record,) = instance.get_run_records()
    instance.add_run_tags(record.dagster_run.run_id, {STOPPED_TAG: datetime.now(UTC).isoformat()})
    assert failed_jobs(instance) == []
