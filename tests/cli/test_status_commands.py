"""`oso status`: build, serve, open, and what they say when there is nothing to show."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import pytest
from typer.testing import CliRunner

from oso_dagster.cli import app
from oso_dagster.cli.session.page_server import server
from oso_dagster.cli.status_commands import NoPageError
from oso_dagster.settings import SANDBOX_PARTITIONS, Settings, SettingsError


def test_build_publishes_in_the_folder_and_at_the_address(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    settings = make_settings(OSO_STATUS_URL=f"file://{tmp_path}/public")
    done = CliRunner().invoke(app, ["status", "build"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "Nothing has been measured yet" in done.output
    assert (tmp_path / "public/index.html").read_text() == (settings.status_dir / "index.html").read_text()


def test_in_the_sandbox_no_partition_is_missing_from_before_its_world(make_settings: Callable[..., Settings]) -> None:
    settings = make_settings(OSO_WORLD="sandbox")
    manifest = settings.sandbox_files.manifest
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"now": datetime.now(UTC).isoformat()}))
    assert CliRunner().invoke(app, ["status", "build"], catch_exceptions=False).exit_code == 0
    summary = json.loads((settings.status_dir / "slo.json").read_text())
    due = [data_set["due_partitions"] for group in summary["groups"] for data_set in group["data_sets"]]
    assert 0 < max(due) <= SANDBOX_PARTITIONS.days


@pytest.mark.parametrize("command", ["serve", "open"])
def test_without_a_page_the_remedy_is_said(command: str, settings: Settings) -> None:
    result = CliRunner().invoke(app, ["status", command])
    assert isinstance(result.exception, NoPageError)
    assert "oso status build" in str(result.exception)


@pytest.mark.server
def test_the_server_shows_the_folder_and_lets_nobody_keep_it(tmp_path: Path) -> None:
    (tmp_path / "feed.atom").write_text("<feed/>")
    with server(tmp_path, 0) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        with urlopen(f"http://127.0.0.1:{listening.server_port}/feed.atom") as answer:
            assert answer.headers["Content-Type"] == "application/atom+xml"
            assert answer.headers["Cache-Control"] == "no-cache"
        listening.shutdown()


@pytest.mark.parametrize("url", ["bucket/status", "s3://key:secret@bucket/status", "gs://bucket/status?token=secret"])
def test_an_address_without_scheme_or_with_a_secret_is_refused_and_not_repeated(
    url: str, make_settings: Callable[..., Settings]
) -> None:
    with pytest.raises(SettingsError, match="OSO_STATUS_URL") as refused:
        make_settings(OSO_STATUS_URL=url)
    assert url not in str(refused.value)


def test_an_announcement_is_listed_and_withdrawn(settings: Settings) -> None:
    def oso(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["status", *arguments])
        assert done.exit_code == code, done.output
        return " ".join(done.output.replace("│", " ").split())

    assert "nothing was ever announced" in oso("announcements")
    assert "announced as number 1" in oso("announce", "[red]The endpoint moves.[/]", "--until", "2099-01-01", "--author", "ada")
    assert [notice["text"] for notice in json.loads(oso("announcements", "--json"))] == ["[red]The endpoint moves.[/]"]
    assert "[red]The endpoint moves.[/]" in oso("announcements")
    assert oso("withdraw", "1") == "withdrawn"
    assert "no announcement 1 stands" in oso("withdraw", "1", code=2)
    assert "has passed: nobody would read" in oso("announce", "x", "--to", "2020-01-01", code=2)
    later = ("--from", "2099-02-01", "--to", "2099-01-01T12:00")
    assert "would end at 2099-01-01 12:00 UTC and begin at 2099-02-01 00:00" in oso("announce", "x", *later, code=2)
