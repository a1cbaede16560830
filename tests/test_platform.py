"""The whole thing, as a newcomer meets it: the README's commands, the demo, Dagster's page, the lineage."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import duckdb
import pytest
from playwright.sync_api import Browser

from oso_dagster.domain.catalogue.source import Stability
from oso_dagster.domain.due.cadence import jobs_of
from oso_dagster.domain.objectives.attempts import Outcome
from oso_dagster.reliability.store import Store
from oso_dagster.sandbox import disk
from oso_dagster.sandbox.discord.message_store import ALERTS
from oso_dagster.sandbox.families import invents
from oso_dagster.settings import PROJECT_ROOT
from oso_dagster.sources import catalogue
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from tests.pictures import lineage
from tests.sqlmesh_project.reference_metrics import computed_metrics, different_metrics
from tests.support.browser import ARTIFACTS, chromium
from tests.support.clock import clock
from tests.support.platform import BIN, as_written, dev, left_running, run

pytestmark = pytest.mark.server

__all__ = ["chromium"]

README = (PROJECT_ROOT / "README.md").read_text()
AFTER_INGESTION = ("measure_coverage", "transform", "evaluate_slos", "publish_status")
INVENTED = [source for source in catalogue() if invents(source)]
JOBS = {job.name for source in INVENTED for job in jobs_of(source)} | {*AFTER_INGESTION}
CORE_TABLES = sum(len(source.tables) for source in INVENTED if source.stability is Stability.CORE)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which `make demo` was run once."""
    folder = tmp_path_factory.mktemp("a home with spaces") / "oso"
    done = run(["make", "demo"], folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "said.txt").write_text(done.stdout)
    return folder


@pytest.fixture(scope="module")
def dagster(home: Path) -> Iterator[str]:
    with dev(home) as address:
        yield address


def ask(address: str, query: str) -> Any:
    body = json.dumps({"query": query}).encode()
    with urlopen(Request(f"{address}/graphql", body, {"Content-Type": "application/json"}), timeout=60) as answer:
        content = json.load(answer)
    assert "errors" not in content, content
    return content["data"]


def runs_of(address: str) -> list[dict[str, str]]:
    """The newest runs."""
    query = "{ runsOrError(limit: 50) { ... on Runs { results { runId status } } } }"
    runs: list[dict[str, str]] = ask(address, query)["runsOrError"]["results"]
    return runs


