"""growthepie: a file a metric, one that is bad stops no other, and the one file of before, deleted or frozen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from oso_dagster.connectors.http.rest import RestError
from oso_dagster.domain.catalogue.loading import NEWEST_EVENT, Loaded, Unchanged
from oso_dagster.sandbox.upstreams import growthepie
from oso_dagster.sources.growthepie import SOURCE
from tests.support.landing import NOW, Landing, clear_fault, landing, spoil

pytestmark = pytest.mark.server


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Landing]:
    with landing(SOURCE, tmp_path) as place:
        yield place


def load(there: Landing) -> Loaded:
    loaded = there.load("fundamentals")
    assert isinstance(loaded, Loaded)
    return loaded


def test_rows_are_the_generators_and_the_same_rows_are_not_loaded_twice(there: Landing) -> None:
    assert [finding.check for finding in load(there).findings if not finding.passed] == []
    assert there.rows("fundamentals") == there.truth("fundamentals")
    assert isinstance(there.load("fundamentals"), Unchanged)
    assert len(there.asked) == 2 * (1 + len(growthepie.FILES))


def test_a_metric_that_is_no_fundamental_has_no_file_and_is_not_requested(there: Landing) -> None:
    load(there)
    assert not [path for _, path, *_ in there.asked if "market_cap" in path]


def test_a_metric_whose_file_is_not_there_keeps_its_rows_and_stops_no_other(there: Landing) -> None:
    load(there)
    path = there.home / "served" / "data.json"
    path.write_text(json.dumps([row | {"value": 1.0} for row in json.loads(path.read_text())]))
    spoil(there, "status", path="export/fees", status=403)
    loaded = load(there)
    assert list(loaded.record.facts["set_aside"]) == ["fees_paid_usd"]
    assert {row["metric_key"] for row in there.rows("fundamentals") if row["value"] != 1.0} == {"fees_paid_usd"}
    clear_fault(there)
    load(there)
    assert {row["value"] for row in there.rows("fundamentals")} == {1.0}


def test_the_file_of_before_where_it_is_deleted_is_an_error_and_the_rows_stay(there: Landing) -> None:
    load(there)
    there.settings["url"] = f"{there.url}/fundamentals_full.json"
    with pytest.raises(RestError, match="403 Forbidden"):
        there.load("fundamentals")
    assert there.rows("fundamentals") == there.truth("fundamentals")


def test_the_file_of_before_where_it_is_frozen_says_how_old_its_newest_event_is(there: Landing) -> None:
    there.settings["url"] = f"{there.url}/{growthepie.FROZEN}"
    age = NOW.date() - datetime.fromisoformat(load(there).record.facts[NEWEST_EVENT]).date()
    within = SOURCE.tables[0].events_within
    assert within is not None
    assert age > within, "the objective of its newest event is broken"


def test_no_metric_at_all_is_an_error(there: Landing) -> None:
    spoil(there, "status", path="export", status=404)
    with pytest.raises(RestError, match="set aside"):
        load(there)
