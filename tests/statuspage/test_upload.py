"""Publishing into an object store, which fsspec's own memory store and a folder stand for."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pytest

from oso_dagster.statuspage.render import render
from oso_dagster.statuspage.upload import content_type, upload
from tests.statuspage.pages import full


def test_every_file_arrives_as_it_is(tmp_path: Path) -> None:
    files = render(full())
    upload(files, f"file://{tmp_path}/site")
    found = {str(path.relative_to(tmp_path / "site")): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == files


def test_the_first_page_is_written_last(monkeypatch: pytest.MonkeyPatch) -> None:
    store = fsspec.filesystem("memory")
    written: list[str] = []
    monkeypatch.setattr(type(store), "pipe", lambda self, content: written.extend(content))
    upload(render(full()), "memory://site/status")
    assert len(written) == len(render(full()))
    assert written[-1] == "/site/status/index.html"


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
