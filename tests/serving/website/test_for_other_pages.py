"""What other pages and tools take: badges, charts, the sitemap, OpenAPI; a page to try a query; projects side by side."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import requests
from openapi_spec_validator import validate

from oso_dagster.serving.limits import KeyLimits
from tests.serving.small_door import small_door
from tests.serving.website.small_site import HOSTILE, small_site

pytestmark = pytest.mark.server
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with small_site(tmp_path_factory.mktemp("site")) as address:
        yield address


def get(address: str, path: str, **parameters: str) -> requests.Response:
    return requests.get(f"{address}{path}", params=parameters, timeout=30)


def texts(answer: requests.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "image/svg+xml"
    return [node.text or "" for node in ET.fromstring(answer.text).iter(f"{SVG}text")]


def test_a_badge_says_what_where_and_whether_it_is_a_bound(site: str) -> None:
    assert texts(get(site, "/projects/alpha/GITHUB_stars_over_all_time/badge.svg")) == [
        "Stars, of all time (sandbox)",
        "1,204 stars",
    ]
    assert texts(get(site, "/projects/alpha/GITHUB_commits_weekly/badge.svg"))[1] == "at least 12 commits"
    assert texts(get(site, "/projects/beta/GITHUB_commits_weekly/badge.svg"))[1] == "no value"
    assert get(site, "/projects/nobody/GITHUB_commits_weekly/badge.svg").status_code == 404


def test_a_chart_stands_by_itself_with_its_bounds(site: str) -> None:
    answer = get(site, "/projects/alpha/GITHUB_commits_weekly/chart.svg")
    assert {"hollow feed", "sandbox world"} <= set(texts(answer))
    classes = [node.get("class") for node in ET.fromstring(answer.text).iter(f"{SVG}rect")]
    assert classes == ["lower_bound", "withheld"]
    assert "<style>" in answer.text
    (nothing,) = texts(get(site, "/projects/beta/GITHUB_commits_weekly/chart.svg"))
    assert nothing == f"Commits of {HOSTILE}: no values"


def test_projects_stand_side_by_side_on_one_scale(site: str) -> None:
    page = get(site, "/compare", project="alpha,beta", metric="GITHUB_commits_weekly").text.split("<footer", maxsplit=1)[0]
    rows = {name: re.findall(r'<td class="number">(.*?)</td>', cells) for name, cells in
            re.findall(r'<tr><th scope="row">(\w+)</th>(.*?)</tr>', page)}  # fmt: skip
    assert rows["GITHUB_stars_over_all_time"] == ["1,204", "no value"]
    assert rows["GITHUB_commits_weekly"] == ['<span class="quiet">at least</span> 12', "no value"]
    assert page.count('class="chart"') == 1  # beta has no values over time
    assert "<script" not in page
    assert get(site, "/compare", project="a,b,c,d,e,f").status_code == 400
    assert get(site, "/compare", project="alpha,nobody").status_code == 404
    assert get(site, "/compare", project="alpha", metric="nothing").status_code == 404


def test_the_sitemap_has_every_page_and_robots_name_it(site: str) -> None:
    tree = ET.fromstring(get(site, "/sitemap.xml").text)
    addresses = [node.text or "" for node in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert {f"{site}/", f"{site}/projects/alpha", f"{site}/collections/first"} <= set(addresses)
    assert len(addresses) == len(set(addresses))
    assert {get(address, "").status_code for address in addresses} == {200}
    assert f"Sitemap: {site}/sitemap.xml" in get(site, "/robots.txt").text


def test_a_query_can_be_tried_on_a_page(site: str) -> None:
    page = get(site, "/query", sql="SELECT project_name, display_name FROM projects_v1 ORDER BY 1, 2")
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "<td>beta</td><td>&lt;script&gt;" in page.text
    assert json.loads(page.headers["X-OSO-Provenance"])["tables"][0]["table"] == "marts.projects_v1"
    many = get(site, "/query", sql="SELECT t.n FROM UNNEST(sequence(1, 900)) AS t(n)")
    assert "200 rows, and more that are not shown" in many.text
    shown = get(site, "/query", sql="SHOW TABLES LIKE 'projects%'")
    assert "<td>projects_v1</td>" in shown.text
    wrong = get(site, "/query", sql="SELECT nope FROM projects_v1")
    assert wrong.status_code == 400
    assert 'role="alert"' in wrong.text
    assert get(site, "/query", sql="DROP TABLE projects_v1").status_code == 400
    assert get(site, "/query").text.count('href="/query?sql=') > 20  # the examples of docs/marts.md


def test_the_page_is_limited_as_sql_is(tmp_path: Path) -> None:
    with small_door(tmp_path, anonymous=KeyLimits(per_minute=1, at_once=1)) as small, small.served() as address:
        answers = [get(address, "/query", sql="SELECT project_id FROM projects_v1") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429]
        assert "more than 1 questions in a minute" in answers[1].text


def test_openapi_is_valid_and_names_what_there_is(site: str) -> None:
    described = get(site, "/openapi.json").json()
    validate(described)
    for path, operations in described["paths"].items():
        for method in operations:
            answer = requests.request(method, f"{site}{path.replace('{token}', 'x')}", timeout=30)
            assert answer.status_code not in {405, 500}, f"{method} {path}"
            assert "There is no such page" not in answer.text
