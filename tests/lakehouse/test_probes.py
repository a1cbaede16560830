"""The trino probe and the classes of queries on a real Trino: started, asked, and killed.

Trino's HTTP event listener is a plugin that is not to be had here: the end of each query is what the coordinator itself keeps of
it (`/v1/query/{id}`), which has the error code, type and message that the listener posts, in an event for our receiver.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psutil
import pytest
import requests

from oso_dagster.domain.probes.declaration import TrinoProbe
from oso_dagster.domain.probes.query_outcomes import QueryOutcome, classify
from oso_dagster.domain.probes.slices import Check
from oso_dagster.probes.query_events import end_of
from oso_dagster.probes.trino import TrinoChecker
from oso_dagster.settings.places import PROJECT_ROOT
from tests.lakehouse.conftest import ask

PUBLISHED = frozenset({"gone.projects_v1", "probed.projects_v1", "project_id"})
ENDLESS = "SELECT count(*) FROM UNNEST(sequence(1, 9999)) a(x), UNNEST(sequence(1, 9999)) b(y), UNNEST(sequence(1, 9999)) c(z)"
OF_THE_LAKE = {
    "SELECT 1": ("", QueryOutcome.GOOD),
    "SELECT 1 / 0": ("DIVISION_BY_ZERO", QueryOutcome.USER_ERROR),
    "SELEC 1": ("SYNTAX_ERROR", QueryOutcome.USER_ERROR),
    "SELECT * FROM probed.nothing_of_ours": ("TABLE_NOT_FOUND", QueryOutcome.USER_ERROR),
    "SELECT * FROM nowhere.projects_v1": ("SCHEMA_NOT_FOUND", QueryOutcome.USER_ERROR),
    "SELECT typo FROM (SELECT 1 AS n)": ("COLUMN_NOT_FOUND", QueryOutcome.USER_ERROR),
    "SELECT * FROM probed.projects_v1": ("TABLE_NOT_FOUND", QueryOutcome.UNEXPECTED),
    "SELECT * FROM gone.projects_v1": ("SCHEMA_NOT_FOUND", QueryOutcome.UNEXPECTED),
    "SELECT project_id FROM (SELECT 1 AS n)": ("COLUMN_NOT_FOUND", QueryOutcome.UNEXPECTED),
    "SELECT * FROM probed.broken": ("INVALID_VIEW", QueryOutcome.UNEXPECTED),
}


def page(method: str, url: str, **options: Any) -> dict[str, Any]:
    headers = {"X-Trino-User": "producer", "X-Trino-Catalog": "lake"} | options.pop("headers", {})
    answer = requests.request(method, url, headers=headers, timeout=60, **options)
    document: dict[str, Any] = answer.json() if answer.content else {}
    return document


def run(address: str, query: str, *, session: str = "", pages: int = 10_000) -> tuple[str, str]:
    """Ask as a client does, for so many pages; the query's id, and the address of the next page where there is one."""
    state = page("POST", f"{address}/v1/statement", data=query.encode(), headers={"X-Trino-Session": session})
    while state.get("nextUri") and pages:
        state, pages = page("GET", state["nextUri"]), pages - 1
    return state["id"], state.get("nextUri", "")


def outcome(address: str, query: str) -> tuple[str, QueryOutcome]:
    """The error and the class of a query once it has ended, by way of the event that tells of it."""
    deadline = time.monotonic() + 60
    while (known := page("GET", f"{address}/v1/query/{query}"))["state"] not in {"FINISHED", "FAILED"}:
        assert time.monotonic() < deadline, f"{query} is {known['state']}"
        time.sleep(0.2)
    failure = (
        {"errorCode": known["errorCode"], "failureMessage": known["failureInfo"]["message"]} if "errorCode" in known else None
    )
    event = {
        "metadata": {"queryId": query, "queryState": known["state"]},
        "context": {"user": known["session"]["user"]},
        "failureInfo": failure,
        "endTime": known["queryStats"]["endTime"],
    }
    end = end_of(event)
    assert end is not None
    return end.error, classify(end, PUBLISHED)