def ended(address: str, run: str) -> str:
    """How the run whose id begins so ended, once it has."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        (status,) = [entry["status"] for entry in runs_of(address) if entry["runId"].startswith(run)]
        if status in {"SUCCESS", "FAILURE", "CANCELED"}:
            return str(status)
        time.sleep(0.3)
    raise AssertionError(f"{run} has not ended: {status}")


def test_the_demo_loads_exactly_the_truth_of_the_sandbox(home: Path) -> None:
    manifest = disk.read(home / "sandbox-world" / "world")
    assert manifest is not None
    by_day = {f"{source.name}.{table.name}" for source in catalogue() for table in source.tables if table.partitions}
    retired = tuple(f"{source.name}." for source in catalogue() if source.retired)
    expected = {name: rows for name, rows in manifest.counts.items() if name not in by_day and not name.startswith(retired)}
    with duckdb.connect(str(home / "sandbox" / "warehouse.duckdb"), read_only=True) as connection:
        counts = {name: connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0] for name in expected}
        of_directory = "FROM marts.projects_by_collection_v1 WHERE collection_source = 'OSS_DIRECTORY'"
        pairs = set(connection.execute(f"SELECT collection_name, project_name {of_directory}").fetchall())
        projects = dict(connection.execute("SELECT project_source, count(*) FROM marts.projects_v1 GROUP BY 1").fetchall())
        kept = connection.execute("SELECT count(*) FROM op_atlas.project WHERE deleted_at IS NULL").fetchall()[0][0]
    assert counts == expected
    assert pairs == manifest.world().memberships()
    assert projects == {"OSS_DIRECTORY": len(manifest.world().projects), "OP_ATLAS": kept}


def test_every_metric_of_the_whole_sandbox_equals_a_calculation_in_python(home: Path) -> None:
    with duckdb.connect(str(home / "sandbox" / "warehouse.duckdb"), read_only=True) as connection:
        assert len(computed_metrics(connection)) > 100_000
        assert different_metrics(connection) == {}


def test_the_demo_shows_what_was_loaded_and_where_to_look(home: Path) -> None:
    output = (home / "said.txt").read_text()
    for words in (
        "oss_directory",
        "funding_data",
        "fresh",
        "compliant",
        "make dev",
        (home / "sandbox/status/index.html").as_uri(),
    ):
        assert words in output
    assert re.search(r"the sprint is closed\n +✔ RECOVERED: Remedial sprint of core_source_data.data_freshness", output)
    assert "The sprint was one message, edited 2 times" in output
    assert "Remedial sprint" in (home / "sandbox" / "discord.html").read_text()
    page = (home / "sandbox" / "status" / "index.html").read_text()
    assert "Sandbox world" in page
    assert "data/oss_directory.html" in page
    assert "oss_directory/projects" in (home / "sandbox" / "status" / "data" / "oss_directory.html").read_text()


def test_the_incident_of_the_demo_is_not_one_of_the_platform(home: Path) -> None:
    with Store.open(f"sqlite:///{home / 'sandbox' / 'reliability.db'}", "sandbox") as store:
        assert {attempt.outcome for attempt in store.attempts()} <= {Outcome.OK, Outcome.NOT_EMITTED}
        assert (store.incidents.standing(), store.sprints.newest(), store.outbox.counts()) == ([], {}, {})
        assert max(verdict.evaluated_at for verdict in store.latest_verdicts()) <= datetime.now(UTC)


def test_every_objective_has_data_after_the_demo_but_those_of_a_cluster_which_say_why(home: Path) -> None:
    with Store.open(f"sqlite:///{home / 'sandbox' / 'reliability.db'}", "sandbox") as store:
        judged = {f"{row.service}.{row.objective}": (row.good, row.valid) for row in store.latest_verdicts()}
    empty = {name for name, (_, valid) in judged.items() if not valid}
    assert empty == {"kubernetes.availability", "kubernetes.flux_availability"}
    assert judged["consumer_trino.queries"] == judged["consumer_trino.availability"] == (1, 1)
    assert "the sandbox world has no cluster" in (home / "sandbox" / "status" / "index.html").read_text()


def test_the_demo_leaves_no_server_behind(home: Path) -> None:
    assert [name for name in left_running(home) if "sandbox" in name] == []


def test_the_demo_can_be_run_again(home: Path, tmp_path: Path) -> None:
    done = run(["make", "demo"], home)
    assert done.returncode == 0, done.stdout + done.stderr
    verdict = re.search(r"core_source_data.materialization_reliability +compliant.*\n +([\d,]+) of ([\d,]+)", done.stdout)
    assert verdict is not None
    assert verdict[1] == verdict[2]
    assert int(verdict[1].replace(",", "")) >= 2 * CORE_TABLES  # each whole table a second time, and each partition once
    assert "every partition that upstream has is there" in done.stdout


def test_the_commands_of_the_page_on_loading_by_hand_load(home: Path) -> None:
    (block,) = re.findall(r"```console\n(.*?)```", (PROJECT_ROOT / "docs" / "by-hand.md").read_text(), re.DOTALL)
    script = block.replace("$ ", "").replace("$PWD/.oso", "$OSO_HOME")
    for written, days in (("2026-03-01", 6), ("2026-03-03", 4)):
        assert written in script
        script = script.replace(written, f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%d}")
    done = run(["sh", "-ec", script], home)
    assert done.returncode == 0, done.stdout + done.stderr
    output = done.stdout + done.stderr
    assert output.count(" RUN_SUCCESS ") == 2
    assert output.count(" ASSET_MATERIALIZATION ") == 4  # a whole table, and three partitions


def test_dagster_shows_the_runs_of_the_demo_apart_and_every_schedule_running(dagster: str) -> None:
    data = ask(
        dagster,
        """{ runsOrError { ... on Runs { results { jobName status } } }
             repositoriesOrError { ... on RepositoryConnection { nodes {
                 schedules { pipelineName scheduleState { status } } } } } }""",
    )
    runs = {(run["jobName"], run["status"]) for run in data["runsOrError"]["results"]}
    assert runs >= {(job, "SUCCESS") for job in JOBS}
    (location,) = data["repositoriesOrError"]["nodes"]
    schedules = {schedule["pipelineName"]: schedule["scheduleState"]["status"] for schedule in location["schedules"]}
    assert set(schedules) == JOBS | {job.name for source in catalogue() if not source.retired for job in jobs_of(source)}
    assert set(schedules.values()) == {"RUNNING"}


@pytest.mark.browser
def test_the_lineage_shows_every_layer_as_one_picture(dagster: str, chromium: Browser) -> None:
    lineage(chromium, dagster, ARTIFACTS / "lineage.png").close()


@pytest.mark.browser
def test_materialize_on_the_page_of_an_asset_lands_its_rows_in_the_warehouse(dagster: str, home: Path, chromium: Browser) -> None:
    warehouse = DuckDBWarehouse(
        home / "sandbox" / "warehouse.duckdb", world="sandbox", cache=home, lock_timeout_seconds=60, clock=clock
    )
    before = warehouse.last_load("l2beat", "projects")
    page = chromium.new_page()
    page.goto(f"{dagster}/assets/l2beat/projects")
    page.get_by_role("button", name=re.compile("Materialize$")).click(timeout=60_000)
    launched = page.get_by_text(re.compile(r"^Launched run"))
    launched.wait_for(timeout=60_000)
    run = launched.inner_text().split()[2]
    assert ended(dagster, run) == "SUCCESS"
    page.goto(f"{dagster}/assets/l2beat/projects?view=events")
    page.get_by_role("link", name=run).first.wait_for(timeout=60_000)
    page.close()
    after = warehouse.last_load("l2beat", "projects")
    assert before is not None
    assert after is not None
    assert after.loaded_at > before.loaded_at
    assert after.rows == before.rows


@pytest.mark.browser
def test_a_load_that_is_terminated_on_the_page_of_its_run_ends_and_publishes_nothing(
    dagster: str, home: Path, chromium: Browser
) -> None:
    path = home / "sandbox" / "warehouse.duckdb"
    warehouse = DuckDBWarehouse(path, world="sandbox", cache=home, lock_timeout_seconds=60, clock=clock)
    before = warehouse.last_load("growthepie", "fundamentals")
    hung = run(["oso", "sandbox", "fault", "set", "growthepie", "timeout", "--seconds", "8"], home, OSO_WORLD="sandbox")
    assert hung.returncode == 0, hung.stdout + hung.stderr
    page = chromium.new_page()
    try:
        page.goto(f"{dagster}/assets/growthepie/fundamentals")
        page.get_by_role("button", name=re.compile("Materialize$")).click(timeout=60_000)
        launched = page.get_by_text(re.compile(r"^Launched run"))
        launched.wait_for(timeout=60_000)
        begin = launched.inner_text().split()[2]
        (name,) = {entry["runId"] for entry in runs_of(dagster) if entry["runId"].startswith(begin)}
        page.goto(f"{dagster}/runs/{name}")
        page.get_by_text("STEP_START").first.wait_for(timeout=60_000)
        page.get_by_role("button", name="Terminate").click()
        page.get_by_role("dialog").get_by_role("button", name=re.compile("Terminate")).click()
        assert ended(dagster, name) == "CANCELED"
    finally:
        page.close()
        run(["oso", "sandbox", "fault", "clear"], home, OSO_WORLD="sandbox")
    assert warehouse.last_load("growthepie", "fundamentals") == before


def commands() -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    lines = [line for block in blocks for line in re.sub(r"\n(?!\$ )", " ", block).splitlines()]
    return [line.removeprefix("$ ").split("#")[0].strip() for line in lines]


@pytest.mark.parametrize("command", commands())
def test_every_command_of_the_readme_works(home: Path, command: str) -> None:
    if command == "make demo":  # it made this home
        assert (home / "said.txt").read_text()
        return
    # `make test` is this very run: make must know it.
    done = run(["make", "--dry-run", "test"], home) if command == "make test" else as_written(command, home)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_query_of_the_readme_answers(home: Path) -> None:
    (command,) = (command for command in commands() if "oso sql" in command)
    assert len(json.loads(as_written(f"{command} --json", home).stdout)) == 5


def test_a_taken_port_is_one_line(home: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run(["oso", "dev"], home, OSO_WORLD="sandbox", OSO_WEBSERVER_PORT=str(taken.getsockname()[1]))
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "is taken" in line
    assert "OSO_WEBSERVER_PORT=" in line


def test_a_bad_setting_is_one_line(home: Path) -> None:
    done = run(["oso", "demo"], home, OSO_PROFILE="cloud")
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("oso: OSO_PROFILE: ")


def test_the_address_of_a_webhook_stands_in_no_file_but_the_one_that_gives_it(dagster: str, home: Path) -> None:
    tried = run([str(BIN / "oso"), "alerts", "test"], home, OSO_WORLD="sandbox")
    assert tried.returncode == 0, tried.stdout + tried.stderr
    files = {path for path in home.rglob("*") if path.is_file() and path.stat().st_size < 50_000_000}
    holding = {path.relative_to(home).as_posix() for path in files if ALERTS.token.encode() in path.read_bytes()}
    assert holding == {"sandbox-world/endpoints.json"}
    assert ALERTS.token not in tried.stdout + tried.stderr
