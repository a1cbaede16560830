"""What one request of GraphQL may cost, and whom: never the others, and never what the objective counts."""

from __future__ import annotations

import base64
import json
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import requests

from oso_dagster.serving.graphql import asking, pages
from tests.serving.small_door import SmallDoor, small_door

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SmallDoor, str]]:
    with small_door(tmp_path_factory.mktemp("door")) as small:
        with duckdb.connect(str(small.path)) as connection:
            connection.execute(
                "INSERT INTO sqlmesh__marts.projects__1 SELECT 'q' || lpad(range::VARCHAR, 4, '0'), 'more' FROM range(1500)"
            )
        small.snapshots.refresh()
        with small.served() as address:
            yield small, address


def ask(address: str, query: str, **body: Any) -> requests.Response:
    return requests.post(f"{address}/graphql", data=json.dumps({"query": query, **body}), timeout=60)


def longest_wait(address: str, ended: threading.Event) -> float:
    """How long others waited for an answer, at worst, until the end of something."""
    longest = 0.0
    while not ended.is_set():
        begun = time.monotonic()
        requests.get(f"{address}/health", timeout=60)
        longest = max(longest, time.monotonic() - begun)
        time.sleep(0.02)
    return longest


def test_aliases_of_fragments_end_soon_and_hold_up_nobody(served: tuple[SmallDoor, str]) -> None:
    fields = " ".join(f"b{number}: projectName" for number in range(200))
    aliases = " ".join(f"a{number}: project {{ ...f }}" for number in range(200))
    query = f"{{ metricsV0(first: 1000) {{ nodes {{ {aliases} }} }} }} fragment f on ProjectsV1 {{ {fields} }}"
    answers: list[requests.Response] = []
    ended = threading.Event()

    def work() -> None:
        answers.append(ask(served[1], query))
        ended.set()

    asking = threading.Thread(target=work)
    asking.start()
    longest = longest_wait(served[1], ended)
    asking.join()
    assert answers[0].status_code == 400
    assert "more than 500,000 values" in answers[0].json()["errors"][0]["message"]
    assert longest < 5  # of a busy machine; it was as long as the request, which took minutes


def test_what_a_field_is_asked_for_with_is_understood_once(served: tuple[SmallDoor, str]) -> None:
    query = (
        "query($w: MetricsV0Filter) { projectsV1(first: 1000) { nodes { metricsV0(first: 1, where: $w) { nodes { amount } } } } }"
    )
    begun = time.process_time()
    answer = ask(served[1], query, variables={"w": {"projectId": {"in": [f"p{number}" for number in range(1000)]}}})
    assert answer.status_code == 200, answer.text
    assert time.process_time() - begun < 5  # 1,000 times it took twice as much


def test_more_ids_than_one_statement_takes_are_asked_for_in_several(
    served: tuple[SmallDoor, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (pages, asking):
        monkeypatch.setattr(module, "MOST_VALUES", 100)
    query = "{ projectsV1(first: 1000) { nodes { projectId metricsV0(first: 1) { nodes { amount } } } } }"
    answer = ask(served[1], query)
    assert answer.status_code == 200, answer.text
    nodes = answer.json()["data"]["projectsV1"]["nodes"]
    assert all(len(node["metricsV0"]["nodes"]) == (node["projectId"][0] == "p") for node in nodes)
    assert len(nodes) == 1000


def cursor(values: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(["projectsV1", [["project_id", False]], values]).encode()).decode()


BY_ID = "query($i: String) { projectsV1(where: {projectId: {eq: $i}}) { nodes { projectId } } }"
DEEP: dict[str, Any] = {"projectId": {"eq": "p1"}}
for _ in range(120):
    DEEP = {"not": DEEP}


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("{ metricsV0(where: {sampleDate: {eq: 5}}) { nodes { projectId } } }", {}),
        ("query($d: DateTime) { metricsV0(where: {at: {eq: $d}}) { nodes { projectId } } }", {"variables": {"d": [1]}}),
        ("query($a: String) { projectsV1(after: $a) { nodes { projectId } } }",
         {"variables": {"a": base64.urlsafe_b64encode(b"[" * 100_000).decode()}}),
        ("query($a: String) { projectsV1(after: $a) { nodes { projectId } } }", {"variables": {"a": cursor(["\ud800"])}}),
        ("query($w: ProjectsV1Filter) { projectsV1(where: $w) { nodes { projectId } } }", {"variables": {"w": DEEP}}),
        (BY_ID, {"variables": {"i": "\ud800"}}),
        (BY_ID, {"variables": {"i": None}}),
        ("query A { projectsV1 { nodes { projectId } } }", {"operationName": "\ud800"}),
    ],
)  # fmt: skip
def test_nothing_that_a_user_sends_counts_as_a_failure_of_ours(
    served: tuple[SmallDoor, str], query: str, body: dict[str, Any]
) -> None:
    answer = ask(served[1], query, **body)
    assert answer.status_code == 400, answer.text
    assert {error["extensions"]["class"] for error in answer.json()["errors"]} == {"user"}
    assert served[0].door.outcomes.total["unexpected"] == 0


def test_a_day_that_python_does_not_have_is_a_refusal(tmp_path: Path) -> None:
    with small_door(tmp_path) as small:
        with duckdb.connect(str(small.path)) as connection:
            connection.execute("UPDATE sqlmesh__marts.metrics__1 SET sample_date = DATE '12026-01-01' WHERE project_id = 'p1'")
        small.snapshots.refresh()
        with small.served() as address:
            answer = ask(address, '{ metricsV0(where: {projectId: {eq: "p1"}}) { nodes { sampleDate } } }')
    assert answer.status_code == 400
    assert "has no place for a value" in answer.json()["errors"][0]["message"]


def test_the_library_does_not_record_what_users_do_wrong(served: tuple[SmallDoor, str]) -> None:
    assert ask(served[1], "{ nothing }").status_code == 400
    assert not logging.getLogger("oso_dagster.serving.graphql.library").isEnabledFor(logging.ERROR)


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_no_page_is_lost_behind_a_number_that_json_does_not_have(tmp_path: Path, direction: str) -> None:
    with small_door(tmp_path) as small:
        with duckdb.connect(str(small.path)) as connection:
            connection.execute("DELETE FROM sqlmesh__marts.metrics__1 WHERE sample_date > '2026-01-02'")
            connection.execute("UPDATE sqlmesh__marts.metrics__1 SET amount = 'inf'::DOUBLE WHERE project_id = 'p8'")
            connection.execute("UPDATE sqlmesh__marts.metrics__1 SET amount = NULL WHERE project_id = 'p9'")
        small.snapshots.refresh()
        with small.served() as address:
            seen: list[tuple[str, str]] = []
            after, more = None, True
            order = f"[{{column: amount, direction: {direction}}}]"
            where = '{projectId: {like: "p_"}}'
            query = f"""query($a: String) {{ metricsV0(first: 1, after: $a, orderBy: {order}, where: {where}) {{
                nodes {{ projectId sampleDate }} pageInfo {{ hasNextPage endCursor }} }} }}"""
            while more:
                page = ask(address, query, variables={"a": after}).json()["data"]["metricsV0"]
                seen += [(node["projectId"], node["sampleDate"]) for node in page["nodes"]]
                after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert len(seen) == len(set(seen)) == 20


def test_a_table_that_is_not_made_yet_is_to_be_asked_for_again_later(served: tuple[SmallDoor, str]) -> None:
    answer = ask(served[1], "{ absentV0 { nodes { projectId } } projectsV1(first: 1) { nodes { projectId } } }")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