@pytest.fixture(scope="module")
def lake(servers: dict[str, str]) -> str:
    """The producer's Trino, with a schema that has a view over nothing."""
    address = servers["lakehouse_trino_url"]
    for statement in (
        "CREATE SCHEMA IF NOT EXISTS probed",
        "CREATE TABLE IF NOT EXISTS probed.base (n integer)",
        "CREATE OR REPLACE VIEW probed.broken AS SELECT n FROM lake.probed.base",
        "DROP TABLE probed.base",
    ):
        ask(address, statement)
    return address.replace("producer@", "")


@pytest.mark.parametrize("query", OF_THE_LAKE)
def test_a_query_is_of_the_class_that_the_service_definition_says(lake: str, query: str) -> None:
    assert outcome(lake, run(lake, query)[0]) == OF_THE_LAKE[query]


@dataclass
class Own:
    """A Trino of this test, which it may kill; `before` are the checks that were made while it started."""

    address: str
    process: psutil.Process
    before: list[Check]

    def check(self) -> Check:
        """One check of the probe."""
        return checked(self.address)


def checked(address: str) -> Check:
    probe = TrinoProbe(name="sql", objective="consumer_trino.availability", url=address)
    return asyncio.run(TrinoChecker(probe).check(datetime.now(UTC)))


@pytest.fixture(scope="module")
def own(servers: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    """Its catalogue's database is away, and it forgets a client that is silent for two seconds."""
    sys.path[:0] = [str(PROJECT_ROOT / ".ci" / "lakehouse"), str(PROJECT_ROOT / ".ci")]
    from background import free_ports  # type: ignore[import-not-found]
    from distribution import java_home, trino_home  # type: ignore[import-not-found]
    from trino_server import Trino, iceberg  # type: ignore[import-not-found]

    port, closed = free_ports(2)
    folder = tmp_path_factory.mktemp("own")
    away = {"host": "127.0.0.1", "port": closed, "database": "lake", "user": "nobody", "password": "-"}
    server = Trino("own", port, 512, iceberg(away, folder, read_only=True), settings={"query.client.timeout": "2s"})
    process = server.start(folder, trino_home(print), java_home())
    address = f"http://127.0.0.1:{port}"
    before: list[Check] = []
    deadline = time.monotonic() + 120
    while not (before and before[-1].good):
        assert time.monotonic() < deadline, before[-1].cause
        before.append(checked(address))
        time.sleep(0.3)
    below = psutil.Process(process.pid).children(recursive=True)
    java = next(child for child in below if "io.trino.server.TrinoServer" in child.cmdline())
    try:
        yield Own(address, java, before)
    finally:
        with suppress(psutil.NoSuchProcess):
            java.send_signal(signal.SIGKILL)
        process.communicate()


def test_a_trino_that_is_starting_is_away_and_then_good(own: Own) -> None:
    causes = {check.cause.split(":")[0] for check in own.before[:-1]}
    assert causes == {"/v1/info"}, {check.cause for check in own.before}
    assert dict(own.before[-1].facts)["version"] == "476"


def test_an_error_within_the_service_and_a_lack_of_room_are_unexpected(own: Own) -> None:
    away = run(own.address, "SELECT * FROM lake.marts.projects_v1")[0]
    assert outcome(own.address, away) == ("GENERIC_INTERNAL_ERROR", QueryOutcome.UNEXPECTED)
    limited = run(own.address, ENDLESS, session="query_max_execution_time=1s")[0]
    assert outcome(own.address, limited) == ("EXCEEDED_TIME_LIMIT", QueryOutcome.UNEXPECTED)


def test_a_query_that_its_user_ended_and_one_that_nobody_fetched_are_kept_apart(own: Own) -> None:
    canceled, following = run(own.address, ENDLESS, pages=2)
    page("DELETE", following)
    assert outcome(own.address, canceled) == ("USER_CANCELED", QueryOutcome.CANCELED)
    abandoned, _ = run(own.address, ENDLESS, pages=1)
    assert outcome(own.address, abandoned) == ("ABANDONED_QUERY", QueryOutcome.ABANDONED)


def test_a_coordinator_that_was_killed_fails_the_next_check(own: Own) -> None:
    assert own.check().good
    own.process.send_signal(signal.SIGKILL)
    own.process.wait(30)
    assert own.check().cause.startswith("/v1/info: ")
