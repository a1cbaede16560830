"""Giveth from the sandbox's GraphQL endpoint into the warehouse: every round and project, pages and all, and errors by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from oso_dagster.connectors.http.rest import RestError
from oso_dagster.domain.catalogue.loading import Loaded, RefusedError
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


def test_projects_of_the_directory_and_their_addresses_hang_together(there: Landing) -> None:
    names = {project.name: {address.address for address in project.blockchain or ()} for project in WORLD.projects}
    there.load("projects")
    rows = there.rows(
        "", "SELECT slug, address FROM giveth.projects JOIN giveth.projects__addresses USING (round_id, project_id)"
    )
    assert rows
    assert all(row["address"] in names[row["slug"]] for row in rows)


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
