"""Dagster's real pages behind the filter, in a real browser; and what the webserver would say to an attacker without it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser
from starlette.applications import Starlette

from oso_dagster.serving.lineage.filter import Lineage
from tests.support.asgi import serving
from tests.support.browser import ARTIFACTS, chromium

__all__ = ["chromium"]
pytestmark = pytest.mark.browser

DEFINITIONS = """
import dagster as dg

@dg.asset(group_name="raw")
def upstream(): return dg.MaterializeResult(metadata={"where": dg.MetadataValue.path("/home/someone/secret.txt")})

@dg.asset(deps=[upstream], group_name="marts", description="A mart.")
def downstream(): return dg.MaterializeResult(metadata={"rows": 5})

@dg.asset_check(asset=downstream)
def has_rows(): return dg.AssetCheckResult(passed=True, metadata={"rows": 5})

@dg.asset(group_name="raw")
def broken(): raise ValueError("the password is hunter2")

defs = dg.Definitions(assets=[upstream, downstream, broken], asset_checks=[has_rows])

if __name__ == "__main__":
    with dg.DagsterInstance.get() as instance:
        for assets in ([upstream, downstream, has_rows], [broken]):
            dg.materialize(assets, instance=instance, raise_on_error=False, run_config={"ops": {}})
"""


@pytest.fixture(scope="module")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The webserver itself, with two runs behind it; its address."""
    home = tmp_path_factory.mktemp("dagster")
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    (home / "definitions.py").write_text(DEFINITIONS)
    environment = {**os.environ, "DAGSTER_HOME": str(home)}
    subprocess.run([sys.executable, "definitions.py"], cwd=home, env=environment, check=True, capture_output=True)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "dagster_webserver", "--read-only", "--path-prefix", "/lineage", "-h", "127.0.0.1"]
    with (home / "web.log").open("w") as log:
        server = subprocess.Popen(
            [*command, "-p", str(port), "-f", "definitions.py"], cwd=home, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        _wait(f"http://127.0.0.1:{port}/lineage/server_info", home / "web.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait(address: str, log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with suppress(requests.ConnectionError):
            if requests.get(address, timeout=5).ok:
                return
        time.sleep(0.2)
    raise AssertionError(log.read_text()[-2_000:])


@pytest.fixture(scope="module")
def lineage(dagster: str) -> Iterator[str]:
    with serving(Starlette(routes=Lineage(dagster).routes())) as address:
        yield address


def ask(address: str, query: str) -> requests.Response:
    return requests.post(f"{address}/lineage/graphql", json={"query": query}, timeout=30)


FAILED_RUN = """{ runsOrError(filter: {statuses: [FAILURE]}) { ... on Runs { results { runId runConfigYaml status } } } }"""


def test_the_pages_of_lineage_catalogue_asset_checks_plots_and_runs_load_without_an_error(
    lineage: str, chromium: Browser
) -> None:
    run = ask(lineage, FAILED_RUN).json()["data"]["runsOrError"]["results"][0]["runId"]
    pages = {
        "/asset-groups?expanded=global": "marts",
        "/assets": "downstream",
        "/assets/downstream": "A mart.",
        "/assets/downstream?view=checks": "has_rows",
        "/assets/downstream?view=events": "rows",
        "/runs": run[:8],
        f"/runs/{run}": run[:8],
    }
    ARTIFACTS.mkdir(exist_ok=True)
    with chromium.new_context(viewport={"width": 1400, "height": 900}) as context:
        tab = context.new_page()
        complaints: list[str] = []
        tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("response", lambda answer: complaints.append(answer.url) if answer.status in {403, 405, 413, 502} else None)
        for path, expected in pages.items():
            tab.goto(f"{lineage}/lineage{path}")
            tab.get_by_text(expected).first.wait_for(timeout=20_000)
            tab.wait_for_timeout(300)
            name = path.split("?")[0].strip("/").replace("/", "-")[:30]
            tab.screenshot(path=ARTIFACTS / f"lineage-{name}.png")
        assert [text for text in complaints if "favicon" not in text and "404" not in text] == []


def test_an_attacker_gets_nothing_that_the_webserver_itself_would_give(dagster: str, lineage: str) -> None:
    questions = [
        "{ instance { info executablePath } }",
        '{ logsForRun(runId: "x") { __typename } }',
        "{ __schema { queryType { name } } }",
        "mutation { wipeAssets(assetPartitionRanges: []) { __typename } }",
    ]
    for question in questions:
        assert ask(dagster, question).status_code == 200, question  # the webserver alone answers
        assert ask(lineage, question).status_code == 403, question
    assert "/home/someone" in ask(dagster, PATHS).text
    assert "/home/someone" not in ask(lineage, PATHS).text
    assert ask(lineage, FAILED_RUN).json()["data"]["runsOrError"]["results"][0]["runConfigYaml"] == ""
    for path in ("graphql?query={version}", "graphiql", "logs/x/1", "download_debug/x", "notebook", "report_asset_check/x",
                 "%2e%2e/x", "GRAPHQL"):  # fmt: skip
        assert requests.get(f"{lineage}/lineage/{path}", timeout=30).status_code in {403, 404, 405}, path
    assert requests.post(f"{lineage}/lineage/report_asset_materialization/a", timeout=30).status_code == 405
    batch = requests.post(f"{lineage}/lineage/graphql", json=[{"query": "{ instance { info } }"}], timeout=30)
    assert batch.status_code == 400


PATHS = """{ assetNodes { assetMaterializations(limit: 1) { metadataEntries { ... on PathMetadataEntry { path } } } } }"""
