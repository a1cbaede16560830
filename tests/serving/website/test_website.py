"""The pages over HTTP: what they show, what they never let through, and how small they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import requests

from oso_dagster.serving.website.charts import line, number, spark
from oso_dagster.serving.website.families import origin, period_text, split
from tests.serving.website.small_site import HOSTILE, small_site

pytestmark = pytest.mark.server
PAGES = ["/", "/?q=alpha", "/collections", "/collections/first", "/metrics", "/projects/alpha", "/projects/beta",
         "/projects/alpha/GITHUB_commits_weekly", "/compare", "/compare?project=alpha,beta",
         "/query", "/query?sql=SELECT+*+FROM+metrics_v0", "/projects/nobody"]  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with small_site(tmp_path_factory.mktemp("site")) as address:
        yield address


def get(address: str, path: str) -> requests.Response:
    return requests.get(f"{address}{path}", timeout=30)


def plain(page: requests.Response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text.split("<main", 1)[1]))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_small_asks_for_nothing_else_and_runs_nothing(site: str, path: str) -> None:
    for _ in range(2):  # made, then kept
        page = get(site, path)
        assert page.status_code == (404 if path.endswith("nobody") else 200)
        assert len(page.content) < 150_000
        assert "<script" not in page.text
        assert re.findall(r'(?:src|srcset|data)="', page.text) == []
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert "Practice data" in page.text


def test_a_project_shows_its_metrics_with_their_course_and_where_they_come_from(site: str) -> None:
    page = get(site, "/projects/alpha")
    text = plain(page)
    for expected in ("Alpha", "The first.", "Developer activity", "1,204 stars", "3.1 × 10^18 wei", "On-chain", "alpha/app",
                     "The first collection", "derives from unstable sources: npm", "2 partitions missing"):  # fmt: skip
        assert expected in text
    assert page.text.count('class="spark"') == 2
    assert 'href="javascript:' not in page.text
    assert "Another alpha" not in text


def test_the_foot_of_a_page_names_the_worst_coverage_and_counts_the_rest(site: str) -> None:
    text = plain(get(site, "/projects/alpha"))
    worst = "worst: npm.downloads lodash 9.80 % of 4,523 (target 95.00 %)"
    assert f"{worst}; 2 measured, 1 with a lower bound under target" in text
    assert "PushEvent" not in text
    assert "not measured" in text  # of the other tables


def test_metrics_with_the_same_title_say_whose_they_are_and_a_period_when_it_begins(site: str) -> None:
    text = plain(get(site, "/projects/alpha"))
    for expected in ("Gas fees BASE 5 wei", "Gas fees OPTIMISM 3.1", "by week, from 2026-11-23", "of all time, to 2026-11-29"):
        assert expected in text
    assert [origin(name) for name in ("LANTERN_FUND_funding_awarded", "BASE_fees", "odd")] == ["LANTERN FUND", "BASE", ""]


def test_pages_are_no_questions_of_the_objective_of_the_sql_endpoint(site: str) -> None:
    before = get(site, "/health").json()["questions"]
    assert get(site, "/projects/nobody-else").status_code == 404
    assert get(site, "/?q=not+asked+before").status_code == 200
    assert get(site, "/health").json()["questions"] == before


def test_names_from_outside_are_text(site: str) -> None:
    for path in ("/projects/beta", "/collections/first", "/?q=script", f"/?q={HOSTILE}"):
        page = get(site, path)
        assert page.status_code == 200
        assert "<script" not in page.text
        assert "&lt;script&gt;" in page.text


@pytest.mark.parametrize("asked", ["' OR 1=1 --", "%", "_", "\\", "'; DROP TABLE x", "\x00nobody", "alp%"])
def test_what_is_searched_for_is_a_text_and_no_pattern_or_query(site: str, asked: str) -> None:
    page = requests.get(site, params={"q": asked}, timeout=30)
    assert page.status_code == 200
    assert "Alpha" not in plain(page)


def test_a_search_leads_from_an_artifact_to_its_project(site: str) -> None:
    page = get(site, "/?q=alpha/app")
    assert 'href="/projects/alpha">github/alpha/app' in page.text


def test_projects_of_one_title_in_a_search_say_who_lists_them(site: str) -> None:
    text = plain(get(site, "/?q=alpha"))
    assert "Alpha project · oss directory" in text
    assert "Another alpha project · op atlas" in text


def test_a_collection_is_ranked_by_any_metric_and_who_has_no_value_is_last_and_said(site: str) -> None:
    rows = re.findall(
        r"<tr><td class=\"number\">(.*?)</td>.*?<td class=\"number\">(.*?)</td></tr>", get(site, "/collections/first").text
    )
    assert rows == [("1", "1,204"), ("–", "no value")]
    page = get(site, "/collections/first?metric=OPTIMISM_gas_fees_daily")
    assert "3.1 × 10^18" in page.text
    assert get(site, "/collections/first?metric=nothing").status_code == 404


def test_what_is_shown_can_be_had_as_a_file(site: str) -> None:
    csv = get(site, "/projects/alpha/GITHUB_commits_weekly?format=csv")
    assert len(csv.text.splitlines()) == 41
    assert csv.headers["Content-Disposition"] == 'attachment; filename="alpha-GITHUB_commits_weekly.csv"'
    assert get(site, "/collections/first?format=parquet").content[:4] == b"PAR1"
    assert get(site, "/collections/first?format=exe").status_code == 400


def test_a_chart_has_its_numbers_in_a_table(site: str) -> None:
    page = get(site, "/projects/alpha/GITHUB_commits_weekly").text.split("<footer", maxsplit=1)[0]
    assert page.count('class="chart"') == 1
    assert len(re.findall(r"<tr><th scope=\"row\">2026-\d\d-\d\d", page)) == 41  # with the span that is withheld
    assert page.count("<td>complete</td>") == 16
    assert page.count("<td>not measured</td>") == 5
    assert page.count("<td>lower bound: between 0 % and 8.5 % held</td>") == 19


def test_a_chart_shows_what_is_no_more_than_a_bound_what_is_withheld_and_regime_changes(site: str) -> None:
    page = get(site, "/projects/alpha/GITHUB_commits_weekly").text
    chart = re.findall(r'<svg class="chart".*?</svg>', page, re.DOTALL)[0]
    assert re.findall(r'<rect [^>]*class="(\w+)" fill="url\(#chart-\1\)"', chart) == ["lower_bound", "withheld"]
    assert re.findall(r'<text class="change-label"[^>]*>([^<]*)', chart) == ["hollow feed"]
    assert re.findall(r'text-anchor="end">(2026-\d\d-\d\d)', chart) == ["2026-11-19"]  # past the last value
    text = plain(get(site, "/projects/alpha/GITHUB_commits_weekly"))
    reason = "withheld: &lt;script&gt;alert(1)&lt;/script&gt;&#34;&amp; less than 50 % is held"
    for expected in ("The newest: at least 12 commits", "lower bound: between 0 % and 8.5 % held",
                     "2026-06-01, hollow feed: Thinned out",
                     f"2026-10-12 to 2026-11-19 – {reason}"):  # fmt: skip
        assert expected in text


def test_a_withheld_metric_has_a_marker_and_a_reason_in_the_place_of_values(site: str) -> None:
    project = plain(get(site, "/projects/alpha"))
    assert "at least 12 commits" in project
    assert "at least 1,204" not in project
    assert "Comments withheld: less than 50 % is held" in project
    metric = plain(get(site, "/projects/alpha/GITHUB_comments_weekly"))
    assert "2026-10-12 to 2026-11-19 – withheld: less than 50 % is held" in metric


def test_charts_and_numbers_of_extremes() -> None:
    day = date(2026, 1, 1)
    assert line([], "t", "u") == ""
    assert spark([[(day, 1.0)]], "t") == ""
    for values in ([0.0, 0.0], [1e-9, 5e20], [-3.0, 2.0]):
        points = [(day + timedelta(days=place), value) for place, value in enumerate(values)]
        assert "nan" not in line([points], "<t>", "u").lower()
        assert "&lt;t&gt;" in line([points], "<t>", "u")
    texts = ["0", "12", "1,204", "0.83", "3.1 × 10^18", "1.0e-05"]
    assert [number(value) for value in (0, 12, 1204, 0.83, 3.1e18, 1e-5)] == texts


def test_a_metric_belongs_to_a_family_by_the_end_of_its_name() -> None:
    assert split("GITHUB_stars_over_90_day_window") == ("GITHUB_stars", "over_90_day_window")
    assert split("odd") == ("odd", "")
    assert [period_text(period) for period in ("over_90_day_window", "weekly", "")] == ["over 90 days", "by week", "newest"]
