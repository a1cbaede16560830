"""What other pages and tools take: badges, charts, the sitemap, OpenAPI; a page to try a query; projects side by side."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import requests
from markupsafe import Markup
from openapi_spec_validator import validate

from oso_dagster.serving.limits import KeyLimits
from oso_dagster.serving.website.charts import line
from oso_dagster.serving.website.embedded import chart
from oso_dagster.serving.website.rendering import picture
from oso_dagster.serving.website.site import _Kept
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


def test_the_page_asks_for_a_key_where_one_is_needed(tmp_path: Path) -> None:
    with small_door(tmp_path, anonymous=None) as small, small.served() as address:
        answer = get(address, "/query", sql="SELECT project_id FROM projects_v1")
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_openapi_is_valid_and_names_what_there_is(site: str) -> None:
    described = get(site, "/openapi.json").json()
    validate(described)
    for path, operations in described["paths"].items():
        for method in operations:
            answer = requests.request(method, f"{site}{path.replace('{token}', 'x')}", timeout=30)
            assert answer.status_code not in {405, 500}, f"{method} {path}"
            assert "There is no such page" not in answer.text


def test_a_query_too_long_for_the_page_is_refused_and_never_cut(site: str) -> None:
    cut = get(site, "/query", sql=f"SELECT count(*) FROM projects_v1{' ' * 7_968}WHERE project_id = 'p1'")
    assert cut.status_code == 413
    assert "<td>" not in cut.text
    lines = "SELECT 1\r\n" + "-- a line\r\n" * 790  # as a browser sends what its form counts as less
    assert get(site, "/query", sql=lines).status_code == 200
    long = get(site, "/query", sql="SELECT repeat('x', 3000000) AS x")
    assert "(3,000,000 characters)" in long.text
    assert len(long.text) < 100_000


def test_a_query_of_the_page_ends_when_its_reader_leaves(tmp_path: Path) -> None:
    with small_door(tmp_path) as small, small.served() as address:
        slow = "SELECT count(*) FROM metrics_v0 AS a, metrics_v0 AS b, metrics_v0 AS c WHERE a.amount + b.amount + c.amount > 1"
        with pytest.raises(requests.Timeout):
            requests.get(f"{address}/query", params={"sql": slow}, timeout=1)
        until = time.monotonic() + 20
        while not small.door.outcomes.total["canceled"] and time.monotonic() < until:
            time.sleep(0.05)
        assert small.door.outcomes.total["canceled"] == 1


def test_a_sitemap_is_not_that_of_another_host(site: str) -> None:
    other = requests.get(f"{site}/sitemap.xml", headers={"Host": "evil.example"}, timeout=30)
    assert "http://evil.example/projects/alpha" in other.text
    assert "evil.example" not in get(site, "/sitemap.xml").text


def test_addresses_that_begin_alike_are_different_pages(site: str) -> None:
    pages = [get(site, "/compare", padding="x" * 600, project=name).text for name in ("alpha", "beta")]
    assert "<h3>" in pages[0]
    assert pages[0] != pages[1]


def test_a_name_that_xml_has_no_place_for_leaves_the_picture_whole() -> None:
    drawn = line([[(date(2026, 1, 5), 1.0), (date(2026, 1, 12), 2.0)]], "Commits of a\x00b\x0b\ufffe", "commits")
    for text in (chart(drawn, "a\x08", "sandbox"), chart(Markup(""), "a\x08", "live")):
        assert ET.fromstring(bytes(picture(text).body)).tag == f"{SVG}svg"


def test_keeping_pages_takes_bounded_memory() -> None:
    kept = _Kept()
    for number in range(300):
        kept.add(f"/sitemap.xml?{number}", b"x" * 1024**2, {})
    assert len(kept.answers) == 128
    kept.add("/" + "x" * 600, b"", {})
    assert len(kept.answers) == 128
