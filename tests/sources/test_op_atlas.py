"""OP Atlas into the warehouse: what changed, what was deleted, what must never leave.

From a real PostgreSQL; what a load does to the rows that are there is the same from a SQLite file, by any SQLAlchemy URL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest, LoadRecord, RefusedError, Unchanged
from oso_dagster.domain.catalogue.source import Disposition, SchemaContract, Table
from oso_dagster.sandbox.protocols import postgres
from oso_dagster.sandbox.upstreams import op_atlas
from oso_dagster.sandbox.world import atlas
from oso_dagster.sandbox.world.world import SandboxWorld, generate
from oso_dagster.sources.op_atlas import LOOKBACK, SOURCE
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from tests.support.clock import clock
from tests.support.database import execute, execute_sqlite, serving, sqlite_file

pytestmark = pytest.mark.server

NOW = datetime.now(UTC).replace(microsecond=0)
TABLES = {table.name: table for table in SOURCE.tables}


class Pipe:
    """Loads tables of one database into one warehouse, as orchestration does."""

    def __init__(self, url: str, upstream: Callable[[str], str], folder: Path) -> None:
        self.url = url
        self.upstream = upstream
        self.folder = folder
        self.warehouse = DuckDBWarehouse(folder / "w.duckdb", world="sandbox", cache=folder, lock_timeout_seconds=20, clock=clock)

    def extract(self, name: str) -> Extract | Unchanged:
        previous: LoadRecord | None = self.warehouse.last_load("op_atlas", name)
        return TABLES[name].extract(ExtractRequest("op_atlas", name, NOW, self.folder, {"url": self.url}, previous))

    def load(self, name: str, **more: Any) -> Extract | Unchanged:
        extract = self.extract(name)
        if isinstance(extract, Extract):
            self.warehouse.load(SOURCE, TABLES[name], extract, fingerprint="f", **more)
        return extract

    def rows(self, name: str, columns: str = "id") -> list[Any]:
        with self.warehouse.read() as connection:
            return connection.execute(f"SELECT {columns} FROM op_atlas.{name} ORDER BY ALL").fetchall()


@pytest.fixture(scope="module")
def world() -> SandboxWorld:
    return generate(7, NOW)


@pytest.fixture(scope="module")
def port(world: SandboxWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with serving(world, tmp_path_factory.mktemp("world")) as listening:
        yield listening


@pytest.fixture
def pipe(world: SandboxWorld, request: pytest.FixtureRequest, tmp_path: Path) -> Pipe:
    """From PostgreSQL, or from the engine that a test is marked with."""
    if getattr(request, "param", "postgresql") == "sqlite":
        path = tmp_path / "atlas.db"
        return Pipe(sqlite_file(world, path), partial(execute_sqlite, path), tmp_path)
    port: int = request.getfixturevalue("port")
    op_atlas.write(world.atlas, tmp_path / "world" / "op-atlas")
    postgres.fill(port, tmp_path / "world")
    return Pipe(postgres.address(port, op_atlas.DATABASE), partial(execute, port), tmp_path)


on_any_engine = pytest.mark.parametrize("pipe", ["postgresql", "sqlite"], indirect=True)


def moved(extract: Extract | Unchanged) -> int:
    assert isinstance(extract, Extract)
    return sum(batch.num_rows for batches in extract.batches.values() for batch in batches)


@pytest.mark.parametrize("name", TABLES)
def test_every_table_lands_as_the_generator_made_it(pipe: Pipe, world: SandboxWorld, name: str) -> None:
    pipe.load(name)
    key = TABLES[name].primary_key
    upstream = next(upstream for upstream in atlas.TABLES if upstream.lower() == name.replace("_", ""))
    camel = {column.lower(): column for column in world.atlas[upstream][0]}
    names = [camel[column.replace("_", "")] for column in key]
    truth = sorted(tuple(row[column] for column in names) for row in world.atlas[upstream])
    assert sorted(pipe.rows(name, ", ".join(key))) == truth


@on_any_engine
def test_values_arrive_as_they_stand_upstream(pipe: Pipe, world: SandboxWorld) -> None:
    pipe.load("project_links")
    pipe.load("category")
    assert pipe.rows("project_links", "DISTINCT description") == [(world.atlas["ProjectLinks"][0]["description"],)]
    assert pipe.rows("category", "DISTINCT options") == [(world.atlas["Category"][0]["options"],)]
    pipe.load("funding_reward")
    assert {amount.rstrip("0") for (amount,) in pipe.rows("funding_reward", "amount")} == {
        row["amount"].rstrip("0") for row in world.atlas["FundingReward"]
    }


@on_any_engine
def test_a_second_load_asks_only_for_what_changed_since_the_cursor_and_its_lookback(pipe: Pipe) -> None:
    everything = moved(pipe.load("project"))
    cursor = datetime.fromisoformat(pipe.warehouse.last_load("op_atlas", "project").facts["cursor"])  # type: ignore[union-attr]
    late = (cursor - LOOKBACK + timedelta(minutes=1)).replace(tzinfo=None)
    old = (cursor - LOOKBACK - timedelta(minutes=1)).replace(tzinfo=None)
    (first,), (two,) = pipe.rows("project", "id")[:2]
    pipe.upstream(f"""UPDATE "Project" SET name = 'late', "updatedAt" = '{late}' WHERE id = '{first}'""")
    pipe.upstream(f"""UPDATE "Project" SET name = 'old', "updatedAt" = '{old}', "deletedAt" = NULL WHERE id = '{two}'""")
    assert moved(pipe.load("project")) < everything / 2
    names = {name for (name,) in pipe.rows("project", "name")}
    assert "late" in names
    assert "old" not in names
    assert len(pipe.rows("project")) == everything


@on_any_engine
def test_nothing_new_is_unchanged(pipe: Pipe) -> None:
    for name in ("project", "project_contract", "funding_round"):
        pipe.load(name)
        pipe.load(name)
        assert isinstance(pipe.load(name), Unchanged), name


@on_any_engine
def test_a_soft_delete_that_left_updated_at_alone_arrives(pipe: Pipe) -> None:
    pipe.load("organization")
    (identity,) = pipe.rows("organization", "id")[0]
    pipe.upstream(f"""UPDATE "Organization" SET "deletedAt" = '{NOW.replace(tzinfo=None)}' WHERE id = '{identity}'""")
    pipe.load("organization")
    assert pipe.rows("organization", "id") == pipe.rows("organization", "id")
    assert [row for row in pipe.rows("organization", "id, deleted_at IS NOT NULL") if row[1]] == [(identity, True)]


@on_any_engine
def test_an_older_live_version_never_comes_back_over_a_soft_delete(pipe: Pipe) -> None:
    """A replica that lags behind still tells the row as it was."""
    stale = pipe.extract("organization")
    (identity,) = pipe.upstream('SELECT id FROM "Organization" ORDER BY id LIMIT 1').split()
    pipe.upstream(f"""UPDATE "Organization" SET "deletedAt" = '{NOW.replace(tzinfo=None)}' WHERE id = '{identity}'""")
    pipe.load("organization")
    pipe.warehouse.load(SOURCE, TABLES["organization"], stale, fingerprint="f")  # type: ignore[arg-type]
    assert (identity, True) in pipe.rows("organization", "id, deleted_at IS NOT NULL")


def test_a_form_that_is_saved_again_replaces_its_rows_and_the_funding_is_not_counted_twice(pipe: Pipe) -> None:
    """Saving a funding form deletes the project's rows and writes new ids (voteagora/op-atlas d63f16e)."""
    pipe.load("project_funding")
    before = pipe.rows("project_funding", "project_id, amount")
    pipe.upstream("""UPDATE "ProjectFunding" SET id = 'again-' || id, "updatedAt" = now() WHERE "projectId" IN
        (SELECT "projectId" FROM "ProjectFunding" ORDER BY 1 LIMIT 1)""")
    pipe.load("project_funding")
    assert pipe.rows("project_funding", "project_id, amount") == before
    assert [row for row in pipe.rows("project_funding") if row[0].startswith("again-")]


