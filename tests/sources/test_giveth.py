"""Giveth from the sandbox's GraphQL endpoint into the warehouse: every round and project, pages and all, and errors by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oso_dagster.connectors.http.rest import RestError
from oso_dagster.domain.catalogue.loading import Extract, Loaded, RefusedError
from oso_dagster.sandbox.protocols import web_api
from oso_dagster.sandbox.upstreams import giveth
from oso_dagster.sources.giveth import SOURCE
from tests.support.landing import WORLD, Landing, landing, spoil

pytestmark = pytest.mark.server

ROUNDS = [row["id"] for row in giveth.document(WORLD)["rounds"]]


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
    assert loaded.record.facts["projects_by_round"][ROUNDS[-1]] == 0
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
        return int(row["project_id"]) - 100 in members[row["round_id"]]

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
