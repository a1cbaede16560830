"""A copied file is on the disk before it has a run's name, and a run begins where files cannot be linked, too."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from oso_dagster.orchestration.upkeep import new_run_file
from oso_dagster.orchestration.upkeep.event_store import OpenEventLog
from oso_dagster.orchestration.upkeep.new_run_file import make_run_file


@pytest.fixture
def copied(monkeypatch):
    monkeypatch.setattr(new_run_file, "_content", [b"a file without events"])


def never(_engine):
    pytest.fail("Dagster was asked to make a file")


def test_what_is_copied_is_on_the_disk_before_it_appears(tmp_path, monkeypatch, copied):
    done, fsync, link = [], os.fsync, os.link
    monkeypatch.setattr(os, "fsync", lambda number: done.append(os.fstat(number).st_size) or fsync(number))
    monkeypatch.setattr(os, "link", lambda *paths: done.append("linked") or link(*paths))
    assert make_run_file(tmp_path / "run.db", never)
    assert done == [len(b"a file without events"), "linked"]


def test_two_threads_that_make_the_same_file_do_not_take_each_others_part(tmp_path, monkeypatch, copied):
    path, link = tmp_path / "run.db", os.link

    def another_first(*paths):
        monkeypatch.setattr(os, "link", link)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(make_run_file, path, never).result()
        link(*paths)

    monkeypatch.setattr(os, "link", another_first)
    assert not make_run_file(path, never)
    assert path.read_bytes() == b"a file without events"
    assert [file.name for file in tmp_path.iterdir()] == ["run.db"]


def test_where_files_cannot_be_linked_dagster_makes_the_file_of_a_run(tmp_path, monkeypatch):
    def no_links(*paths):
        raise OSError(errno.EPERM, "Operation not permitted", paths[0], None, paths[1])

    monkeypatch.setattr(os, "link", no_links)
    log = OpenEventLog(str(tmp_path))
    with log.run_connection("run") as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM event_logs").scalar_one() == 0
    log.dispose()
    assert not list(tmp_path.glob("*.part"))


def test_a_full_disk_is_an_error(tmp_path, monkeypatch, copied):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        make_run_file(tmp_path / "run.db", never)
    assert not list(tmp_path.iterdir())