@on_any_engine
@pytest.mark.parametrize("name", [table.name for table in SOURCE.tables if table.disposition is Disposition.MERGE])
def test_deletions_are_followed_in_every_table_that_is_not_read_whole(pipe: Pipe, name: str) -> None:
    upstream = next(model for model in atlas.TABLES if model.lower() == name.replace("_", ""))
    camel = re.sub(r"_([a-z])", lambda hump: hump[1].upper(), TABLES[name].primary_key[0])
    pipe.load(name)
    first = str(pipe.rows(name, TABLES[name].primary_key[0])[0][0])
    pipe.upstream(f"""DELETE FROM "{upstream}" WHERE "{camel}" = '{first}'""")
    pipe.load(name)
    assert (first,) not in pipe.rows(name, TABLES[name].primary_key[0])


def test_a_table_that_lost_much_is_refused_until_a_person_allows_it(pipe: Pipe) -> None:
    pipe.load("project_links")
    (kept,) = pipe.rows("project_links")[0]
    pipe.upstream(f"""DELETE FROM "ProjectLinks" WHERE id <> '{kept}'""")
    with pytest.raises(RefusedError, match="allow_shrink"):
        pipe.load("project_links")
    pipe.load("project_links", allow_shrink=True)
    assert pipe.rows("project_links") == [(kept,)]


