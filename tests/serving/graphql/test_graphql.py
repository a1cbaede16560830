"""GraphQL over HTTP: pages, filters, cursors, relations, what is refused and how."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import requests
from graphql import build_client_schema, get_introspection_query

from oso_dagster.serving.limits import KeyLimits
from tests.serving.small_door import NOW, SmallDoor, small_door

pytestmark = pytest.mark.server
METRICS = "nodes { projectId sampleDate amount at } pageInfo { hasNextPage endCursor }"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SmallDoor, str]]:
    with small_door(tmp_path_factory.mktemp("door")) as small, small.served() as address:
        yield small, address


@pytest.fixture(scope="module")
def address(served: tuple[SmallDoor, str]) -> str:
    return served[1]


def ask(address: str, query: str, headers: dict[str, str] | None = None, **variables: Any) -> requests.Response:
    return requests.post(f"{address}/graphql", json={"query": query, "variables": variables}, headers=headers, timeout=60)


def data(address: str, query: str, **variables: Any) -> Any:
    answer = ask(address, query, **variables)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def rows(served: tuple[SmallDoor, str], query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(served[0].path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def every_page(address: str, arguments: str, size: int) -> list[dict[str, Any]]:
    """All nodes of metricsV0 with these arguments, page by page."""
    nodes: list[dict[str, Any]] = []
    after = None
    while True:
        query = f"query($after: String) {{ metricsV0({arguments}, first: {size}, after: $after) {{ {METRICS} }} }}"
        page = data(address, query, after=after)["metricsV0"]
        nodes += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return nodes
        after = page["pageInfo"]["endCursor"]


@pytest.mark.parametrize(
    ("arguments", "order"),
    [
        ('where: {sampleDate: {gte: "2026-04-08"}}', "project_id, sample_date"),
        ('where: {sampleDate: {gte: "2026-04-08"}}, orderBy: [{column: amount, direction: DESC}]', "amount DESC"),
        ('where: {sampleDate: {gte: "2026-04-08"}}, orderBy: [{column: at}, {column: sampleDate, direction: DESC}]',
         '"at", sample_date DESC, project_id'),
    ],
)  # fmt: skip
def test_the_pages_of_an_order_are_all_rows_each_once(served: tuple[SmallDoor, str], arguments: str, order: str) -> None:
    nodes = every_page(served[1], arguments, 250)
    expected = rows(
        served, f"SELECT project_id, sample_date FROM marts.metrics_v0 WHERE sample_date >= '2026-04-08' ORDER BY {order}"
    )
    assert [(node["projectId"], node["sampleDate"]) for node in nodes] == [(row[0], str(row[1])) for row in expected]
    assert len(nodes) == 900


def test_missing_values_come_last_in_either_direction_and_no_page_loses_them(tmp_path: Path) -> None:
    with small_door(tmp_path) as small:
        with duckdb.connect(str(small.path)) as connection:
            connection.execute("UPDATE sqlmesh__marts.metrics__1 SET amount = NULL WHERE project_id IN ('p1', 'p2', 'p3')")
            connection.execute("UPDATE sqlmesh__marts.metrics__1 SET amount = 1 WHERE project_id IN ('p4', 'p5')")
        small.snapshots.refresh()
        with small.served() as address:
            for direction in ("ASC", "DESC"):
                where = 'where: {projectId: {in: ["p1", "p2", "p3", "p4", "p5"]}, sampleDate: {lt: "2026-01-04"}}'
                nodes = every_page(address, f"{where}, orderBy: [{{column: amount, direction: {direction}}}]", 2)
                assert [node["projectId"] for node in nodes] == [p for p in ("p4", "p5", "p1", "p2", "p3") for _ in range(3)]


def test_filters_mean_what_they_say(address: str) -> None:
    def names(where: str) -> list[str]:
        return [
            node["projectId"]
            for node in data(address, f"{{ projectsV1(where: {where}) {{ nodes {{ projectId }} }} }}")["projectsV1"]["nodes"]
        ]

    assert names('{projectName: {eq: "name-7"}}') == ["p7"]
    assert names('{projectName: {like: "name-29_"}, not: {projectId: {eq: "p290"}}}') == [f"p29{digit}" for digit in range(1, 10)]
    assert names('{or: [{projectId: {eq: "p1"}}, {and: [{projectId: {in: ["p2", "p3"]}}, {projectId: {neq: "p3"}}]}]}') == [
        "p1",
        "p2",
    ]
    assert names("{projectId: {isNull: true}}") == names("{projectId: {in: []}}") == names("{or: []}") == []
    assert names("""{projectName: {eq: "x' OR 1 = 1; DROP TABLE projects_v1 --"}}""") == []
    assert len(names("{}")) == 100


def test_numbers_that_json_does_not_have_are_null_and_instants_are_utc(address: str) -> None:
    (node,) = data(address, f'{{ metricsV0(where: {{projectId: {{eq: "p7"}}}}, first: 1) {{ {METRICS} }} }}')["metricsV0"][
        "nodes"
    ]
    assert node == {"projectId": "p7", "sampleDate": "2026-01-01", "amount": None, "at": "2026-01-01T12:00:00+00:00"}


def test_ids_lead_to_rows_and_back_by_one_statement_a_field(served: tuple[SmallDoor, str]) -> None:
    query = """{ projectsV1(orderBy: [{column: projectId, direction: DESC}], first: 50) { nodes { projectId
      metricsV0(first: 2, orderBy: [{column: sampleDate, direction: DESC}], where: {amount: {gt: 5}}) {
        nodes { sampleDate project { projectName } } pageInfo { hasNextPage endCursor } } } } }"""
    nodes = data(served[1], query)["projectsV1"]["nodes"]  # 50 projects: more than 20 statements were refused
    assert nodes[0] == {
        "projectId": "p99",
        "metricsV0": {
            "nodes": [{"sampleDate": day, "project": {"projectName": "name-99"}} for day in ("2026-04-10", "2026-04-09")],
            "pageInfo": {"hasNextPage": True, "endCursor": nodes[0]["metricsV0"]["pageInfo"]["endCursor"]},
        },
    }
    assert [len(node["metricsV0"]["nodes"]) for node in nodes] == [2] * 50


def test_an_answer_says_what_is_known_of_its_tables(address: str) -> None:
    answer = ask(address, "{ metricsV0(first: 1) { nodes { project { projectName } } } }")
    known = {entry["table"]: entry for entry in json.loads(answer.headers["X-OSO-Provenance"])["tables"]}
    assert known.keys() == {"marts.metrics_v0", "marts.projects_v1"}
    assert known["marts.metrics_v0"]["taintedBy"] == ["npm"]
    assert answer.headers["X-OSO-World"] == "sandbox"


ENTRY = "{ projectsV1 { nodes { projectId } } }"
DEEP = f"{{ projectsV1 {{ nodes {{ {'metricsV0 { nodes { project { ' * 6} projectId {'} } } ' * 6} }} }} }}"
LISTS = "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }"
CIRCLE = "{ projectsV1 { nodes { ...a } } } fragment a on ProjectsV1 { ...b } fragment b on ProjectsV1 { ...a }"
MANY = "{ " + " ".join(f"a{number}: projectsV1(first: 1) {{ nodes {{ projectId }} }}" for number in range(21)) + " }"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ projectsV1 { nodes { secret } } }", "Cannot query field 'secret'"),
        ("{ entries { nodes { entry } } }", "Cannot query field 'entries'"),
        ("mutation { drop }", "not configured to execute mutation"),
        ("{ projectsV1(first: 1001) { nodes { projectId } } }", "first is from 1 to 1,000"),
        ('{ projectsV1(after: "nope") { nodes { projectId } } }', "is no cursor of this field"),
        ('{ metricsV0(where: {sampleDate: {eq: "yesterday"}}) { nodes { projectId } } }', "Expected value of type 'Date'"),
        ("{ projectsV1 { nodes { projectId }", "Syntax Error"),
        (DEEP, "nested more than 16 deep"),
        (LISTS, "lists within lists"),
        (CIRCLE, "Cannot spread fragment"),
        (" ".join([ENTRY] * 600), "more than 4000 tokens"),
        (MANY, "more than 20 statements"),
    ],
    ids=lambda text: text[:40],
)
def test_what_is_wrong_is_said_and_is_the_users(address: str, query: str, message: str) -> None:
    answer = ask(address, query)
    assert answer.status_code == 400, answer.text
    errors = answer.json()["errors"]
    assert message in errors[0]["message"]
    assert {error["extensions"]["class"] for error in errors} == {"user"}


def test_a_cursor_is_of_its_own_order(address: str) -> None:
    cursor = data(address, f"{{ metricsV0(first: 1) {{ {METRICS} }} }}")["metricsV0"]["pageInfo"]["endCursor"]
    query = f'{{ metricsV0(first: 1, after: "{cursor}", orderBy: [{{column: amount}}]) {{ {METRICS} }} }}'
    assert "is no cursor of this field with this order" in ask(address, query).text


def test_tools_learn_the_schema(address: str) -> None:
    answer = ask(address, get_introspection_query())
    schema = build_client_schema(answer.json()["data"])
    assert {"ProjectsV1", "MetricsV0", "AbsentV0"} <= schema.type_map.keys()
    assert schema.type_map["ProjectsV1"].description == "Every project."
    assert "Entries" not in schema.type_map


def test_a_table_that_is_not_made_yet_is_an_error_and_no_empty_page(address: str) -> None:
    answer = ask(address, "{ absentV0 { nodes { projectId } } }")
    assert answer.status_code >= 400
    assert answer.json().get("data") is None


def test_keys_and_limits_are_those_of_the_door(tmp_path: Path) -> None:
    few = KeyLimits(per_minute=2, at_once=1)
    with small_door(tmp_path, anonymous=None) as small, small.served() as address:
        assert ask(address, "{ projectsV1 { nodes { projectId } } }").status_code == 401
        key = small.keys.create("a page", NOW, limits=few)[1]
        answers = [ask(address, "{ projectsV1 { nodes { projectId } } }", {"Authorization": f"Bearer {key}"}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].headers["Retry-After"]
        assert answers[2].json()["errors"][0]["extensions"] == {"class": "user"}
