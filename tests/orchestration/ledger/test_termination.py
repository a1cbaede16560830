"""A load that a person terminates ends, publishes nothing, and is not tried again."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from oso_dagster.domain.objectives.attempts import Judgement, Outcome
from oso_dagster.settings import PROJECT_ROOT
from tests.orchestration.ledger.runs import fill, judgements, outcomes

pytestmark = pytest.mark.slow

SECONDS = 60


@contextmanager
def endless_load(home: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A process in which a load has begun, and the file that has a line for each try."""
    mark = home / "tries"
    command = [sys.executable, "-m", "tests.orchestration.ledger.endless_load", str(home), str(mark)]
    with subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + SECONDS
            while not mark.exists():
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.1)
            yield process, mark
        finally:
            process.kill()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    return tmp_path


def types(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    return [entry.dagster_event.event_type_value for entry in instance.all_logs(run_id) if entry.dagster_event]


def test_a_load_that_a_person_terminates_ends_at_once_and_is_canceled(home: Path, store) -> None:
    with endless_load(home) as (process, mark), dg.DagsterInstance.from_config(str(home)) as instance:
        run = instance.get_run_by_id(mark.with_suffix(".run").read_text())
        assert run is not None
        instance.report_run_canceling(run)
        process.send_signal(signal.SIGTERM)  # as the launcher of a run does it
        process.wait(SECONDS)
        ended = instance.get_run_by_id(run.run_id)
        assert ended is not None
        assert ended.status is dg.DagsterRunStatus.CANCELED
        seen = types(instance, run.run_id)
        assert not {"STEP_UP_FOR_RETRY", "STEP_RESTARTED", "ASSET_MATERIALIZATION"} & set(seen)
        assert mark.read_text().splitlines() == ["began"]
        _, now = fill(instance, store)
        assert list(outcomes(store).values()) == [Outcome.CANCELED]
        assert judgements(store, now) == [Judgement.UNCOUNTED]


def test_a_load_whose_process_is_told_to_end_by_the_machine_has_failed_and_is_not_tried_again_in_it(home: Path, store) -> None:
    with endless_load(home) as (process, mark), dg.DagsterInstance.from_config(str(home)) as instance:
        process.send_signal(signal.SIGTERM)
        process.wait(SECONDS)
        run_id = mark.with_suffix(".run").read_text()
        ended = instance.get_run_by_id(run_id)
        assert ended is not None
        assert ended.status is dg.DagsterRunStatus.FAILURE
        assert mark.read_text().splitlines() == ["began"]
        fill(instance, store)
        assert list(outcomes(store).values()) == [Outcome.FAILED]
