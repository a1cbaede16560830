"""The sandbox's PostgreSQL: there with the server, gone with it however it ends, and about the same world."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from oso_dagster.connectors.database.table_reader import DatabaseError, Field, inspect_table
from oso_dagster.domain.catalogue.source import Column, ColumnType
from oso_dagster.sandbox import lifecycle, process
from oso_dagster.sandbox.protocols import postgres
from oso_dagster.sandbox.world.world import generate
from oso_dagster.settings import Settings, World
from tests.support.database import serving

pytestmark = pytest.mark.server

NAME = [Field("name", Column("name", ColumnType.VARCHAR, "n"))]


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder of this test's own that everyone may enter, here and in the processes it starts."""
    with tempfile.TemporaryDirectory(prefix="oso-test-") as made:
        Path(made).chmod(0o777)
        monkeypatch.setenv("TMPDIR", made)
        monkeypatch.setattr(tempfile, "tempdir", made)
        yield Path(made)


@pytest.fixture
def settings(tmp_path: Path, place: Path) -> Iterator[Settings]:
    made = Settings(home=tmp_path / "home", world=World.SANDBOX)
    yield made
    lifecycle.down(made)


def names(settings: Settings) -> list[str]:
    url = lifecycle.status(settings).endpoints["op_atlas_url"]
    return sorted(inspect_table(url, "Project").read(NAME)["name"].to_pylist())


def truth(settings: Settings) -> list[str]:
    manifest = lifecycle.status(settings).world
    assert manifest is not None
    return sorted(row["name"] for row in manifest.world().atlas["Project"])


def running(settings: Settings) -> list[psutil.Process]:
    """The supervisor and PostgreSQL's processes of one sandbox, by the port in their command lines."""
    server = process.remembered(settings.sandbox_dir)
    assert server is not None
    children = psutil.Process(server.pid).children(recursive=True)
    assert [each for each in children if each.name() == "postgres"]
    return children


def folders(place: Path) -> list[Path]:
    return list(place.glob("oso-sandbox-postgres-*"))


def test_the_database_holds_the_world_that_is_served(settings: Settings) -> None:
    lifecycle.up(settings)
    assert names(settings) == truth(settings)


def test_down_ends_the_database_and_leaves_none_of_its_files(settings: Settings, place: Path) -> None:
    lifecycle.up(settings)
    left = running(settings)
    assert folders(place)
    lifecycle.down(settings)
    _gone(left)
    assert not folders(place)


def test_a_killed_server_takes_its_database_with_it(settings: Settings, place: Path) -> None:
    lifecycle.up(settings)
    assert folders(place)
    left, server = running(settings), process.remembered(settings.sandbox_dir)
    assert server is not None
    os.kill(server.pid, signal.SIGKILL)
    _gone(left)
    assert not folders(place)


def test_a_reset_changes_the_rows_under_a_running_database(settings: Settings) -> None:
    lifecycle.up(settings, seed=1)
    before, server = names(settings), process.remembered(settings.sandbox_dir)
    lifecycle.reset(settings, 2)
    assert process.remembered(settings.sandbox_dir) == server
    assert names(settings) == truth(settings) != before


def test_another_seed_changes_the_rows_under_a_running_database(settings: Settings) -> None:
    lifecycle.up(settings, seed=1)
    lifecycle.up(settings, seed=2)
    assert names(settings) == truth(settings)


def test_without_postgresql_the_world_has_no_address_for_it(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "installed", lambda: False)
    assert "op_atlas_url" not in lifecycle.up(settings)
    assert "oss_funding_url" in lifecycle.up(settings)


def test_the_reader_may_not_write(tmp_path: Path) -> None:
    with serving(generate(1, datetime.now(UTC)), tmp_path / "w") as port:
        url = postgres.address(port, "op_atlas")
        assert inspect_table(url, "Project").read(NAME).num_rows
        with pytest.raises(DatabaseError):
            inspect_table(url, 'Project"; DROP TABLE "Project')
        assert inspect_table(url, "Project").read(NAME).num_rows


AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")


@AS_ROOT
def test_a_tree_that_nobody_can_enter_is_no_hindrance(tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a clone under root's home: the wheel is where the user of the server cannot go."""
    closed = tmp_path / "closed"
    package = postgres._binaries().parents[1]
    for part in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, closed / part.name, symlinks=True)
    closed.chmod(0o700)
    binaries = closed / package.name / "pginstall18" / "bin"
    monkeypatch.setattr(postgres, "_binaries", lambda: binaries)
    assert not postgres._may([str(binaries / "postgres"), "--version"], postgres._identity())
    world = generate(1, datetime.now(UTC))
    with serving(world, tmp_path / "w") as port:
        assert inspect_table(postgres.address(port, "op_atlas"), "Project").read(NAME).num_rows == len(world.atlas["Project"])
        assert folders(place)
    assert not folders(place)


@AS_ROOT
def test_a_temporary_folder_that_nobody_can_enter_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(closed))
    made = postgres._folder(postgres._identity())
    made.rmdir()
    assert closed not in made.parents
    monkeypatch.setattr(postgres, "_PLACES", ())
    with pytest.raises(postgres.PostgresError, match=r"can enter none of .*closed: set TMPDIR"):
        postgres._folder(postgres._identity())


def test_values_of_any_kind_survive_the_script() -> None:
    script = postgres.script_of({"T": "a text"}, {"T": [{"a": ['x"y', "b\\c"]}, {"a": None}, {"a": "t\tn\n"}]})
    assert script.splitlines() == [
        'CREATE TABLE "T" (a text);', 'COPY "T" ("a") FROM stdin;', '{"x\\\\"y","b\\\\\\\\c"}', "\\N", "t\\tn\\n", "\\.",
    ]  # fmt: skip


def _gone(processes: list[psutil.Process]) -> None:
    deadline = time.monotonic() + 10
    while any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in processes if psutil.pid_exists(each.pid)):
        assert time.monotonic() < deadline, processes
        time.sleep(0.05)
