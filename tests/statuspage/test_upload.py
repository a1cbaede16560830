"""Publishing into object stores: real servers of Google's and Amazon's protocols, on loopback."""

from __future__ import annotations

import html
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from urllib.error import HTTPError

import pytest

from oso_dagster.domain.status.page import StatusPage
from oso_dagster.statuspage.published_files import MANIFEST
from oso_dagster.statuspage.render import render
from oso_dagster.statuspage.upload import CACHE_CONTROL, StoreError, content_type, upload
from tests.statuspage.pages import data_set, full, page
from tests.support.object_stores import Bucket, bucket

__all__ = ["bucket"]

KILLED = """
import os, sys
import fsspec
from oso_dagster.statuspage.render import render
from oso_dagster.statuspage.upload import upload
from tests.statuspage.test_upload import small

url, after = sys.argv[1], int(sys.argv[2])
kind = type(fsspec.core.url_to_fs(url)[0])
send, sent = kind._pipe_file, []

async def counted(self, path, *arguments, **more):
    if len(sent) == after:
        os.kill(os.getpid(), 9)
    sent.append(path)
    return await send(self, path, *arguments, **more)

kind._pipe_file = counted
upload(render(small("live")), url)
"""


def small(world: str = "sandbox") -> StatusPage:
    """A page of a few files: the servers take their time."""
    return page(groups=full().groups[:1], world=world)


@pytest.mark.server
def test_every_file_arrives_as_it_is_and_says_what_it_is_and_how_long_it_may_be_kept(bucket: Bucket) -> None:
    files = render(small())
    upload(files, bucket.url)
    assert bucket.names() == {*files, MANIFEST}
    for name, text in files.items():
        body, headers = bucket.get(name)
        assert body == text, name
        assert headers["Content-Type"] in bucket.kinds_of(content_type(name)), name
        assert headers["Cache-Control"] == CACHE_CONTROL, name


@pytest.mark.server
def test_what_the_page_no_longer_has_is_taken_away_and_what_others_put_there_stays(bucket: Bucket) -> None:
    import fsspec

    store, base = fsspec.core.url_to_fs(bucket.url)
    store.pipe(f"{base}/logo.png", b"theirs")
    upload(render(small()), bucket.url)
    fewer = render(page(groups=()))
    upload(fewer, bucket.url)
    assert bucket.names() == {*fewer, MANIFEST, "logo.png"}


@pytest.mark.server
def test_a_writer_that_is_killed_leaves_an_old_first_page_whose_links_all_work(bucket: Bucket) -> None:
    old = render(small())
    upload(old, bucket.url)
    environment = os.environ | bucket.environment
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, bucket.url, str(len(old) - 1)], cwd=Path(__file__).parents[2], env=environment, check=False
    )
    assert killed.returncode == -9
    assert bucket.get("index.html")[0] == old["index.html"]
    assert "Sandbox" not in bucket.get("history.html")[0]
    upload(render(small("live")), bucket.url)
    assert bucket.get("index.html")[0] == render(small("live"))["index.html"]


@pytest.mark.server
def test_a_reader_never_sees_half_a_page(bucket: Bucket) -> None:
    texts = [letter * 200_000 for letter in "abc"]
    upload({"index.html": texts[0]}, bucket.url)
    seen: set[str] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(bucket.get("index.html")[0])

    reader = threading.Thread(target=read)
    reader.start()
    for text in texts * 4:
        upload({"index.html": text}, bucket.url)
    done.set()
    reader.join()
    assert seen
    assert seen <= set(texts)


@pytest.mark.server
def test_a_bucket_that_is_not_there_is_an_error(bucket: Bucket) -> None:
    with pytest.raises((OSError, HTTPError)):
        upload({"index.html": "page"}, bucket.url.replace("public", "elsewhere"))


@pytest.mark.server
def test_a_name_that_holds_the_boundary_of_the_driver_cuts_nothing_off(bucket: Bucket) -> None:
    evil = "Evil\n--==0==--\n"
    group = replace(full().groups[0], title=evil, sets=(data_set(title=evil),))
    upload(render(page(groups=(group,))), bucket.url)
    for name in ("index.html", "data/oss_directory.html"):
        text = bucket.get(name)[0]
        assert text.rstrip().endswith("</html>"), name
        assert evil.strip() in html.unescape(text), name


def test_a_folder_is_written_as_atomically_as_the_one_under_home(tmp_path: Path) -> None:
    files = render(full())
    upload(files, f"file://{tmp_path}/site")
    written = {str(path.relative_to(tmp_path / "site")): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert {name: text for name, text in written.items() if name != MANIFEST} == files


@pytest.mark.parametrize("scheme", ["sftp", "ftp", "webhdfs", "https"])
def test_a_store_that_cannot_replace_an_object_as_a_whole_is_refused(scheme: str) -> None:
    with pytest.raises(StoreError, match="may show half a page"):
        upload({"index.html": "page"}, f"{scheme}://host/folder")


def test_a_store_without_its_driver_is_an_error_that_names_it() -> None:
    with pytest.raises(ImportError, match="adlfs"):
        upload({"index.html": "page"}, "abfs://bucket/status")


def test_a_name_that_leaves_the_folder_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not the name of a file"):
        upload({"a.html": "page", "../b.html": "page"}, f"file://{tmp_path}/site")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("index.html", "text/html"),
        ("a.json", "application/json"),
        ("b.svg", "image/svg+xml"),
        ("feed.atom", "application/atom+xml"),
    ],
)
def test_a_browser_is_told_what_a_file_is(name: str, kind: str) -> None:
    assert content_type(name) == f"{kind}; charset=utf-8"
