"""Publishing under the eyes of a reader, and when the writer is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from oso_dagster.statuspage.publish import publish
from oso_dagster.statuspage.published_files import MANIFEST

LONG = 400_000


def test_a_reader_never_sees_half_a_page(tmp_path: Path) -> None:
    texts = [letter * LONG for letter in "abc"]
    publish({"index.html": texts[0]}, tmp_path)
    seen: set[str] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add((tmp_path / "index.html").read_text())

    reader = threading.Thread(target=read)
    reader.start()
    for text in texts * 15:
        publish({"index.html": text}, tmp_path)
    done.set()
    reader.join()
    assert seen
    assert seen <= set(texts)


def test_two_writers_at_once_leave_one_whole_page_and_nothing_else(tmp_path: Path) -> None:
    texts = [letter * LONG for letter in "xy"]
    writers = [
        threading.Thread(target=lambda text=text: [publish({"index.html": text}, tmp_path) for _ in range(10)]) for text in texts
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert (tmp_path / "index.html").read_text() in texts
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", MANIFEST}


def test_a_writer_that_is_killed_leaves_the_old_page(tmp_path: Path) -> None:
    publish({"index.html": "old"}, tmp_path)
    code = (
        "import os, sys, pathlib\n"
        "from oso_dagster.statuspage.publish import publish\n"
        "os.fsync = lambda handle: os.kill(os.getpid(), 9)\n"
        "publish({'index.html': 'new'}, pathlib.Path(sys.argv[1]))\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, tmp_path], cwd=Path(__file__).parents[2], check=False)
    assert killed.returncode == -9
    assert (tmp_path / "index.html").read_text() == "old"


def test_what_a_killed_writer_left_is_swept_once_it_is_old(tmp_path: Path) -> None:
    recent, old = tmp_path / ".unfinished-recent", tmp_path / ".unfinished-old"
    recent.touch()
    old.touch()
    os.utime(old, (0, 0))
    publish({"index.html": "page"}, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {".unfinished-recent", "index.html", MANIFEST}


def test_a_web_server_of_another_user_can_read_the_page(tmp_path: Path) -> None:
    publish({"services/core.html": "page"}, tmp_path)
    assert (tmp_path / "services" / "core.html").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("name", ["", "/etc/motd", "../index.html", "a/../../b"])
def test_a_name_that_leaves_the_folder_is_refused_before_anything_is_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not the name of a file inside"):
        publish({"index.html": "page", name: "evil"}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_cannot_be_put_in_place_is_an_error_and_leaves_no_rest(tmp_path: Path) -> None:
    (tmp_path / "index.html" / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match=r"index\.html"):
        publish({"index.html": "page"}, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", MANIFEST}


def test_what_the_page_no_longer_has_is_taken_away_and_what_others_put_there_stays(tmp_path: Path) -> None:
    publish({"data/secret.html": "was public", "index.html": "page"}, tmp_path)
    (tmp_path / "logo.png").write_text("theirs")
    publish({"index.html": "page"}, tmp_path)
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"index.html", "logo.png", MANIFEST}


def test_what_a_killed_writer_put_there_is_taken_away_by_the_next_page(tmp_path: Path) -> None:
    code = (
        "import os, sys, pathlib\n"
        "from oso_dagster.statuspage import publish\n"
        "replace = publish._replace\n"
        "publish._replace = lambda path, text: os.kill(os.getpid(), 9) if path.name == 'index.html' else replace(path, text)\n"
        "publish.publish({'data/new.html': 'new', 'index.html': 'new'}, pathlib.Path(sys.argv[1]))\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, tmp_path], cwd=Path(__file__).parents[2], check=False)
    assert killed.returncode == -9
    assert (tmp_path / "data/new.html").exists()
    publish({"index.html": "page"}, tmp_path)
    assert not (tmp_path / "data/new.html").exists()


@pytest.mark.parametrize("text", ["", "[]", '{"files": ["../../etc/passwd"]}', '{"files": ["/etc/passwd"]}', '{"files": 1}'])
def test_a_list_that_is_not_ours_removes_nothing_and_the_remedy_is_said(text: str, tmp_path: Path) -> None:
    publish({"index.html": "old"}, tmp_path)
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(ValueError, match="delete it"):
        publish({"index.html": "new"}, tmp_path)
    assert (tmp_path / "index.html").read_text() == "old"
