"""The page probe against real published pages: each way in which a page is not to be believed has its cause."""

import asyncio
import json
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from oso_dagster.cli import app
from oso_dagster.cli.session.page_server import server
from oso_dagster.domain.probes.declaration import PageProbe
from oso_dagster.probes.page import PageChecker
from oso_dagster.statuspage.publish import publish
from oso_dagster.statuspage.render import render
from tests.statuspage.pages import NOW, full, page

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def files():
    return render(full())


@pytest.fixture
def folder(tmp_path, files):
    wanted = {name: files[name] for name in ("slo.json", "heartbeat.json", "index.html")}
    publish(wanted, tmp_path / "status")
    return tmp_path / "status"


def seen(folder, at=NOW):
    probe = PageProbe(name="page", objective="public_applications.availability", url=folder.as_uri())
    return asyncio.run(PageChecker(probe).check(at))


def test_a_young_whole_page_is_good_and_its_age_is_shown(folder):
    check = seen(folder, NOW + 5 * MINUTE)
    assert (check.cause, dict(check.facts)["age_seconds"]) == ("", "300")


def test_a_page_is_good_for_as_long_as_it_says_and_not_a_second_longer(folder):
    allowed = full().stale_after
    assert seen(folder, NOW + allowed).good
    assert "is to be made again every" in seen(folder, NOW + allowed + timedelta(seconds=1)).cause


def test_a_page_from_the_future_is_not_believed(folder):
    assert "has not come yet" in seen(folder, NOW - 6 * MINUTE).cause


def test_a_first_page_of_another_publication_is_not_believed(folder):
    with (folder / "index.html").open("a") as file:
        file.write("<!-- somebody was here -->")
    assert "has not the content" in seen(folder).cause


@pytest.mark.parametrize("name", ["heartbeat.json", "index.html"])
def test_a_file_that_is_not_there_is_named(folder, name):
    (folder / name).unlink()
    assert seen(folder).cause == f"{name}: No such file or directory"


@pytest.mark.parametrize("text", ["", "[]", "{}", "not json"])
def test_something_else_in_place_of_the_heartbeat_is_no_good_page(folder, text):
    (folder / "heartbeat.json").write_text(text)
    assert "not the heartbeat of a status page" in seen(folder).cause


def test_a_watcher_that_was_silent_when_the_page_was_made_is_named(tmp_path):
    made = render(replace(page(), silent=("sensor remedial_alerts",)))
    publish({name: made[name] for name in ("heartbeat.json", "index.html")}, tmp_path)
    assert seen(tmp_path).cause == "silent when the page was made: sensor remedial_alerts"
    assert json.loads(made["heartbeat.json"])["silent"] == ["sensor remedial_alerts"]


@pytest.mark.server
def test_any_machine_can_look_at_a_published_page_over_http(folder):
    with server(folder, 0) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            address = f"http://127.0.0.1:{listening.server_address[1]}/"
            old = CliRunner().invoke(app, ["probe", "page", address, "--json"])
            (folder / "index.html").unlink()
            gone = CliRunner().invoke(app, ["probe", "page", address])
        finally:
            listening.shutdown()
            thread.join()
    assert old.exit_code == 1
    assert "is to be made again every" in json.loads(old.stdout)["cause"]  # the page of this test is of another day
    assert gone.exit_code == 1
    assert "cause: index.html: status 404" in gone.stdout
    assert CliRunner().invoke(app, ["probe", "page", "nowhere"]).exit_code == 2
