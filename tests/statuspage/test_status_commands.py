"""`oso status`: build, serve, open, and what they say when there is nothing to show; and what is gathered from the store."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest
from typer.testing import CliRunner

from oso_dagster.cli import app
from oso_dagster.cli.status import NoPageError, server
from oso_dagster.domain.slo import Tally, Verdict
from oso_dagster.orchestration.gathering import gather
from oso_dagster.reliability.results import VerdictRow
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings, SettingsError
from oso_dagster.sources import catalogue

NOW = datetime(2025, 11, 21, 9, 5, tzinfo=UTC)


def breach(at: datetime, verdict: Verdict = Verdict.BREACHED) -> VerdictRow:
    guilty = (
        Tally("oss_directory/projects", 0, 1, "password=hunter2 at https://runs.example/1"),
        Tally("oss_funding/grants", 0, 1),
    )
    return VerdictRow(
        "core_source_data", "data_freshness", verdict, 1, 3, 10_000, None, "", "1 of 3 assets are fresh", guilty, at
    )


def test_build_publishes_in_the_folder_and_at_the_address(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    settings = make_settings(OSO_STATUS_URL=f"file://{tmp_path}/public")
    done = CliRunner().invoke(app, ["status", "build"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "Nothing has been measured yet" in done.output
    assert (tmp_path / "public/index.html").read_text() == (settings.status_dir / "index.html").read_text()


@pytest.mark.parametrize("command", ["serve", "open"])
def test_without_a_page_the_remedy_is_said(command: str, settings: Settings) -> None:
    found = CliRunner().invoke(app, ["status", command])
    assert isinstance(found.exception, NoPageError)
    assert "oso status build" in str(found.exception)


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


def test_a_breach_is_an_incident_from_its_first_verdict_and_causes_stay_private(settings: Settings) -> None:
    began = NOW - timedelta(days=120)
    with Store.open(settings.reliability_store_url, "live") as store:
        store.results.record_verdicts([breach(began), breach(NOW - timedelta(hours=1))])
        page = gather(settings, catalogue(), [], store, timedelta(minutes=45), NOW)
    assert [(one.key, one.since) for one in page.incidents] == [("core_source_data.data_freshness@20250724T090500Z", began)]
    assert page.incidents[0].text == "1 of 3 assets are fresh. oss_directory/projects, oss_funding/grants"
    assert "hunter2" not in repr(page)
    assert [day.verdict for day in page.services[0].objectives[1].days[-2:]] == [Verdict.NO_DATA, Verdict.BREACHED]


def test_an_incident_that_is_over_is_past(settings: Settings) -> None:
    with Store.open(settings.reliability_store_url, "live") as store:
        store.results.record_verdicts([breach(NOW - timedelta(days=3)), breach(NOW - timedelta(days=1), Verdict.COMPLIANT)])
        page = gather(settings, catalogue(), [], store, timedelta(minutes=45), NOW)
    assert page.incidents == ()
    assert [(one.since, one.until) for one in page.past] == [(NOW - timedelta(days=3), NOW - timedelta(days=1))]


def test_a_table_that_is_not_public_is_nowhere_on_the_page(settings: Settings) -> None:
    sources = [replace(one, tables=tuple(replace(table, public=False) for table in one.tables)) for one in catalogue()[:1]]
    name = f"{sources[0].name}/{sources[0].tables[0].name}"
    row = replace(breach(NOW), guilty=(Tally(name, 0, 1),))
    with Store.open(settings.reliability_store_url, "live") as store:
        store.results.record_verdicts([row])
        page = gather(settings, sources, [], store, timedelta(minutes=45), NOW)
    assert name not in repr(page)
