"""The repository: real git objects, a plausible past, the newest state equal to the truth; and the world's folder on disk."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from oso_dagster.sandbox import disk
from oso_dagster.sandbox.protocols import git_objects
from oso_dagster.sandbox.upstreams import oss_directory as directory
from oso_dagster.sandbox.world.world import generate

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
WORLD = generate(7, NOW)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("git")
    directory.write(WORLD, folder)
    return folder / directory.REPOSITORY


def _git(path: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(path), *arguments], check=True, capture_output=True, text=True).stdout


def test_git_finds_nothing_wrong_with_the_repository(path: Path) -> None:
    checked = subprocess.run(["git", "-C", str(path), "fsck", "--full", "--strict"], check=True, capture_output=True, text=True)
    assert (checked.stdout, checked.stderr.replace("notice: HEAD points to an unborn branch", "")) == ("", "")


def test_the_newest_commit_holds_exactly_the_truth(path: Path) -> None:
    assert git_objects.read_files(path) == directory.files(WORLD)


def test_the_history_begins_60_days_ago_and_ends_within_the_last_hours(path: Path) -> None:
    times = [datetime.fromtimestamp(int(line), UTC) for line in _git(path, "log", "--reverse", "--format=%ct").split()]
    assert len(times) == directory.COMMITS
    assert times == sorted(times)
    assert times[0] == NOW - timedelta(days=60)
    assert timedelta(hours=1) <= NOW - times[-1] <= timedelta(hours=3)


def test_files_were_added_revised_and_removed_in_the_past(path: Path) -> None:
    statuses = {line.split("\t")[0] for line in _git(path, "log", "--format=", "--name-status").splitlines() if line}
    assert statuses == {"A", "M", "D"}


def test_every_commit_is_the_sandbox_s_own(path: Path) -> None:
    assert set(_git(path, "log", "--format=%an <%ae> %cn <%ce>").splitlines()) == {
        "OSO Sandbox <sandbox@example.org> OSO Sandbox <sandbox@example.org>"
    }


def test_the_same_world_gives_the_same_commits(path: Path, tmp_path: Path) -> None:
    directory.write(WORLD, tmp_path)
    again = tmp_path / directory.REPOSITORY
    assert _git(again, "rev-parse", "main") == _git(path, "rev-parse", "main")


def test_a_commit_adds_changes_and_deletes_files(tmp_path: Path) -> None:
    path = tmp_path / "r.git"
    git_objects.create(path)
    git_objects.commit_files(path, {"a.yaml": b"1", "d/b.yaml": b"2"}, "first", NOW)
    sha = git_objects.commit_files(path, {"a.yaml": b"\xff broken", "d/b.yaml": None, "c.yaml": b"3"}, "second", NOW)
    assert git_objects.read_files(path) == {"a.yaml": b"\xff broken", "c.yaml": b"3"}
    assert _git(path, "rev-parse", "HEAD").strip() == sha


def test_a_commit_that_deletes_what_is_not_there_is_refused(tmp_path: Path) -> None:
    git_objects.create(tmp_path / "r.git")
    with pytest.raises(KeyError, match="gone"):
        git_objects.commit_files(tmp_path / "r.git", {"gone": None}, "x", NOW)


def test_a_commit_at_a_time_without_a_zone_is_refused(tmp_path: Path) -> None:
    git_objects.create(tmp_path / "r.git")
    with pytest.raises(ValueError, match="time zone"):
        git_objects.commit_files(tmp_path / "r.git", {"a": b""}, "x", NOW.replace(tzinfo=None))


def test_a_world_on_disk_tells_the_truth_it_was_made_from(tmp_path: Path) -> None:
    disk.make(tmp_path / "world", WORLD)
    manifest = disk.read(tmp_path / "world")
    assert manifest is not None
    assert manifest.world() == WORLD
    assert manifest.counts.items() >= WORLD.counts().items()


@pytest.mark.slow
def test_a_world_of_the_day_is_kept_and_that_of_the_day_before_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "world"
    disk.make(folder, WORLD)
    midnight = NOW.replace(hour=0, minute=0, second=0) + timedelta(days=1)
    assert disk.ensure(folder, None, midnight - timedelta(seconds=1)).now == NOW
    assert disk.ensure(folder, None, midnight).now == midnight
    assert [entry.name for entry in tmp_path.iterdir()] == ["world"]


@pytest.mark.slow
def test_an_old_world_keeps_its_seed_unless_another_is_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "world"
    disk.make(folder, generate(42, NOW))
    assert disk.ensure(folder, None, NOW + timedelta(days=2)).seed == 42
    assert disk.ensure(folder, 43, NOW + timedelta(days=2)).seed == 43


@pytest.mark.slow
def test_a_world_of_another_generator_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "world"
    disk.make(folder, WORLD)
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"recipe": "', '"recipe": "0'))
    assert disk.ensure(folder, None, NOW + timedelta(hours=1)).now > NOW
