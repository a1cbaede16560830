"""Giveth from the sandbox's GraphQL endpoint into the warehouse: every round and project, pages and all, and errors by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oso_dagster.connectors.http.rest import RestError
from oso_dagster.domain.catalogue.loading import Extract, Loaded, LoadFacts, RefusedError, Unchanged
from oso_dagster.sandbox.protocols import web_api
from oso_dagster.sandbox.upstreams import giveth
from oso_dagster.sources.giveth import SOURCE
from tests.support.landing import WORLD, Landing, landing, spoil

pytestmark = pytest.mark.server

ROUNDS = [row["id"] for row in giveth.truth(WORLD)["giveth.qf_rounds"]]


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Landing]:
    with landing(SOURCE, tmp_path, {"giveth.qf_rounds.id": ROUNDS}) as place:
        yield place


def test_rows_are_the_generators_and_a_second_load_changes_nothing(there: Landing) -> None:
    for _ in range(2):
        there.load("qf_rounds")
        loaded = there.load("projects")
        for table in ("qf_rounds", "projects", "projects__addresses"):
            assert there.rows(table) == there.truth(table)
    assert isinstance(loaded, Loaded)
    assert set(loaded.record.facts["projects_by_round"]) == set(ROUNDS)
    assert max(json.loads(body)["variables"].get("skip", 0) for *_, body in there.asked) >= giveth.PAGE, "pages were never needed"


def test_what_giveth_leaves_open_is_null(there: Landing) -> None:
    there.load("qf_rounds")
    there.load("projects")
    (open_round,) = [row for row in there.rows("qf_rounds") if row["is_active"] is None]
    assert open_round["id"] == ROUNDS[0]
    bare = [row for row in there.rows("projects") if row["slug"] is None]
    assert bare
    assert all(row["created_at"] is None and row["updated_at"] is None and row["project_id"] for row in bare)


def test_projects_leave_past_rounds_and_more_than_usual_of_them_only_when_somebody_says_so(there: Landing) -> None:
    there.load("projects")
    served = giveth.document(WORLD)
    rows, members = there.rows("projects"), served["members"]

    def left(row: dict[str, Any]) -> bool:
        return row["round_id"] != ROUNDS[0] or int(row["project_id"]) - 100 in members[ROUNDS[0]]

    members[ROUNDS[0]] = members[ROUNDS[0]][1:]
    web_api.save(there.home / "served", served)
    there.load("projects")
    fewer = there.rows("projects")
    assert len(fewer) == len(rows) - 1
    assert fewer == [row for row in rows if left(row)]
    members[ROUNDS[0]] = []
    web_api.save(there.home / "served", served)
    with pytest.raises(RefusedError, match=r"allow_shrink"):
        there.load("projects")
    assert there.rows("projects") == fewer
    there.warehouse.load(SOURCE, there.table("projects"), extract_of(there), fingerprint="f", allow_shrink=True)
    assert there.rows("projects") == [row for row in fewer if left(row)]
    assert {row["round_id"] for row in there.rows("projects__addresses")} <= set(ROUNDS[1:])


def serve(there: Landing, **changed: Any) -> dict[str, Any]:
    document = giveth.document(WORLD) | changed
    web_api.save(there.home / "served", document)
    return document


def facts_of(loaded: Loaded | Unchanged) -> LoadFacts:
    assert isinstance(loaded, Loaded)
    return loaded.record.facts


def test_a_round_that_both_apis_list_is_there_once_and_numbers_of_one_are_not_those_of_the_other(there: Landing) -> None:
    loaded = there.load("qf_rounds")
    rows = there.rows("qf_rounds")
    slugs = [row["slug"] for row in rows]
    assert len(set(slugs)) == len(slugs) == giveth.ROUNDS + 2
    assert {row["id"] for row in rows if row["api"] == "v6"} == {f"v6:{number}" for number in giveth.V6_ROUNDS}
    assert {"2", "v6:2"} <= {row["id"] for row in rows}
    assert facts_of(loaded)["rounds_by_api"]["legacy"] == ["sbx-round-1", "sbx-round-2", "sbx-round-3"]


def test_an_old_round_of_which_v6_has_a_copy_stays_the_older_apis(there: Landing) -> None:
    document = giveth.document(WORLD)
    old = document["rounds"][0]
    assert old["endDate"] < "2026", "the world is made in March 2026"
    serve(there, v6_rounds=[*document["v6_rounds"], old | {"id": "77", "isActive": False, "name": "a copy"}])
    there.load("qf_rounds")
    assert there.rows("qf_rounds") == there.truth("qf_rounds")


def test_an_api_that_answers_nothing_keeps_its_rounds_and_stops_not_the_other(there: Landing) -> None:
    serve(there, v6="closed")
    first = there.load("qf_rounds")
    assert list(facts_of(first)["set_aside"]) == ["v6"]
    assert "Unauthorized" in facts_of(first)["set_aside"]["v6"]
    assert {row["id"] for row in there.rows("qf_rounds")} == {"1", "2", "3", "4"}, "what can be had without v6"
    serve(there)
    there.load("qf_rounds")
    serve(there, v6="closed")
    there.load("qf_rounds")
    there.load("qf_rounds")
    assert there.rows("qf_rounds") == there.truth("qf_rounds"), "no round twice"
    there.load("qf_rounds", comparable=False)
    assert there.rows("qf_rounds") == there.truth("qf_rounds"), "nor after a load that is compared with none"


def test_before_there_was_a_newer_api_the_older_one_has_all_that_can_be_had(there: Landing) -> None:
    spoil(there, "former")
    assert list(facts_of(there.load("qf_rounds"))["set_aside"]) == ["v6"]
    assert {row["id"] for row in there.rows("qf_rounds")} == {"1", "2", "3", "4"}


def test_rounds_of_v6_are_set_aside_while_it_is_closed_and_their_projects_stay(there: Landing) -> None:
    document = giveth.document(WORLD)
    there.inputs = {"giveth.qf_rounds.id": [*ROUNDS[:3], ROUNDS[-1]]}
    there.load("projects")
    before = there.rows("projects")
    assert any(row["round_id"] == ROUNDS[-1] for row in before)
    document["projects"][0]["title"] = "another title"
    serve(there, v6="closed", projects=document["projects"])
    assert list(facts_of(there.load("projects"))["set_aside"]) == [ROUNDS[-1]]
    after = there.rows("projects")
    assert [row for row in after if row["round_id"] == ROUNDS[-1]] == [row for row in before if row["round_id"] == ROUNDS[-1]]
    assert len(after) == len(before)


def extract_of(there: Landing) -> Extract:
    extract = there.extract("projects")
    assert isinstance(extract, Extract)
    return extract


def test_projects_of_the_directory_and_their_addresses_hang_together(there: Landing) -> None:
    names = {project.name: {address.address for address in project.blockchain or ()} for project in WORLD.projects}
    there.load("projects")
    rows = there.rows(
        "", "SELECT slug, address FROM giveth.projects JOIN giveth.projects__addresses USING (round_id, project_id)"
    )
    assert rows
    assert all(row["address"] in names[row["slug"]] for row in rows if row["slug"])


@pytest.mark.parametrize("table", ["qf_rounds", "projects"])
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("empty", "no rows arrived|hold 0 records where"),
        ("duplicates", "times|where .* were announced|duplicate"),
        ("drift", "the key 'data' is missing"),
        ("expired", "401"),
        ("encoding", "not UTF-8|null bytes"),
    ],
)
def test_an_answer_that_is_wrong_is_an_error_by_name_and_the_rows_stay(there: Landing, table: str, kind: str, words: str) -> None:
    there.load(table)
    spoil(there, kind)
    with pytest.raises((RestError, RefusedError), match=words):
        there.load(table)
    assert there.rows(table) == there.truth(table)
