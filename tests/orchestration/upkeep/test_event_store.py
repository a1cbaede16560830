"""The storage that keeps its files open: Dagster's own in all it holds, safe among processes, and watched as before."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pytest

from oso_dagster.orchestration.upkeep import event_store
from oso_dagster.orchestration.upkeep.event_store import OpenEventLog
from oso_dagster.orchestration.upkeep.new_run_file import make_run_file
from oso_dagster.settings import PROJECT_ROOT

KEY = dg.AssetKey("a")
DIFFER = {"id", "run_id", "evaluation_event", "evaluation_event_timestamp", "evaluation_event_storage_id", "create_timestamp"}
WRITE = (
    "import os, sys, dagster as dg\n"
    "with dg.DagsterInstance.get() as instance:\n"
    "    for _ in range(20): instance.report_runless_asset_event(dg.AssetMaterialization('a'))\n"
    "    if sys.argv[1] == 'die': os.kill(os.getpid(), 9)\n"
)


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A DAGSTER_HOME with the platform's configuration."""
    (tmp_path / "dagster.yaml").write_text((PROJECT_ROOT / "dagster.yaml").read_text())
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    return tmp_path


def materialized(home: Path) -> int:
    with dg.DagsterInstance.get() as instance:
        return len(instance.fetch_materializations(KEY, limit=1000).records)


@dg.asset
def a() -> None: ...


def test_the_platforms_instance_uses_it_and_a_run_is_logged_whole(home):
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, OpenEventLog)
        result = dg.materialize([a], instance=instance)
        kinds = {entry.dagster_event_type for entry in instance.all_logs(result.run_id)}
    assert {dg.DagsterEventType.RUN_SUCCESS, dg.DagsterEventType.ASSET_MATERIALIZATION} <= kinds


def test_processes_that_make_the_files_at_the_same_time_make_them_once(home):
    fork = multiprocessing.get_context("fork")
    begin = fork.Barrier(4)
    openers = [fork.Process(target=open_together, args=(begin,)) for _ in range(4)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join(60)
    assert [opener.exitcode for opener in openers] == [0] * 4
    versions = {path.name: rows(path, "SELECT count(*) FROM alembic_version") for path in home.rglob("*.db")}
    assert versions == {name: [(1,)] for name in ("runs.db", "schedules.db", "index.db")}


def open_together(begin: Any) -> None:
    begin.wait(60)
    with dg.DagsterInstance.get() as instance:
        assert instance.get_runs_count() == 0


def rows(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def test_dagsters_own_storage_reads_what_it_wrote_and_the_other_way_round(home, tmp_path_factory):
    with dg.DagsterInstance.get() as instance:
        run = dg.materialize([a], instance=instance).run_id
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with dg.DagsterInstance.get() as plain:
        assert type(plain.event_log_storage) is not OpenEventLog
        assert plain.get_run_by_id(run).is_success
        assert len(plain.all_logs(run)) > 5
        dg.materialize([a], instance=plain)
    (home / "dagster.yaml").write_text((PROJECT_ROOT / "dagster.yaml").read_text())
    assert materialized(home) == 2


@pytest.mark.slow
def test_many_processes_write_at_once_and_a_killed_one_loses_nothing(home):
    with dg.DagsterInstance.get() as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization("a"))
        writers = [subprocess.Popen([sys.executable, "-c", WRITE, how]) for how in ("live", "die", "live")]
        assert [writer.wait(60) for writer in writers] == [0, -9, 0]
        assert len(instance.fetch_materializations(KEY, limit=1000).records) == 61


def test_who_watches_a_run_sees_its_events_before_the_process_ends(home):
    seen, enough = [], threading.Event()

    def look(entry, _cursor):
        seen.append(entry)
        enough.set()

    with dg.DagsterInstance.get() as instance, dg.DagsterInstance.get() as watching:
        run = instance.create_run_for_job(dg.define_asset_job("j").resolve(asset_graph=dg.Definitions([a]).resolve_asset_graph()))
        watching.watch_event_logs(run.run_id, None, look)
        instance.report_engine_event("now", run)
        assert enough.wait(20)
        watching.end_watch_event_logs(run.run_id, look)


def test_files_are_closed_when_there_are_many_and_at_the_end(home, monkeypatch):
    monkeypatch.setattr(event_store, "FILES_KEPT_OPEN", 3)
    folder = f"{home}/history/runs/"

    def held() -> set[str]:
        return {file.path for file in psutil.Process().open_files() if file.path.startswith(folder) and file.path.endswith(".db")}

    with dg.DagsterInstance.get() as instance:
        for _ in range(5):
            dg.materialize([a], instance=instance)
        assert len(held()) == 3
    assert held() == set()


def test_a_child_process_does_not_touch_its_parents_connections(home):
    with dg.DagsterInstance.get() as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization("a"))
        if (child := os.fork()) == 0:
            instance.report_runless_asset_event(dg.AssetMaterialization("a"))
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        instance.report_runless_asset_event(dg.AssetMaterialization("a"))
        assert len(instance.fetch_materializations(KEY, limit=10).records) == 3


