"""A run that Dagster's web server launched and terminates: it stops between two models, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import dagster as dg
import pytest

from oso_dagster.domain.attempts import Label, Outcome
from oso_dagster.orchestration.ledger import LedgerFill
from oso_dagster.orchestration.sqlmesh_assets.lock import environment_lock
from oso_dagster.reliability.store import Store
from tests.platform import BIN
from tests.transform.conftest import Playground
from tests.transform.test_materializing import ALL

SLOW = [f"marts.slow_{number}" for number in range(6)]
LOCATION = """
from pathlib import Path
from oso_dagster.orchestration.sqlmesh_assets import Project, sqlmesh_definitions
database = {{name: {{"type": "duckdb", "database": "{root}/" + file}}
            for name, file in (("connection", "warehouse.duckdb"), ("state_connection", "state.duckdb"))}}
defs = sqlmesh_definitions(
    Project(Path("{root}/project"), "here", "duckdb", Path("{root}/cache"), recompute_whole=True, connections=database)
)
"""
LAUNCH = """mutation($location: String!) { launchRun(executionParams: {mode: "default", selector: {
  repositoryLocationName: $location, repositoryName: "__repository__", pipelineName: "__ASSET_JOB"}})
  { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
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

    def ask(query: str, **variables: str) -> dict:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = Request(f"http://127.0.0.1:{port}/graphql", body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=30) as answer:
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
        process.wait(60)


def wait_for(what: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


@pytest.fixture
def slow(playground) -> Playground:
    """Six models that take seconds each once there are many things; all are deployed while there are few."""
    for name in SLOW:
        path = playground.root / "project" / "models" / f"{name}.sql"
        query = "SELECT CAST(SUM(hash(a.id, b.id) % 7) AS BIGINT) AS n FROM raw.things AS a CROSS JOIN raw.things AS b"
        path.write_text(f"MODEL (name {name}, kind FULL, dialect duckdb);\n{query}\n")
    assert playground.materialize().success
    playground.sql("INSERT INTO raw.things SELECT i, 1 FROM range(10, 15000) AS t(i)")
    return playground


def test_a_terminated_run_stops_between_two_models_and_the_next_one_ends_right(slow, tmp_path, monkeypatch):
    with webserver(slow.root) as ask:
        launched = ask(LAUNCH, location="location.py")["launchRun"]
        run_id = launched["run"]["runId"]
        monkeypatch.setenv("DAGSTER_HOME", str(slow.root / "home"))
        with dg.DagsterInstance.get() as instance:

            def done() -> set[str]:
                logs = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
                return {".".join(entry.dagster_event.asset_key.path) for entry in logs}

            wait_for(lambda: done() & set(SLOW))
            assert ask(TERMINATE, run=run_id)["terminateRun"]["__typename"] == "TerminateRunSuccess"
            wait_for(lambda: instance.get_run_by_id(run_id).is_finished)
            assert instance.get_run_by_id(run_id).status is dg.DagsterRunStatus.CANCELED
            with environment_lock(slow.project, "prod"):
                assert 0 < len(done() & set(SLOW)) < len(SLOW)
            attempts = ledger(instance, tmp_path)
            assert {name for name, outcome in attempts.items() if outcome is Outcome.OK} == done()
            assert Counter(attempts.values()) == {Outcome.OK: len(done()), Outcome.CANCELED: len(ALL) + len(SLOW) - len(done())}
    slow.sql("DELETE FROM raw.things WHERE id > 100")
    assert slow.materialize().success
    assert slow.sql("SELECT total FROM marts.total") == [(3 + 91,)]
    assert len({slow.sql(f"SELECT n FROM {name}")[0] for name in SLOW}) == 1


def ledger(instance: dg.DagsterInstance, folder: Path) -> dict[str, Outcome]:
    """What the ledger makes of the attempts."""
    labels = {name.replace(".", "/"): Label.SQLMESH for name in [*ALL, *SLOW]}
    with Store.open(f"sqlite:///{folder / 'reliability.db'}", "live") as store:
        LedgerFill(instance, store.ledger, labels).run(datetime.now(UTC))
        return {one.asset.replace("/", "."): one.outcome for one in store.attempts()}
