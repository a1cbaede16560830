import os
import shutil
import sqlite3
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import dagster as dg
from typer.testing import CliRunner

from oso_dagster.cli import app
from oso_dagster.cli.session.instance import enter
from oso_dagster.orchestration.public_door.keys_of_world import keys_of
from oso_dagster.orchestration.upkeep.run_files import newest_version, outdated


def oso(*arguments, code=0):
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == code, result.output
    return " ".join(result.output.replace("│", " ").split())  # a message wraps where its path happens to end


def test_every_store_is_upgraded_and_doing_it_twice_changes_nothing(settings, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "")
    for _ in range(2):
        output = oso("migrate")
        assert "the reliability store is up to date" in output
        assert "Dagster's storage is up to date" in output
        assert "SQLMesh has no state yet" in output


def test_an_upgrade_opens_only_the_files_of_runs_that_are_of_another_version(settings, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "")
    with run_in_world(settings), run_in_world(settings) as instance:
        first, second = instance.get_run_ids()
    folder = settings.dagster_home / "history" / "runs"
    for run_id in (first, second):
        with closing(sqlite3.connect(folder / f"{run_id}.db")) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = 'f495c27d5019'")  # the one before
    oso("migrate")
    assert [*outdated(folder.glob("*-*.db"), folder, newest_version())] == []
    with closing(sqlite3.connect(folder / f"{first}.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'f495c27d5019'")
    assert [*outdated(folder.glob("*-*.db"), folder, newest_version())] == [folder / f"{first}.db"]
    os.utime(folder / f"{first}.db", (0, 0))
    assert [*outdated(folder.glob("*-*.db"), folder, newest_version())] == []


def test_a_backup_is_written_once_and_restored_into_an_empty_store(settings, monkeypatch, tmp_path):
    oso("slo", "record", "kubernetes.availability", "--good", "1", "--valid", "1", "--at", "2026-03-01")
    monkeypatch.setenv("DAGSTER_HOME", "")
    with run_in_world(settings) as instance:
        [before] = instance.get_run_ids()
    target = tmp_path / "copies" / "today"
    assert "1 rows of the ledger; SQLMesh has no state yet; " in oso("backup", str(target))
    assert "never overwrites" in oso("backup", str(target), code=2)
    assert "already holds" in oso("restore", str(target), code=2)
    assert [path.name for path in target.parent.iterdir()] == ["today"]
    shutil.rmtree(settings.world_dir)
    assert "1 rows of the ledger; the copy holds no state of SQLMesh; " in oso("restore", str(target))
    with run_in_world(settings) as instance:
        assert before in instance.get_run_ids()
        assert len(instance.all_logs(before, dg.DagsterEventType.ASSET_MATERIALIZATION)) == 1
    assert "is no backup" in oso("restore", str(tmp_path), code=2)


def test_the_keys_of_the_door_are_copied_and_come_back_beside_newer_ones(settings, monkeypatch, tmp_path):
    monkeypatch.setenv("DAGSTER_HOME", "")
    assert "the door has no keys yet" in oso("migrate")
    assert not (settings.world_dir / "serving.db").exists()
    now = datetime(2026, 12, 1, tzinfo=UTC)
    with closing(keys_of(settings)) as keys:
        _, text = keys.create("notebook", now)
        old, revoked = keys.create("old", now)
        keys.revoke(old.id, now)
    assert "the keys of the door are up to date" in oso("migrate")
    assert "2 keys of the door" in oso("backup", str(tmp_path / "copy"))
    assert text.encode() not in (tmp_path / "copy" / "serving.db").read_bytes()
    shutil.rmtree(settings.world_dir)
    with closing(keys_of(settings)) as keys:
        keys.create("newer", now)
    assert "2 keys of the door" in oso("restore", str(tmp_path / "copy"))
    with closing(keys_of(settings)) as keys:
        assert keys.find(text).problem(now) == ""
        assert "was revoked" in keys.find(revoked).problem(now)
        assert len(keys.all()) == 3


@contextmanager
def run_in_world(settings):
    """One more run of an asset in the world's own instance."""
    enter(settings)
    with dg.DagsterInstance.get() as instance:
        dg.materialize([things], instance=instance)
        yield instance


@dg.asset
def things(): ...
