"""Gitcoin's RegenData from a real PostgreSQL into the warehouse: the generator's rows, equal ones too, and errors by name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from oso_dagster.connectors.database.table_reader import DatabaseError
from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest, Loaded, RefusedError, Unchanged
from oso_dagster.sandbox.protocols import postgres
from oso_dagster.sandbox.upstreams import gitcoin
from oso_dagster.sandbox.world.world import generate
from oso_dagster.sources.gitcoin import SOURCE
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from tests.support.clock import clock
from tests.support.database import execute, serving
from tests.support.landing import ordered, typed

pytestmark = pytest.mark.server

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
WORLD = generate(7, NOW)
TABLES = {table.name: table for table in SOURCE.tables}
MADE = {"all_donations": "donation_id", "all_matching": "matching_id"}


class Pipe:
    """Loads tables of one database into one warehouse, as orchestration does."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port, self.folder = port, folder
        self.settings = {"url": postgres.address(port, gitcoin.DATABASE)}
        self.warehouse = DuckDBWarehouse(folder / "w.duckdb", world="sandbox", cache=folder, lock_timeout_seconds=20, clock=clock)

    def load(self, name: str) -> Loaded | Unchanged:
        previous = self.warehouse.last_load("gitcoin", name)
        extract = TABLES[name].extract(ExtractRequest("gitcoin", name, NOW, self.folder, self.settings, previous))
        return self.warehouse.load(SOURCE, TABLES[name], extract, fingerprint="f") if isinstance(extract, Extract) else extract

    def rows(self, name: str) -> list[dict[str, Any]]:
        with self.warehouse.read() as connection:
            return ordered(connection.execute(f"SELECT * FROM gitcoin.{name}").to_arrow_table().to_pylist())

    def upstream(self, script: str) -> str:
        return execute(self.port, script, gitcoin.DATABASE)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with serving(WORLD, tmp_path_factory.mktemp("world")) as listening:
        yield listening


@pytest.fixture
def pipe(port: int, tmp_path: Path) -> Pipe:
    gitcoin.write(WORLD, tmp_path / "world" / "gitcoin")
    postgres.fill(port, tmp_path / "world")
    return Pipe(port, tmp_path)


def truth(name: str) -> list[dict[str, Any]]:
    """The generator's rows without the ids that are made here, numbers as text where they are declared so."""
    columns = [column for column in TABLES[name].columns if column.name != MADE.get(name)]
    texts = ("round_num", "chain_id")
    rows = [{k: str(v) if k in texts and v is not None else v for k, v in row.items()} for row in gitcoin.rows(WORLD)[name]]
    return typed(columns, rows)


@pytest.mark.parametrize("name", TABLES)
def test_every_table_lands_as_the_generator_made_it_and_a_second_load_is_unchanged(pipe: Pipe, name: str) -> None:
    pipe.load(name)
    landed = ordered([{k: v for k, v in row.items() if k != MADE.get(name)} for row in pipe.rows(name)])
    assert landed == truth(name)
    assert isinstance(pipe.load(name), Unchanged)


def test_equal_donations_all_arrive_and_keep_their_ids_whatever_order_upstream_has(pipe: Pipe) -> None:
    pipe.load("all_donations")
    before = pipe.rows("all_donations")
    by_hash = [row["transaction_hash"] for row in before]
    assert len(by_hash) > len(set(by_hash)), "the world holds no equal donations"
    pipe.upstream("CREATE TABLE again AS SELECT * FROM all_donations ORDER BY donor_address DESC; DROP TABLE all_donations;"
                  "ALTER TABLE again RENAME TO all_donations; GRANT SELECT ON all_donations TO reader;")  # fmt: skip
    assert isinstance(pipe.load("all_donations"), Unchanged)
    pipe.upstream("DELETE FROM all_donations WHERE ctid = (SELECT ctid FROM all_donations LIMIT 1)")
    pipe.load("all_donations")
    after = pipe.rows("all_donations")
    assert len(after) == len(before) - 1
    assert {row["donation_id"] for row in after} < {row["donation_id"] for row in before}


def test_projects_of_donations_are_in_the_lookup_and_groups_in_their_summary(pipe: Pipe) -> None:
    for name in TABLES:
        pipe.load(name)
    known = {row["project_id"] for row in pipe.rows("project_lookup")}
    assert {row["project_id"] for row in pipe.rows("all_donations")} <= known
    assert {row["group_id"] for row in pipe.rows("project_lookup")} == {
        row["group_id"] for row in pipe.rows("project_groups_summary")
    }


def test_numbers_that_upstream_keeps_as_another_type_are_the_same_rows(pipe: Pipe) -> None:
    pipe.load("all_matching")
    pipe.upstream("ALTER TABLE all_matching ALTER chain_id TYPE text, ALTER match_amount_in_usd TYPE numeric")
    assert isinstance(pipe.load("all_matching"), Unchanged)


@pytest.mark.parametrize(
    ("drift", "words"),
    [
        ("ALTER TABLE project_lookup RENAME group_id TO grp", "project_lookup: columns are missing upstream: group_id"),
        ("ALTER TABLE project_lookup ALTER group_id TYPE bytea USING group_id::bytea", "group_id is bytea, varchar is declared"),
        ("DROP TABLE project_lookup", "project_lookup: no such table"),
        ("TRUNCATE project_lookup", "no rows arrived"),
        ("INSERT INTO project_lookup SELECT * FROM project_lookup LIMIT 1", "2 times"),
    ],
)
def test_drift_is_an_error_by_name_and_the_rows_stay(pipe: Pipe, drift: str, words: str) -> None:
    pipe.load("project_lookup")
    before = pipe.rows("project_lookup")
    pipe.upstream(drift)
    with pytest.raises((DatabaseError, RefusedError), match=words):
        pipe.load("project_lookup")
    assert pipe.rows("project_lookup") == before


def test_a_new_column_arrives_and_is_told_and_the_ids_stay(pipe: Pipe) -> None:
    pipe.load("all_matching")
    before = {row["matching_id"] for row in pipe.rows("all_matching")}
    pipe.upstream("ALTER TABLE all_matching ADD COLUMN weight numeric(30, 20) DEFAULT 1.00000000000000000001, ADD odd point")
    loaded = pipe.load("all_matching")
    assert isinstance(loaded, Loaded)
    assert loaded.record.facts["unknown_fields"] == ["all_matching.weight (VARCHAR)", "odd"]
    assert {row["weight"] for row in pipe.rows("all_matching")} == {"1.00000000000000000001"}
    assert {row["matching_id"] for row in pipe.rows("all_matching")} == before


def test_without_an_address_the_error_names_the_setting(pipe: Pipe) -> None:
    pipe.settings = {}
    with pytest.raises(ValueError, match="OSO_GITCOIN_URL"):
        pipe.load("project_lookup")
