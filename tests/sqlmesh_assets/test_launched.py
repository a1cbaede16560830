"""Runs that Dagster's web server launches, as a person does: a backfill, a retry of a failure, and runs that it terminates."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import dagster as dg
import pytest

from oso_dagster.domain.objectives.attempts import Label, Outcome
from oso_dagster.orchestration.ledger.fill import LedgerFill
from oso_dagster.reliability.store import Store
from oso_dagster.sqlmesh_assets.environment_lock import environment_lock
from tests.sqlmesh_assets.execution.test_materializing import ALL
from tests.sqlmesh_assets.playground import Playground, played
from tests.support.platform import BIN

pytestmark = [pytest.mark.timeout(600), pytest.mark.server]
SLOW = [f"marts.slow_{number}" for number in range(6)]
LOCATION = """
from pathlib import Path
from oso_dagster.sqlmesh_assets import Project, sqlmesh_definitions
database = {{name: {{"type": "duckdb", "database": "{root}/" + file}}
            for name, file in (("connection", "warehouse.duckdb"), ("state_connection", "state.duckdb"))}}
defs = sqlmesh_definitions(
    Project(Path("{root}/project"), "here", "duckdb", Path("{root}/cache"), recompute_whole=True, connections=database)
)
"""
LAUNCH = """mutation($location: String!, $job: String!, $config: RunConfigData!, $tags: [ExecutionTag!]!) {
  launchRun(executionParams: {mode: "default", runConfigData: $config, executionMetadata: {tags: $tags}, selector: {
  repositoryLocationName: $location, repositoryName: "__repository__", pipelineName: $job}})
  { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
AGAIN = """mutation($run: String!) { launchRunReexecution(reexecutionParams: {parentRunId: $run, strategy: FROM_FAILURE})
  { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
PARTITIONS = """query($location: String!) { partitionSetsOrError(pipelineName: "sqlmesh_backfill_day", repositorySelector: {
  repositoryLocationName: $location, repositoryName: "__repository__"}) { ... on PartitionSets { results {
  partitionsOrError { ... on Partitions { results { name } } } } } } }"""
BACKFILL = """mutation($location: String!, $names: [String!]!, $config: RunConfigData!) {
  launchPartitionBackfill(backfillParams: {partitionNames: $names, runConfigData: $config, selector: {
  partitionSetName: "sqlmesh_backfill_day_partition_set", repositorySelector: {
  repositoryLocationName: $location, repositoryName: "__repository__"}}})
  { __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
IN_PROCESS = {"execution": {"config": {"in_process": {}}}}
TERMINATE = "mutation($run: String!) { terminateRun(runId: $run) { __typename } }"


@contextmanager
def webserver(root: Path) -> Iterator[Callable[..., dict]]:
    """Dagster's web server on the playground's project; asks it in GraphQL."""
    home = root / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text(
        "run_coordinator: {module: dagster.core.run_coordinator, class: DefaultRunCoordinator}\ntelemetry: {enabled: false}\n"
    )
    (root / "location.py").write_text(LOCATION.format(root=root))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [str(BIN / "dagster-webserver"), "-f", "location.py", "-h", "127.0.0.1", "-p", str(port)]
    with (root / "webserver.log").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=root,
            stdout=log,
            stderr=log,
            env=os.environ | {"DAGSTER_HOME": str(home), "PATH": f"{BIN}:/usr/bin:/bin"},
        )

    def ask(query: str, **variables: object) -> dict:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = Request(f"http://127.0.0.1:{port}/graphql", body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=120) as answer:
            return json.load(answer)["data"]

    def up() -> bool:
        assert process.poll() is None, (root / "webserver.log").read_text()[-2000:]
        try:
            return "version" in ask("{ version }")
        except (URLError, OSError):
            return False

    try:
        wait_for(up)
        yield ask
    finally:
        process.terminate()
        process.wait(120)


@contextmanager
def daemon(root: Path) -> Iterator[None]:
    """Dagster's daemon, which makes the runs of a backfill, on the web server's instance."""
    command = [str(BIN / "dagster-daemon"), "run", "-f", "location.py"]
    environment = os.environ | {"DAGSTER_HOME": str(root / "home"), "PATH": f"{BIN}:/usr/bin:/bin"}
    with (root / "daemon.log").open("w") as log:
        process = subprocess.Popen(command, cwd=root, stdout=log, stderr=log, env=environment)
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(120)


def wait_for(what: Callable[[], object], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


@dataclass
class Served:
    """A deployed playground behind a web server, and the instance that the server writes to."""

    place: Playground
    instance: dg.DagsterInstance
    ask: Callable[..., dict]

    def launch(self, job: str = "__ASSET_JOB", config: dict | None = None, **tags: str) -> str:
        pairs = [{"key": key.replace("__", "/"), "value": value} for key, value in tags.items()]
        answer = self.ask(LAUNCH, location="location.py", job=job, config=config or {}, tags=pairs)
        return answer["launchRun"]["run"]["runId"]

    def end(self, run_id: str) -> dg.DagsterRunStatus:
        """How the run ended; waits for it."""
        wait_for(lambda: self.instance.get_run_by_id(run_id).is_finished)
        return self.instance.get_run_by_id(run_id).status

    def terminate(self, run_id: str) -> dg.DagsterRunStatus:
        assert self.ask(TERMINATE, run=run_id)["terminateRun"]["__typename"] == "TerminateRunSuccess"
        return self.end(run_id)

    def done(self, run_id: str) -> dict[str, str | None]:
        """What the run materialized, and which partition."""
        logs = self.instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        return {".".join(entry.dagster_event.asset_key.path): entry.dagster_event.partition for entry in logs}

    def of_backfill(self, name: str) -> list[str]:
        return [run.run_id for run in self.instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": name}))]

    def intervals(self, run_id: str) -> dict[str, object]:
        """The span of time that a materialization of the run says to have computed, by partition."""
        logs = self.instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        materializations = [entry.dagster_event.step_materialization_data.materialization for entry in logs]
        return {
            materialization.partition: materialization.metadata["sqlmesh/intervals"].value for materialization in materializations
        }

    def readable(self) -> bool:
        """Whether every view can be read; raises when one cannot."""
        return all(self.place.sql(f"SELECT COUNT(*) FROM {name}") for name in [*ALL, *SLOW, "marts.days"])


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Served]:
    """Six models take seconds each once there are many things; all are deployed while there are few."""
    root = tmp_path_factory.mktemp("served")
    with played(root) as place, pytest.MonkeyPatch.context() as patch:
        for name in SLOW:
            path = place.root / "project" / "models" / f"{name}.sql"
            query = "SELECT CAST(SUM(hash(a.id, b.id) % 7) AS BIGINT) AS n FROM raw.things AS a CROSS JOIN raw.things AS b"
            path.write_text(f"MODEL (name {name}, kind FULL, dialect duckdb);\n{query}\n")
        days = "SELECT CAST(@end_date AS DATE) AS day, CAST(COUNT(*) AS BIGINT) AS n FROM raw.others GROUP BY 1"
        place.write("marts.days", "INCREMENTAL_BY_TIME_RANGE (time_column day), start '2026-01-01', end '2026-01-05'", "", days)
        assert place.materialize().success
        with webserver(root) as ask:
            patch.setenv("DAGSTER_HOME", str(root / "home"))
            with dg.DagsterInstance.get() as instance:
                yield Served(place, instance, ask)


def test_a_backfill_of_a_span_of_days_is_offered_and_becomes_a_run_for_each_that_computes_that_day_once(served):
    days = ["2026-01-03", "2026-01-04"]
    served.place.sql("INSERT INTO raw.others VALUES (8)")
    (partitions,) = served.ask(PARTITIONS, location="location.py")["partitionSetsOrError"]["results"]
    assert set(days) < {partition["name"] for partition in partitions["partitionsOrError"]["results"]}
    with daemon(served.place.root):
        asked = served.ask(BACKFILL, location="location.py", names=days, config=IN_PROCESS)["launchPartitionBackfill"]
        wait_for(lambda: len(served.of_backfill(asked["backfillId"])) == len(days))
        ends = [served.end(run_id) for run_id in served.of_backfill(asked["backfillId"])]
    runs = served.of_backfill(asked["backfillId"])
    assert ends == [dg.DagsterRunStatus.SUCCESS] * len(days) == [dg.DagsterRunStatus.SUCCESS] * len(runs)
    computed = sorted(map(served.intervals, runs), key=str)
    assert computed == [{day: f"{day}T00:00+00:00 to {next_day(day)}T00:00+00:00"} for day in days]
    assert set(served.done(runs[0])) == {"marts.days"}
    rows = served.place.sql("SELECT day::VARCHAR, n FROM marts.days ORDER BY day")
    assert rows == [("2026-01-03", 2), ("2026-01-04", 2), ("2026-01-05", 1)]
    served.place.sql("DELETE FROM raw.others WHERE id = 8")


def next_day(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def test_a_failed_run_is_retried_from_its_failure_and_computes_only_what_failed(served):
    served.place.sql("INSERT INTO raw.things VALUES (3, 1000)")
    failed = served.launch(config=IN_PROCESS)
    assert served.end(failed) is dg.DagsterRunStatus.FAILURE
    served.place.sql("DELETE FROM raw.things WHERE id = 3")
    again = served.ask(AGAIN, run=failed)["launchRunReexecution"]["run"]["runId"]
    assert served.end(again) is dg.DagsterRunStatus.SUCCESS
    assert set(served.done(again)) == {"marts.sizes", "marts.total"}
    assert set(served.done(failed)) == {*ALL, *SLOW} - {"marts.sizes", "marts.total"}


def test_a_run_that_waits_for_another_one_can_be_terminated(served):
    with environment_lock(served.place.project, "prod"):
        run_id = served.launch(config=IN_PROCESS)
        wait_for(lambda: served.instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_START))
        assert served.terminate(run_id) is dg.DagsterRunStatus.CANCELED
    assert served.done(run_id) == {}


def test_a_terminated_run_stops_between_two_models_and_the_next_one_ends_right(served, tmp_path):
    served.place.sql("INSERT INTO raw.things SELECT i, 1 FROM range(10, 15000) AS t(i)")
    run_id = served.launch()
    wait_for(lambda: served.done(run_id).keys() & set(SLOW))
    assert served.terminate(run_id) is dg.DagsterRunStatus.CANCELED
    with environment_lock(served.place.project, "prod"):
        done = set(served.done(run_id))
        assert 0 < len(done & set(SLOW)) < len(SLOW)
        assert served.readable()
    attempts = ledger(served.instance, tmp_path, run_id)
    assert {name for name, outcome in attempts.items() if outcome is Outcome.OK} == done
    assert Counter(attempts.values()) == {Outcome.OK: len(done), Outcome.CANCELED: len(ALL) + len(SLOW) - len(done)}
    served.place.sql("DELETE FROM raw.things WHERE id > 100")
    assert served.place.materialize().success
    assert served.place.sql("SELECT total FROM marts.total") == [(3 + 91,)]
    assert len({served.place.sql(f"SELECT n FROM {name}")[0] for name in SLOW}) == 1


def ledger(instance: dg.DagsterInstance, folder: Path, run_id: str) -> dict[str, Outcome]:
    """What the ledger makes of the attempts of a run at the assets that it knows."""
    labels = {name.replace(".", "/"): Label.SQLMESH for name in [*ALL, *SLOW]}
    with Store.open(f"sqlite:///{folder / 'reliability.db'}", "live") as store:
        LedgerFill(instance, store.ledger, labels).run(datetime.now(UTC))
        known = [attempt for attempt in store.attempts() if attempt.run_id == run_id and attempt.label is not None]
        return {attempt.asset.replace("/", "."): attempt.outcome for attempt in known}
