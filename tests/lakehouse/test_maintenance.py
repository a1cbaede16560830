"""Maintenance merges small files, forgets snapshots and removes orphans, loses no row, and waits for who writes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from oso_dagster.warehouse.lakehouse.catalogue import LakeCatalogue, open_catalogue
from oso_dagster.warehouse.lakehouse.locks import advisory
from oso_dagster.warehouse.lakehouse.maintenance import TableState, maintain, states
from oso_dagster.warehouse.lakehouse.trino_client import rows_of_query
from tests.lakehouse.conftest import ask

SCHEMA = "maintained"


@pytest.fixture
def catalogue(servers: dict[str, str]) -> Iterator[LakeCatalogue]:
    """The catalogue of the servers, with a table of five rows that came one by one."""
    address = servers["lakehouse_trino_url"]
    ask(address, f"CREATE SCHEMA lake.{SCHEMA}")
    ask(address, f"CREATE TABLE lake.{SCHEMA}.drops (n BIGINT)")
    for number in range(5):
        ask(address, f"INSERT INTO lake.{SCHEMA}.drops VALUES ({number})")
    opened = open_catalogue(servers["lakehouse_catalogue_url"], servers["lakehouse_store"])
    yield opened
    opened.close()
    ask(address, f"DROP SCHEMA lake.{SCHEMA} CASCADE")


def state(catalogue: LakeCatalogue) -> TableState:
    return next(each for each in states(catalogue) if (each.schema, each.name) == (SCHEMA, "drops"))


def files_of(catalogue: LakeCatalogue) -> set[Path]:
    folder = Path(unquote(urlsplit(catalogue.load_table((SCHEMA, "drops")).location()).path))
    return {file for file in folder.rglob("*.parquet") if file.is_file()}


def run_without_retention(address: str, statement: str) -> None:
    """As the platform does it, but that Trino takes any age; only of this test's table."""
    if f'"{SCHEMA}"' in statement:
        properties = {f"lake.{name}_min_retention": "0s" for name in ("expire_snapshots", "remove_orphan_files")}
        ask(address, statement, session_properties=properties)


def test_files_are_merged_snapshots_forgotten_and_orphans_removed_and_every_row_stays(
    catalogue: LakeCatalogue, servers: dict[str, str]
) -> None:
    address = servers["lakehouse_trino_url"]
    before = state(catalogue)
    assert (before.snapshots, before.small_files) == (6, 4)
    orphan = min(files_of(catalogue)).with_name("of-a-load-that-died.parquet")
    orphan.write_bytes(b"nobody names it")
    time.sleep(2)  # the last row is older than the second that is kept
    later = datetime.now(UTC) + timedelta(seconds=5)
    after, failures = maintain(address, catalogue, later, kept=timedelta(seconds=1), run=run_without_retention)
    assert failures == {}
    assert [(each.snapshots, each.small_files) for each in after if each.schema == SCHEMA] == [(1, 0)]
    assert not orphan.exists()
    assert len(files_of(catalogue)) == 1
    assert ask(address, f"SELECT sum(n), count(*) FROM lake.{SCHEMA}.drops") == [[10, 5]]


def test_what_is_younger_than_a_week_stays(catalogue: LakeCatalogue, servers: dict[str, str]) -> None:
    orphan = min(files_of(catalogue)).with_name("of-a-load-under-way.parquet")
    orphan.write_bytes(b"soon it is named")
    asked: list[str] = []

    def run(address: str, statement: str) -> None:
        if f'"{SCHEMA}"' in statement:
            asked.append(statement)
            rows_of_query(address, statement)

    _, failures = maintain(servers["lakehouse_trino_url"], catalogue, datetime.now(UTC), run=run)
    assert failures == {}
    assert [statement.split("EXECUTE ")[1].split("(")[0] for statement in asked] == ["optimize", "remove_orphan_files"]
    assert orphan.exists()
    assert state(catalogue).snapshots == 7
    orphan.unlink()


def test_a_table_that_is_being_loaded_is_left_and_named(catalogue: LakeCatalogue, servers: dict[str, str]) -> None:
    with advisory(catalogue.engine, f"{SCHEMA}.drops", 5):
        _, failures = maintain(
            servers["lakehouse_trino_url"],
            catalogue,
            datetime.now(UTC),
            alone=lambda schema, name: advisory(catalogue.engine, f"{schema}.{name}", 0.2),
            run=run_without_retention,
        )
    assert list(failures) == [f"{SCHEMA}.drops"]
    assert state(catalogue).small_files == 4


def test_bounds_are_crossed_by_snapshots_and_by_small_files() -> None:
    assert TableState("s", "t", 500, None, 16).within_bounds
    assert not TableState("s", "t", 501, None, 0).within_bounds
    assert not TableState("s", "t", 1, None, 17).within_bounds
