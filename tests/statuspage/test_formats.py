"""The files for programs, read by programs that others wrote: a Statuspage client, a feed parser, a schema validator."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import feedparser
import pytest
from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from oso_dagster.cli.session.page_server import server
from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.domain.status.page import StatusPage
from oso_dagster.statuspage.publish import publish
from oso_dagster.statuspage.render import render
from tests.statuspage.extremes import HOSTILE, hostile
from tests.statuspage.pages import NOW, full, objective, of, page, past, works

CLIENT = """
import json, sys
from statuspage_prometheus_exporter.service_checker import check_service_status, SERVICES
print(json.dumps(check_service_status(next(iter(SERVICES)), next(iter(SERVICES.values())))))
"""


def asked(page: StatusPage, folder: Path) -> dict[str, object]:
    """What the client makes of the page, fetched over HTTP."""
    publish(render(page), folder / "site")
    with server(folder / "site", 0) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{listening.server_port}/api/v2/summary.json"
        (folder / "services.json").write_text(json.dumps({"oso": {"name": "OSO", "type": "status_page", "url": url}}))
        environment = {"SERVICES_JSON_PATH": str(folder / "services.json"), "HOME": str(folder)}
        done = subprocess.run(
            [sys.executable, "-c", CLIENT], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        listening.shutdown()
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.server
def test_a_statuspage_client_reads_a_breach(tmp_path: Path) -> None:
    answer = asked(full("live"), tmp_path)
    assert (answer["success"], answer["raw_status"]) == (True, "major")
    incidents = {incident["name"]: incident for incident in answer["incident_metadata"]}  # type: ignore[attr-defined]
    assert {name: incident["status"] for name, incident in incidents.items()} == {
        "Core source data misses its freshness": "investigating",
        "Time in which the SQL endpoint answers": "monitoring",
    }
    affected = ["Core assets within their promised freshness", "oss_funding/grants"]
    assert incidents["Core source data misses its freshness"]["affected_components"] == affected
    states = {component["name"]: component["status"] for component in answer["component_metadata"]}  # type: ignore[attr-defined]
    assert states["oss_funding/grants"] == "degraded_performance"
    assert states["Core assets within their promised freshness"] == "partial_outage"


def test_every_file_that_clients_of_statuspage_ask_for_is_there_with_texts_for_times_and_absolute_addresses() -> None:
    """npm's `statuspage.io` asks for the five, Grafana's source for `incidents/unresolved` and `scheduled-maintenances/*`."""
    files = render(replace(full("live"), works=works(), address="https://status.example.org/"))
    for name, key in {
        "incidents": "incidents",
        "incidents/unresolved": "incidents",
        "scheduled-maintenances": "scheduled_maintenances",
        "scheduled-maintenances/upcoming": "scheduled_maintenances",
        "scheduled-maintenances/active": "scheduled_maintenances",
    }.items():
        document = json.loads(files[f"api/v2/{name}.json"])
        assert document["page"]["url"].startswith("https://status.example.org")
        assert document[key], name
        for entry in document[key]:
            assert isinstance(entry["created_at"], str)
            assert entry["shortlink"].startswith("https://status.example.org/")


@pytest.mark.server
def test_a_statuspage_client_reads_that_all_is_well(tmp_path: Path) -> None:
    answer = asked(of(objective()), tmp_path)
    assert (answer["success"], answer["status"], answer["raw_status"]) == (True, 1, "none")
    assert answer["incident_metadata"] == []


@pytest.mark.server
def test_a_statuspage_client_reads_maintenance(tmp_path: Path) -> None:
    answer = asked(full("live"), tmp_path)
    windows = {window["name"]: window for window in answer["maintenance_metadata"]}  # type: ignore[attr-defined]
    assert {name: window["status"] for name, window in windows.items()} == {
        "Maintenance: Data models": "in_progress",
        "Maintenance: oss_funding/grants": "scheduled",
    }
    assert windows["Maintenance: oss_funding/grants"]["scheduled_end"] == "2025-11-24T10:05:07Z"
    assert windows["Maintenance: oss_funding/grants"]["affected_components"] == ["oss_funding/grants"]


def test_what_is_well_is_under_maintenance_and_what_is_not_stays_as_it_is() -> None:
    page = replace(full(), works=(replace(works()[1], scope="core_source_data"),))
    states = {
        component["name"]: component["status"] for component in json.loads(render(page)["api/v2/components.json"])["components"]
    }
    assert states["Core materializations that are good after retries"] == "under_maintenance"
    assert states["Core assets within their promised freshness"] == "partial_outage"
    calm = json.loads(render(replace(of(objective()), works=page.works))["api/v2/status.json"])
    assert calm["status"]["indicator"] == "maintenance"
    assert json.loads(render(page)["api/v2/status.json"])["status"]["indicator"] == "major"


def test_every_maintenance_of_ninety_days_is_listed_the_newest_first() -> None:
    windows = json.loads(render(full())["api/v2/scheduled-maintenances.json"])["scheduled_maintenances"]
    assert [window["status"] for window in windows] == ["scheduled", "in_progress", "completed"]
    assert [window["impact"] for window in windows] == ["maintenance"] * 3


def test_components_without_data_are_left_out_and_never_called_operational() -> None:
    files = render(of(objective(Verdict.NO_DATA, good=0, valid=0)))
    assert json.loads(files["api/v2/components.json"])["components"] == []
    assert json.loads(files["api/v2/status.json"])["status"]["indicator"] == "minor"


def test_open_and_past_incidents_are_told_with_ids_that_stay() -> None:
    first, again = (json.loads(render(full())["api/v2/incidents.json"])["incidents"] for _ in range(2))
    assert [incident["status"] for incident in first] == ["investigating", "monitoring", "resolved"]
    assert [incident["id"] for incident in first] == [incident["id"] for incident in again]
    assert [incident["resolved_at"] for incident in first] == [None, None, "2025-10-25T04:05:07Z"]
    assert [[update["status"] for update in incident["incident_updates"]] for incident in first] == [
        ["investigating"],
        ["monitoring", "investigating", "investigating"],
        ["resolved", "investigating"],
    ]
    summary = json.loads(render(full())["api/v2/summary.json"])
    assert [incident["status"] for incident in summary["incidents"]] == ["investigating", "monitoring"]
    groups = {group["id"]: group["components"] for group in summary["components"] if group["group"]}
    members = {component["id"]: component["group_id"] for component in summary["components"] if not component["group"]}
    assert {member: group for group, inside in groups.items() for member in inside} == members


@pytest.mark.parametrize("page", [full(), hostile(), of()], ids=["full", "hostile", "empty"])
def test_slo_json_is_what_its_schema_says(page: StatusPage) -> None:
    files = render(page)
    schema = json.loads(files["slo.schema.json"])
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(json.loads(files["slo.json"]))


def test_a_field_that_was_not_declared_public_is_refused_by_the_schema() -> None:
    files = render(full())
    document = json.loads(files["slo.json"])
    document["services"][0]["objectives"][0]["cause"] = "password=hunter2"
    with pytest.raises(ValidationError, match="'cause' was unexpected"):
        Draft202012Validator(json.loads(files["slo.schema.json"])).validate(document)


@pytest.mark.parametrize("page", [full(), hostile()], ids=["full", "hostile"])
def test_a_feed_parser_finds_nothing_wrong(page: StatusPage) -> None:
    feed = feedparser.parse(render(page)["feed.atom"].encode())
    assert (feed.bozo, feed.version) == (False, "atom10")
    assert all(entry.id.startswith("tag:opensource.observer,2025:") and entry.updated_parsed for entry in feed.entries)


def entries(page: StatusPage) -> dict[str, str]:
    """The titles of the feed by id, in its order."""
    return {entry.id: entry.title for entry in feedparser.parse(render(page)["feed.atom"].encode()).entries}


def test_an_entry_keeps_its_id_when_its_incident_ends() -> None:
    over = past()[0]
    began, ended = entries(page(incidents=(replace(over, until=None),))), entries(page(past=(over,)))
    assert began == dict.fromkeys(ended, f"Open: {over.title}")
    assert ended == dict.fromkeys(ended, f"Resolved: {over.title}")


def test_the_newest_change_is_the_first_entry() -> None:
    assert [title.partition(":")[0] for title in entries(full()).values()] == [
        "Under way",
        "Open",
        "Met again, being watched",
        "Planned",
        "Done",
        "Resolved",
    ]


def test_planned_maintenance_is_one_entry_that_does_not_change_with_each_page() -> None:
    work = works()[2]
    feeds = [render(replace(page(works=(work,)), generated_at=NOW + timedelta(minutes=late)))["feed.atom"] for late in (0, 15)]
    assert feeds[0] == feeds[1]
    later = [entries(replace(page(works=(work,)), generated_at=at)) for at in (NOW, work.start, work.end)]
    assert [[title.partition(":")[0] for title in titles.values()] for titles in later] == [["Planned"], ["Under way"], ["Done"]]
    assert len({key for titles in later for key in titles}) == 1


@pytest.mark.parametrize("page", [full(), hostile()], ids=["full", "hostile"])
def test_badges_are_well_formed_and_hold_nothing_but_shapes_and_text(page: StatusPage) -> None:
    badges = {name: text for name, text in render(page).items() if name.endswith(".svg")}
    assert badges
    for name, text in badges.items():
        tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(text).iter()}
        assert tags == {"svg", "title", "rect", "text"}, name


def test_a_shields_endpoint_has_what_shields_asks_for() -> None:
    files = render(full("live"))
    assert json.loads(files["shields/data/oss_funding/grants.json"]) == {
        "schemaVersion": 1,
        "label": "oss_funding/grants",
        "message": "stale",
        "color": "#b3261e",
        "isError": True,
    }
    assert json.loads(render(full())["shields/services/sqlmesh.json"])["label"] == "Models (sandbox)"


def test_hostile_text_in_json_is_a_string_of_plain_characters_and_nothing_else() -> None:
    files = {name: text for name, text in render(hostile()).items() if name.endswith(".json")}
    assert len(files) == 13
    for name, text in files.items():
        assert text.isascii(), name
        json.loads(text)
    assert json.loads(files["slo.json"])["services"][0]["title"] == HOSTILE
    assert json.loads(files["slo.json"])["incidents"][0]["updates"][0]["text"] == HOSTILE