@pytest.mark.parametrize("options", ["", "?pgbouncer=true"], ids=["connectorx", "libpq"])
@pytest.mark.parametrize("time", ["infinity", "-infinity"])
def test_a_time_without_end_is_no_time_counted_and_stops_nobody(pipe: Pipe, options: str, time: str) -> None:
    pipe.url += options
    (identity,) = pipe.upstream('SELECT id FROM "Project" ORDER BY id LIMIT 1').split()
    pipe.upstream(f"""UPDATE "Project" SET "updatedAt" = '{time}', "lastMetadataUpdate" = '{time}' WHERE id = '{identity}'""")
    pipe.load("project")
    record = pipe.warehouse.last_load("op_atlas", "project")
    assert record is not None
    assert record.facts["values_nulled"] == {"updated_at": 1, "last_metadata_update": 1}
    assert datetime.fromisoformat(record.facts["cursor"]) <= NOW
    assert [row for row in pipe.rows("project", "id, updated_at") if row[1] is None] == [(identity, None)]
    pipe.load("project")
    assert len(pipe.rows("project")) == record.row_count


def test_a_share_that_is_no_number_is_no_value(pipe: Pipe) -> None:
    pipe.upstream("""UPDATE "GithubProximity" SET percentile = 'NaN' WHERE peer = (SELECT min(peer) FROM "GithubProximity")""")
    pipe.load("github_proximity")
    assert pipe.rows("github_proximity", "count(*) FILTER (WHERE percentile IS NULL), isfinite(sum(percentile))") == [(1, True)]


@on_any_engine
def test_an_upstream_that_suddenly_has_no_rows_deletes_nothing(pipe: Pipe) -> None:
    pipe.load("project_links")
    before = pipe.rows("project_links")
    pipe.upstream('DELETE FROM "ProjectLinks"')
    with pytest.raises(RefusedError, match="no surviving row"):
        pipe.load("project_links")
    assert pipe.rows("project_links") == before


@on_any_engine
def test_a_time_in_the_future_does_not_hide_what_changes_until_then(pipe: Pipe) -> None:
    pipe.upstream(f"""UPDATE "Project" SET "updatedAt" = '{(NOW + timedelta(days=9)).replace(tzinfo=None)}'""")
    extract = pipe.extract("project")
    assert isinstance(extract, Extract)
    assert datetime.fromisoformat(extract.facts["cursor"]) == NOW


