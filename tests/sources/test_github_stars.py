"""Star histories, asked of the sandbox's API: every day of every week, what is taken back, budgets and limits."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from oso_dagster.connectors.http.rest import RestError
from oso_dagster.sandbox.upstreams import github_api
from oso_dagster.sandbox.upstreams._github import stars as github_stars
from oso_dagster.sources._github import repositories as github_repositories
from tests.sources.github_hub import FORGE, LIVING, NOW, GithubHub

pytestmark = pytest.mark.server

STARS = "stars_by_day"
SOME = LIVING[:30]
NAMES = [repository.full_name for repository in SOME]


def totals(hub: GithubHub) -> dict[str, int]:
    return dict(hub.rows("SELECT repository, CAST(sum(stars) AS BIGINT) FROM github.stars_by_day GROUP BY ALL"))


def test_the_days_of_a_repository_add_up_to_its_stars(hub: GithubHub) -> None:
    loaded = hub.load(STARS, NAMES)
    assert loaded.record.cut_short is None
    assert loaded.record.facts["older_pages_left"] == 0
    assert totals(hub) == {repository.full_name: repository.stars for repository in SOME if repository.stars}
    given = next(week for week in github_stars.history(FORGE, SOME[0]) if week["total"])
    day = datetime.fromtimestamp(given["week"], UTC).date()
    week = f"repository = '{NAMES[0]}' AND day BETWEEN DATE '{day}' AND DATE '{day + timedelta(days=6)}'"
    counted = [stars for (stars,) in hub.rows(f"SELECT stars FROM github.stars_by_day WHERE {week} ORDER BY day")]
    assert counted == given["days"][: len(counted)]
    assert sum(counted) == given["total"]


def test_the_next_day_only_newest_pages_are_asked_and_what_is_unchanged_costs_nothing(hub: GithubHub) -> None:
    hub.load(STARS, NAMES)
    asked = len(hub.asked)
    assert hub.load(STARS, NAMES, NOW + timedelta(hours=4)).record.facts["repositories_due"] == 0
    later = hub.load(STARS, NAMES, NOW + timedelta(days=1))
    assert later.record.facts["requests"] == 0
    assert {status for _, _, status in hub.asked[asked:]} == {304}, "nor is any name asked about again"
    assert len(hub.asked) - asked == len(NAMES)


def test_stars_that_are_taken_back_become_nought(hub: GithubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    real = github_stars.history
    week = int(datetime(2026, 2, 22, tzinfo=UTC).timestamp())

    def stars_of(stars: int) -> Any:
        given = {"week": week, "total": stars, "days": [0, stars, 0, 0, 0, 0, 0]}
        return lambda forge, repository: [given] if repository.full_name == NAMES[0] else real(forge, repository)

    monkeypatch.setattr(github_stars, "history", stars_of(3))
    hub.load(STARS, NAMES[:1])
    monkeypatch.setattr(github_stars, "history", stars_of(0))
    hub.load(STARS, NAMES[:1], NOW + timedelta(days=1))
    assert hub.rows("SELECT day, stars FROM github.stars_by_day WHERE day = DATE '2026-02-23'") == [(date(2026, 2, 23), 0)]


def test_a_budget_gives_newest_pages_to_all_before_older_ones_to_any(hub: GithubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(github_repositories, "MOST_HISTORIES", len(NAMES) + 5)
    first = hub.load(STARS, NAMES)
    assert first.record.cut_short is None
    assert first.record.facts["requests"] == len(NAMES) + 5
    left = first.record.facts["older_pages_left"]
    assert left > 0
    for hour in range(1, 40):
        left = hub.load(STARS, NAMES, NOW + timedelta(hours=hour)).record.facts["older_pages_left"]
    assert left == 0
    assert totals(hub) == {repository.full_name: repository.stars for repository in SOME if repository.stars}


def test_a_limit_cuts_short_and_the_next_run_goes_on(hub: GithubHub) -> None:
    github_api.limited(hub.folder, 12)
    first = hub.load(STARS, NAMES)
    assert first.record.cut_short is not None
    github_api.limited(hub.folder, github_api.LIMIT)
    second = hub.load(STARS, NAMES, NOW + timedelta(hours=1))
    assert second.record.cut_short is None
    assert totals(hub) == {repository.full_name: repository.stars for repository in SOME if repository.stars}


def test_a_week_whose_days_do_not_add_up_sets_its_repository_aside(hub: GithubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    real = github_stars.history

    def odd(forge: Any, repository: Any) -> Any:
        weeks = real(forge, repository)
        return [weeks[0] | {"total": -1}, *weeks[1:]] if repository.full_name == NAMES[0] else weeks

    monkeypatch.setattr(github_stars, "history", odd)
    loaded = hub.load(STARS, NAMES)
    assert list(loaded.record.facts["set_aside"]) == [NAMES[0]]
    assert NAMES[1] in totals(hub)


def test_histories_that_are_all_empty_are_refused(hub: GithubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(github_stars, "history", lambda *_: [])
    with pytest.raises(RestError, match="all empty"):
        hub.load(STARS, [repository.full_name for repository in LIVING])
