"""One token carries a day of 25,000 repositories: what the plans of all tables that ask GitHub by repository cost together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from oso_dagster.connectors.github.core.feed_state import FeedState
from oso_dagster.connectors.kept_state import MARK, KeptState
from oso_dagster.domain.catalogue.loading import ExtractRequest, LoadPlan, LoadRecord
from oso_dagster.sources import github
from oso_dagster.sources._github.plans import ATLAS, KNOWN, PER_DAY
from oso_dagster.sources._second_counts.github import RELEASES, SAMPLE, STARS, STARS_AND_FORKS, THINGS

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
COUNT = 25_000
NAMES = [f"owner{number % 500}/repository{number}" for number in range(COUNT)]
TABLES = {table.name: table for table in github.SOURCE.tables}
TOTALS = (RELEASES, STARS, STARS_AND_FORKS)
"""The second counts that ask for the totals of the sample."""
PLANNED = [name for name, table in TABLES.items() if table.plan is not None]


def events_a_day(number: int) -> float:
    """A few busy repositories and a long tail: some 370,000 events a day in all."""
    return min(6_500.0, 60_000 / (number + 1))


def states(table: str) -> dict[str, dict[str, Any]]:
    """What is known after some weeks: each asked an hour ago, busy ones due again."""
    asked = NOW - timedelta(hours=1)
    if table == "repository_events":
        known = {}
        for number, name in enumerate(NAMES):
            count = max(1, min(300, round(events_a_day(number) * 30)))
            oldest = asked - timedelta(days=count / events_a_day(number))
            known[name] = FeedState(asked.isoformat(), asked.isoformat(), oldest.isoformat(), count).plain()
        return known
    if table == "stars_by_day":
        return {name: {"asked": asked.isoformat(), "weeks": [], "older": 0, "gone": False, "validators": {}} for name in NAMES}
    walk = {"until": asked.isoformat(), "round": f"{asked:%Y-%m-%d}", "after": None, "top": None, "gone": False}
    return dict.fromkeys(NAMES, walk)


def plan_of(table: str, cache: Path, known: dict[str, dict[str, Any]]) -> LoadPlan:
    mark = KeptState(cache / "github" / table, known).keep()
    record = LoadRecord("1", "github", table, None, "v", "f", {table: 1}, NOW, {MARK: mark})
    request = ExtractRequest("github", table, NOW, cache, {}, previous=record, inputs={KNOWN: NAMES, ATLAS: []})
    plan = TABLES[table].plan
    assert plan is not None
    return plan(request)


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, LoadPlan]:
    cache = tmp_path_factory.mktemp("plans")
    return {table: plan_of(table, cache, states(table)) for table in PLANNED}


def test_all_tables_together_stay_below_what_one_token_has_a_day(plans: dict[str, LoadPlan]) -> None:
    """Repositories once a day and bills once a week have no plan; what they cost is declared. An unchanged answer is free."""
    requests = sum(plan.per_day for plan in plans.values() if plan.unit == "requests")
    requests += TABLES["repositories"].cost.calls + TABLES["sbom"].cost.calls // 7 + 3 * SAMPLE + SAMPLE  # feeds, releases
    points = sum(plan.per_day for plan in plans.values() if plan.unit == "points") + (len(THINGS) + len(TOTALS)) * SAMPLE // 25
    assert {plan.unit for plan in plans.values()} == {"requests", "points"}
    assert COUNT < requests < 0.8 * PER_DAY, f"{requests:,} requests"
    assert points < 0.02 * PER_DAY, f"{points:,} points"


def test_a_run_of_each_table_fits_into_an_hour_beside_the_others(plans: dict[str, LoadPlan]) -> None:
    hourly = PER_DAY // 24
    feeds, stars = plans["repository_events"], plans["stars_by_day"]
    assert feeds.budget + stars.budget <= hourly
    assert sum(plan.budget for plan in plans.values() if plan.unit == "points") <= hourly


def test_the_busiest_feeds_are_asked_first_and_quiet_ones_not_at_all(plans: dict[str, LoadPlan]) -> None:
    due = [planned.item for planned in plans["repository_events"].items]
    assert set(due[:3]) <= set(NAMES[:10])
    assert 0 < len(due) < COUNT // 100
    assert NAMES[-1] not in due