def test_no_sensitive_column_is_declared_and_none_is_ever_selected(pipe: Pipe) -> None:
    assert not [c.name for c in TABLES["reward_claim"].columns if "kyc" in c.name or "set_by" in c.name]
    assert not set(TABLES) & {"user", "user_email", "user_address", "user_interaction"}
    pipe.upstream('REVOKE SELECT ON "RewardClaim", "User", "UserEmail" FROM reader')
    allowed = 'status, address, "addressSetAt", "grantEligibilityUpdatedAt", "tokenStreamStatus", "tokenStreamClaimableAt"'
    pipe.upstream(f'GRANT SELECT ("rewardId", {allowed}, "createdAt", "updatedAt") ON "RewardClaim" TO reader')
    extract = pipe.load("reward_claim")
    assert moved(extract) > 0
    assert extract.facts["unknown_fields"] == []


@on_any_engine
def test_a_new_column_of_a_table_about_people_is_told_and_stays_where_it_is(pipe: Pipe) -> None:
    pipe.load("badgeholder")
    pipe.upstream('ALTER TABLE "Badgeholder" ADD COLUMN weight integer')
    extract = pipe.load("badgeholder")
    assert isinstance(extract, Extract), "the same rows, but news"
    assert extract.facts["unknown_fields"] == ["weight"]
    assert "weight" not in next(iter(extract.batches["badgeholder"])).column_names
    assert TABLES["badgeholder"].contract is SchemaContract.REPORT


@on_any_engine
def test_a_new_column_of_an_open_table_arrives_for_all_rows_and_a_personal_one_never_does(pipe: Pipe) -> None:
    pipe.load("funding_reward")
    pipe.upstream('ALTER TABLE "FundingReward" ADD COLUMN "tierNumber" integer DEFAULT 3')
    pipe.upstream('ALTER TABLE "FundingReward" ADD COLUMN "paidToEmail" text')
    extract = pipe.load("funding_reward")
    assert extract.facts["unknown_fields"] == ["paidToEmail"]
    assert pipe.rows("funding_reward", "DISTINCT tier_number") == [(3,)]
    facts = pipe.warehouse.last_load("op_atlas", "funding_reward").facts  # type: ignore[union-attr]
    assert facts["unknown_fields"] == ["funding_reward.tier_number (BIGINT)", "paidToEmail"]
    again = pipe.load("funding_reward")
    assert again.facts["since"] is not None, "and from then on only what changes"
    pipe.upstream("""UPDATE "FundingReward" SET "updatedAt" = '2020-01-01'""")
    nothing = pipe.load("funding_reward")
    assert moved(nothing) == 0
    assert nothing.facts["unknown_fields"] == ["paidToEmail", "tierNumber"], "still told, although no row has come"


@on_any_engine
def test_a_lost_column_fails_by_name(pipe: Pipe) -> None:
    pipe.upstream('ALTER TABLE "Badgeholder" RENAME "roundId" TO round')
    with pytest.raises(Exception, match="Badgeholder: columns are missing upstream: roundId"):
        pipe.load("badgeholder")


def test_without_an_address_the_error_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="OSO_OP_ATLAS_URL"):
        TABLES["project"].extract(ExtractRequest("op_atlas", "project", NOW, tmp_path, {}))


def test_there_are_the_twenty_one_tables_and_only_tables_without_a_cursor_are_replaced() -> None:
    assert len(TABLES) == 21
    replaced: list[Table] = [table for table in SOURCE.tables if table.disposition is Disposition.REPLACE]
    assert {table.name for table in replaced} == {
        "funding_round",
        "category",
        "impact_statement",
        "impact_statement_answer",
        "badgeholder",
        "github_proximity",
        "published_contract",
    }