def planned(instance: dg.DagsterInstance) -> tuple[list[str], set[str], list[dict]]:
    """What a run that was just made is going to do: its own log, what the asset and its check know of it, and the check's row."""
    run_id = instance.create_run_for_job(CHECKED.resolve_implicit_global_asset_job_def()).run_id
    (check,) = instance.event_log_storage.get_asset_check_execution_history(dg.AssetCheckKey(KEY, "well"), limit=1)
    (asset,) = instance.get_asset_records([KEY])
    assert check.status.value == "PLANNED"
    with instance.event_log_storage.index_connection() as connection:
        checks = connection.exec_driver_sql("SELECT * FROM asset_check_executions WHERE run_id = ?", (run_id,)).mappings()
        rows = [{name: value for name, value in check.items() if name not in DIFFER} for check in checks]
    event_types = [entry.dagster_event_type.value for entry in instance.all_logs(run_id)]
    return event_types, {check.run_id, asset.asset_entry.last_run_id}, rows


@dg.multi_asset(specs=[dg.AssetSpec("a"), dg.AssetSpec("b")], check_specs=[dg.AssetCheckSpec("well", asset="a")])
def checked(): ...


CHECKED = dg.Definitions([checked])


def test_what_a_run_is_going_to_do_is_the_same_when_stored_at_once(home, monkeypatch):
    with dg.DagsterInstance.get() as instance:
        one_by_one, runs, rows = planned(instance)
        monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "1000")
        monkeypatch.setattr(OpenEventLog, "store_event", None)
        at_once, more_runs, more_rows = planned(instance)
        assert rows == more_rows
        assert rows[0]["execution_status"] == "PLANNED"
        assert sorted(at_once) == sorted(one_by_one)
        assert len(at_once) == 3
        assert (len(runs), len(runs | more_runs)) == (1, 2)


def test_a_batch_that_fails_leaves_nothing_behind_and_is_stored_one_by_one(home, monkeypatch, capsys):
    def broken(*_args):
        monkeypatch.undo()
        raise OSError("full")

    with dg.DagsterInstance.get() as instance:
        planned(instance)
        monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "1000")
        monkeypatch.setattr(OpenEventLog, "_store_asset_event", broken)
        monkeypatch.setenv("DAGSTER_HOME", str(home))
        assert len(planned(instance)[0]) == 3
    assert "full" in capsys.readouterr().err


def test_wiping_everything_leaves_a_store_that_works(home):
    with dg.DagsterInstance.get() as instance:
        dg.materialize([a], instance=instance)
        instance.wipe()
        dg.materialize([a], instance=instance)
    assert materialized(home) == 1


def test_the_file_of_a_second_run_is_a_copy_that_dagster_takes_for_its_own(home, monkeypatch):
    with dg.DagsterInstance.get() as instance:
        runs = [dg.materialize([a], instance=instance).run_id]
        monkeypatch.setattr(event_store.OpenEventLog, "_initdb", lambda *_: pytest.fail("Dagster was asked to make a file"))
        runs.append(dg.materialize([a], instance=instance).run_id)
        folder = Path(instance.event_log_storage.path_for_shard(runs[0])).parent
    first, second = (folder / f"{run}.db" for run in runs)
    for query in ("PRAGMA journal_mode", "SELECT sql FROM sqlite_master ORDER BY name", "SELECT * FROM alembic_version"):
        assert rows(first, query) == rows(second, query)
    assert not list(folder.glob("*.part"))
    assert rows(first, "SELECT count(*) FROM event_logs") == rows(second, "SELECT count(*) FROM event_logs")


def test_a_file_that_another_process_made_meanwhile_is_left_as_it_is(tmp_path):
    path = tmp_path / "run.db"
    path.write_bytes(b"another's")
    assert not make_run_file(path, lambda engine: engine.connect().close())
    assert path.read_bytes() == b"another's"
    assert [file.name for file in tmp_path.iterdir()] == ["run.db"]
