"""Outcomes that only real processes have: the default executor runs each step in a process of its own."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import dagster as dg
import pytest

from oso_dagster.domain.objectives.attempts import Label, Outcome
from oso_dagster.orchestration.ledger.fill import LedgerFill
from oso_dagster.orchestration.ledger.run_reader import GONE_AFTER
from oso_dagster.orchestration.ledger.stopped_runs import mark_stopped
from oso_dagster.reliability.store import Store
from oso_dagster.settings import PROJECT_ROOT

pytestmark = pytest.mark.slow


@dg.asset(key=["shop", "dies"])
def dies() -> None:
    os._exit(1)


@dg.asset(key=["shop", "behind"], deps=[dies])
def behind() -> None: ...


@dg.asset(key=["shop", "fails"])
def fails() -> None:
    raise ValueError("the till is stuck")


@dg.asset(key=["shop", "lives"])
def lives() -> None: ...


def job():
    assets = [dies, behind, fails, lives]
    return dg.Definitions(assets=assets, jobs=[dg.define_asset_job("job", selection="*")]).resolve_job_def("job")


@pytest.fixture
def store(tmp_path):
    with Store.open(f"sqlite:///{tmp_path / 'reliability.db'}", "sandbox") as opened:
        yield opened


def test_a_step_whose_process_dies_has_failed_and_takes_no_sibling_with_it(instance, store):
    with dg.execute_job(dg.reconstructable(job), instance=instance) as result:
        assert not result.success
    labels = {f"shop/{name}": Label.CORE for name in ("dies", "behind", "fails", "lives")}
    LedgerFill(instance, store.ledger, labels).run(datetime.now(UTC))
    attempts = {attempt.asset.removeprefix("shop/"): attempt for attempt in store.attempts()}
    assert {name: attempt.outcome for name, attempt in attempts.items()} == {
        "dies": Outcome.FAILED,
        "behind": Outcome.SKIPPED_UPSTREAM,
        "fails": Outcome.FAILED,
        "lives": Outcome.OK,
    }
    assert attempts["fails"].cause == "ValueError: the till is stuck"
    assert "crash" in attempts["dies"].cause.lower() or "exit" in attempts["dies"].cause.lower()


@dg.asset(key=["shop", "waits"])
def waits() -> None:
    print("waiting", flush=True)
    time.sleep(300)


WAITING = """
import dagster as dg
from tests.orchestration.ledger.test_processes import waits
with dg.DagsterInstance.get() as instance:
    dg.materialize([waits], instance=instance)
"""


def outcome_of(store, instance, now):
    LedgerFill(instance, store.ledger, {"shop/waits": Label.CORE}).run(now)
    [attempt] = store.attempts()
    return attempt.outcome, attempt.cause


@pytest.mark.parametrize("stopped", [False, True])
def test_a_run_whose_process_was_killed_has_failed_long_before_a_day_is_over_unless_all_was_stopped(tmp_path, store, stopped):
    home = tmp_path / "dagster"
    home.mkdir()
    environment = os.environ | {"DAGSTER_HOME": str(home)}
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=PROJECT_ROOT,
    )
    try:
        assert "waiting" in process.stdout.readline()
        with dg.DagsterInstance.from_config(str(home)) as instance:
            later = datetime.now(UTC) + GONE_AFTER * 2
            assert outcome_of(store, instance, later) == (Outcome.PENDING, "")
            at = datetime.now(UTC)
            assert mark_stopped(instance, at, "`oso dev`") == [], "its process lives"
            process.send_signal(signal.SIGKILL)
            process.wait()
            if stopped:
                assert len(mark_stopped(instance, at, "`oso dev`")) == 1
                assert outcome_of(store, instance, later) == (Outcome.CANCELED, "")
                return
            assert outcome_of(store, instance, datetime.now(UTC)) == (Outcome.PENDING, "")
            outcome, cause = outcome_of(store, instance, later)
            assert outcome is Outcome.FAILED
            assert "its process is gone" in cause
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
