"""The forge and what is served of it: the same for a seed, agreeing with the directory, honest about hours that are not over."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests
from starlette.applications import Starlette
from starlette.routing import Mount

from oso_dagster.connectors.github.rest_api import addresses
from oso_dagster.sandbox.upstreams import gharchive, github_api
from oso_dagster.sandbox.world import forge
from oso_dagster.sandbox.world.world import generate
from tests.support.asgi import serving

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
WORLD = generate(7, NOW)
HUB = forge.forge_of(WORLD)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    forge.write(WORLD, tmp_path)
    return tmp_path


def test_the_forge_has_what_the_directory_names() -> None:
    named = addresses(url for project in WORLD.projects for url in project.links.get("github", ()))
    known = {name for r in HUB.repositories for name in (r.full_name, f"{r.owner}/{r.former_name or r.name}")}
    assert set(named.repositories) <= known
    assert set(named.owners) <= {r.owner for r in HUB.repositories}
    assert any(r.former_name for r in HUB.repositories)
    assert any(r.deleted for r in HUB.repositories)
    assert len({r.id for r in HUB.repositories}) == len({r.full_name for r in HUB.repositories}) == len(HUB.repositories)


def test_the_same_seed_gives_the_same_events_and_another_now_moves_only_their_dates() -> None:
    assert gharchive.events(HUB, HUB.start) == gharchive.events(forge.forge_of(generate(7, NOW)), HUB.start)
    later = forge.forge_of(generate(7, NOW + timedelta(days=3)))
    moved, events = gharchive.events(later, later.start), gharchive.events(HUB, HUB.start)
    assert [(e["id"], e["type"], e["repo"]["name"]) for e in moved] == [(e["id"], e["type"], e["repo"]["name"]) for e in events]


def test_events_belong_to_living_repositories_and_to_their_hour() -> None:
    living = {r.full_name for r in HUB.repositories if not r.deleted}
    for number in (0, 30, 700):
        hour = HUB.start + timedelta(hours=number)
        events = gharchive.events(HUB, hour)
        assert {event["repo"]["name"] for event in events} <= living
        assert {event["created_at"][:13] for event in events} == {f"{hour:%Y-%m-%dT%H}"}


@pytest.mark.parametrize("fault", [None, "late_arrivals"])
def test_every_event_of_a_day_stands_in_its_files_or_in_those_of_the_six_hours_after(fault: str | None) -> None:
    day = HUB.start + timedelta(days=2)
    hours = [day + timedelta(hours=hour) for hour in range(30)]
    happened = [event["id"] for hour in hours[:24] for event in gharchive.events(HUB, hour)]
    named = [
        event["id"]
        for hour in hours
        for event in gharchive.file_lines(HUB, hour, fault)
        if event["created_at"] < f"{hours[24]:%F}"
    ]
    assert set(happened) <= set(named)
    assert len(named) > len(set(named)), "some are served again"
    assert {line["created_at"][:13] for line in gharchive.file_lines(HUB, hours[5], fault)} > {f"{hours[5]:%FT%H}"}


def test_of_a_hollow_feed_hardly_anything_is_left_but_pushes() -> None:
    lines = [line for hour in range(48) for line in gharchive.file_lines(HUB, HUB.start + timedelta(hours=hour), "hollow_feed")]
    pushes = sum(line["type"] == "PushEvent" for line in lines)
    assert 0.93 < pushes / len(lines) < 1


@pytest.mark.server
def test_only_hours_of_the_history_that_are_over_are_served(folder: Path) -> None:
    with serving(gharchive.serve(folder)) as url:
        answer = requests.get(f"{url}/{HUB.start:%Y-%m-%d}-0.json.gz", timeout=9)
        lines = [json.loads(line) for line in gzip.decompress(answer.content).splitlines()]
        assert lines == gharchive.file_lines(HUB, HUB.start)
        before, ahead = HUB.start - timedelta(days=1), max(NOW, datetime.now(UTC)) + timedelta(days=1)
        for name in (f"{before:%Y-%m-%d}-23", f"{ahead:%Y-%m-%d}-0", f"{HUB.start:%Y-%m-%d}-24", "x"):
            assert requests.get(f"{url}/{name}.json.gz", timeout=9).status_code == 404


@pytest.mark.server
def test_the_rate_limit_counts_down_refuses_and_does_not_count_what_is_unchanged(folder: Path) -> None:
    living = next(r for r in HUB.repositories if not r.deleted and r.former_name is None)
    github_api.limited(folder, 2)
    with serving(github_api.serve(folder)) as url:
        first = requests.get(f"{url}/repos/{living.full_name}", timeout=9)
        assert (first.status_code, first.headers["X-RateLimit-Remaining"]) == (200, "1")
        assert (
            requests.get(
                f"{url}/repos/{living.full_name}", timeout=9, headers={"If-None-Match": first.headers["ETag"]}
            ).status_code
            == 304
        )
        assert requests.get(f"{url}/repos/{living.full_name}", timeout=9).status_code == 200
        refused = requests.get(f"{url}/repos/{living.full_name}", timeout=9)
        assert (refused.status_code, refused.headers["X-RateLimit-Remaining"]) == (403, "0")


@pytest.mark.server
def test_a_report_is_where_the_family_is_and_its_document_on_another_host_without_the_token(folder: Path) -> None:
    living = next(r for r in HUB.repositories if not r.deleted and github_api.sbom(HUB, r))
    below = Starlette(routes=[Mount("/github-api", github_api.serve(folder))])
    token = {"Authorization": "Bearer somebody"}
    with serving(below) as url:
        order = f"{url}/github-api/repos/{living.full_name}/dependency-graph/sbom/generate-report"
        report = requests.get(order, timeout=9, headers=token).json()["sbom_url"]
        assert report.startswith(f"{url}/github-api/repos/{living.full_name}/dependency-graph/sbom/fetch-report/")
        sent_on = requests.get(report, timeout=9, headers=token, allow_redirects=False)
        assert sent_on.status_code == 302
        storage = sent_on.headers["Location"]
        assert storage.startswith("http://localhost:")
        assert requests.get(storage, timeout=9, headers=token).status_code == 401
        assert requests.get(storage, timeout=9).json() == github_api.sbom(HUB, living)


@pytest.mark.server
def test_a_renamed_repository_is_sent_on_and_a_deleted_one_is_not_there(folder: Path) -> None:
    moved = next(r for r in HUB.repositories if r.former_name and not r.deleted)
    fallen = next(r for r in HUB.repositories if r.deleted)
    with serving(github_api.serve(folder)) as url:
        sent_on = requests.get(f"{url}/repos/{moved.owner}/{moved.former_name}", timeout=9, allow_redirects=False)
        assert sent_on.status_code == 301
        assert requests.get(urljoin(url, sent_on.headers["Location"]), timeout=9).json()["full_name"] == moved.full_name
        assert requests.get(f"{url}/repos/{fallen.full_name}", timeout=9).status_code == 404
