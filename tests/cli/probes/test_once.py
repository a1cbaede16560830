"""What the demo measures of its own door and page: the door of a small warehouse, the page as files."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest

from oso_dagster.cli.probes.once import DOOR, PAGE, look_at_door, look_at_page
from oso_dagster.reliability.failed_families import last_data, last_samples
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings

pytestmark = [pytest.mark.server, pytest.mark.slow]

APPLICATIONS, REQUESTS = ("public_applications", "availability"), ("public_applications", "requests")
SQL, QUERIES = ("consumer_trino", "availability"), ("consumer_trino", "queries")


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    settings = make_settings(OSO_WORLD="sandbox")
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    return settings


def counts(settings: Settings) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Good and valid of each objective and slice; nobody will miss these slices."""
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        assert (last_data(store), last_samples(store)) == ({}, {})
        with store.database.reading() as connection:
            rows = connection.exec_driver_sql(
                "SELECT service, objective, slice, sum(good), sum(valid) FROM samples GROUP BY 1, 2, 3"
            )
            return {(row[0], row[1], row[2]): (row[3], row[4]) for row in rows}


def test_a_door_is_measured_as_it_is_without_data_and_with_some_with_its_requests_and_the_canary(settings: Settings) -> None:
    look_at_door(settings)
    without = {(*APPLICATIONS, DOOR): (1, 1), (*SQL, DOOR): (0, 1), (*QUERIES, DOOR): (0, 1), (*REQUESTS, DOOR): (1, 2)}
    assert counts(settings) == without
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("CREATE SCHEMA marts; CREATE TABLE marts.projects_v1 AS SELECT 'p' AS project_id")
    look_at_door(settings)
    more = {APPLICATIONS: 1, SQL: 1, QUERIES: 1, REQUESTS: 2}
    assert counts(settings) == {
        (*of, DOOR): (without[*of, DOOR][0] + good, without[*of, DOOR][1] + good) for of, good in more.items()
    }


@pytest.mark.parametrize(("text", "good"), [("Sandbox world", 1), ("something else", 0)])
def test_the_page_is_good_when_it_is_the_one_of_this_world(settings: Settings, text: str, good: int) -> None:
    settings.status_dir.mkdir(parents=True)
    (settings.status_dir / "index.html").write_text(text)
    look_at_page(settings)
    assert counts(settings) == {(*APPLICATIONS, PAGE): (good, 1)}
