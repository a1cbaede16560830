"""L2BEAT from the sandbox into the warehouse: midnights only, new days only, and errors by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from oso_dagster.connectors.http.rest import RestError
from oso_dagster.domain.catalogue.loading import Loaded, RefusedError
from oso_dagster.sandbox.upstreams import growthepie, l2beat
from oso_dagster.sources.l2beat import SOURCE
from tests.support.landing import NOW, Landing, clear_fault, landing, ordered, spoil

pytestmark = pytest.mark.server

TABLES = ["projects", "activity", "tvs"]


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Landing]:
    with landing(SOURCE, tmp_path, {"l2beat.projects.slug": [*growthepie.CHAINS, l2beat.UPCOMING]}) as place:
        yield place


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_the_generators_and_a_second_load_changes_nothing(there: Landing, table: str) -> None:
    for _ in range(2):
        there.load(table)
        assert there.rows(table) == there.truth(table)


def test_a_project_without_figures_is_told_not_dropped(there: Landing) -> None:
    loaded = there.load("tvs")
    assert isinstance(loaded, Loaded)
    assert loaded.record.facts["without_figures"] == [l2beat.UPCOMING]
    there.load("projects")
    assert {"slug": l2beat.UPCOMING, "tvs": None} in there.rows("", "SELECT slug, tvs FROM l2beat.projects")


def test_after_the_first_load_only_the_newest_days_are_asked_for_and_corrected(there: Landing) -> None:
    there.load("activity")
    assert {path.partition("range=")[2] for _, path, *_ in there.asked if "range=" in path} == {"max"}
    there.asked.clear()
    again = there.load("activity", now=NOW + timedelta(days=1))
    assert isinstance(again, Loaded)
    spans = {path.partition("range=")[2] for _, path, *_ in there.asked if l2beat.UPCOMING not in path}
    assert spans == {"30d"}, "activity knows no shorter one"
    assert again.record.row_count == 30 * len(growthepie.CHAINS)
    assert again.record.facts["rows_changed"] == 0


def test_a_figure_that_was_corrected_a_fortnight_ago_is_corrected_here(there: Landing) -> None:
    there.load("activity")
    document = json.loads((there.home / "served" / "data.json").read_text())
    document["activity"]["base"][-14][1] += 1
    (there.home / "served" / "data.json").write_text(json.dumps(document))
    again = there.load("activity")
    assert isinstance(again, Loaded)
    assert again.record.facts["rows_changed"] == 1


def test_a_project_whose_figures_are_gone_is_set_aside_and_stops_no_other(there: Landing) -> None:
    there.load("tvs")
    before = there.rows("tvs")
    document = json.loads((there.home / "served" / "data.json").read_text())
    del document["tvs"]["base"]
    (there.home / "served" / "data.json").write_text(json.dumps(document))
    again = there.load("tvs")
    assert isinstance(again, Loaded)
    assert list(again.record.facts["set_aside"]) == ["base"]
    assert "success is false" in again.record.facts["set_aside"]["base"]
    assert there.rows("tvs") == before


@pytest.mark.parametrize("table", ["activity", "tvs"])
def test_a_project_under_another_slug_keeps_one_history(there: Landing, table: str) -> None:
    there.load(table)
    before = there.rows(table)
    document = json.loads((there.home / "served" / "data.json").read_text())
    for part in ("activity", "tvs"):
        document[part]["base-one"] = document[part].pop("base")
    document["projects"]["base"]["slug"] = "base-one"
    (there.home / "served" / "data.json").write_text(json.dumps(document))
    there.inputs = {
        "l2beat.projects.slug": ["base-one", *(slug for slug in there.inputs["l2beat.projects.slug"] if slug != "base")]
    }
    again = there.load(table)
    assert isinstance(again, Loaded)
    assert again.record.facts["renamed"] == {"base": "base-one"}
    assert again.record.facts["rows_renamed"] == len([row for row in before if row["slug"] == "base"])
    assert again.record.facts["rows_added"] == 0
    assert there.rows(table) == ordered([row | {"slug": "base-one"} if row["slug"] == "base" else row for row in before])
    assert "renamed" not in there.load(table).record.facts  # type: ignore[union-attr]


def test_the_fields_of_older_answers_are_taken_as_well(there: Landing) -> None:
    document = json.loads((there.home / "served" / "data.json").read_text())
    for project in document["projects"].values():
        del project["providers"]
        project |= {"provider": "OP Stack", "isUpcoming": True}
    (there.home / "served" / "data.json").write_text(json.dumps(document))
    there.load("projects")
    assert all((row["providers"], row["is_upcoming"]) == (["OP Stack"], True) for row in there.rows("projects"))


def test_a_day_that_is_not_over_does_not_arrive(there: Landing) -> None:
    there.load("activity")
    (row,) = there.rows("", "SELECT max(time) AS newest FROM l2beat.activity")
    assert row["newest"] == NOW.replace(hour=0, minute=0, second=0) - timedelta(days=1)


@pytest.mark.parametrize(
    ("table", "fault", "words"),
    [
        ("activity", {"kind": "empty"}, "has no point"),
        ("tvs", {"kind": "duplicates"}, "no list of|times"),
        ("projects", {"kind": "drift"}, "is missing"),
        ("tvs", {"kind": "status", "status": 404}, "none of the 7 projects"),
        ("activity", {"kind": "rate_limit", "seconds": 3600}, "asks for a pause of 3,600 s"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_an_answer_that_is_wrong_is_an_error_by_name_and_the_rows_stay(
    there: Landing, table: str, fault: dict[str, str], words: str
) -> None:
    there.load(table)
    spoil(there, **fault)
    with pytest.raises((RestError, RefusedError), match=words):
        there.load(table)
    assert there.rows(table) == there.truth(table)
    clear_fault(there)


def test_a_short_pause_that_the_server_asks_for_is_kept(there: Landing) -> None:
    spoil(there, "rate_limit", seconds=1, times=1)
    there.load("projects")
    assert there.rows("projects") == there.truth("projects")
