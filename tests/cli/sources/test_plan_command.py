"""`oso sources plan`: what is asked first and what it costs, in eighty columns and as JSON, without a request."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from oso_dagster.cli import app
from oso_dagster.cli.sources import plan_table
from oso_dagster.connectors.github.core.feed_state import FeedState
from oso_dagster.connectors.kept_state import MARK, KeptState
from oso_dagster.domain.catalogue.loading import ExtractRequest, LoadPlan, LoadRecord, PlannedItem
from oso_dagster.sources._github.plans import ATLAS, KNOWN, plan_of_changes, plan_of_feeds, plan_of_stars

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def request(table: str, cache: Path, record: LoadRecord | None = None) -> ExtractRequest:
    inputs = {KNOWN: ["A/busy", "a/quiet", "a/*"], ATLAS: ["https://github.com/Atlas/one", "https://example.org"]}
    return ExtractRequest("github", table, NOW, cache, {}, previous=record, inputs=inputs)


def remembered(table: str, cache: Path, states: dict[str, dict[str, object]]) -> ExtractRequest:
    state = KeptState(cache / "github" / table, dict(states))
    record = LoadRecord("1", "github", table, None, "v", "f", {table: 1}, NOW, {MARK: state.keep()})
    return request(table, cache, record)


def test_a_plan_names_the_busy_feed_first_and_counts_what_a_day_costs(tmp_path: Path) -> None:
    fresh = plan_of_feeds(request("repository_events", tmp_path))
    assert [(planned.item, planned.why) for planned in fresh.items] == [
        (name, "never asked") for name in ("a/busy", "a/quiet", "atlas/one")
    ]
    assert fresh.per_day == 3
    asked = NOW - timedelta(hours=2)
    busy = FeedState(asked.isoformat(), asked.isoformat(), (asked - timedelta(hours=1)).isoformat(), 100)
    quiet = FeedState(asked.isoformat(), asked.isoformat(), (asked - timedelta(days=20)).isoformat(), 2)
    later = plan_of_feeds(remembered("repository_events", tmp_path, {"a/busy": busy.plain(), "a/quiet": quiet.plain()}))
    assert [planned.item for planned in later.items] == ["a/busy", "atlas/one"]
    assert "2,400.0 events a day" in later.items[0].why
    assert later.per_day == round(24 / 1.2 + 0.1 + 1)


def test_walks_that_were_cut_go_on_before_new_ones_begin(tmp_path: Path) -> None:
    walk = {"until": "2026-03-03T00:00:00+00:00", "round": "2026-03-03", "after": None, "top": None, "gone": False}
    plan = plan_of_changes(remembered("issues", tmp_path, {"a/quiet": walk, "atlas/one": walk | {"after": "c", "round": None}}))
    assert [planned.item for planned in plan.items] == ["atlas/one", "a/quiet", "a/busy"]
    assert [planned.why for planned in plan.items] == [
        "its walk goes on", "changes since 2026-03-03T00:00", "never walked; since 2025-01-01",
    ]  # fmt: skip
    assert (plan.unit, plan.per_day) == ("points", 1)


def test_star_histories_that_are_not_due_are_not_planned(tmp_path: Path) -> None:
    asked = {"asked": (NOW - timedelta(hours=1)).isoformat(), "weeks": [], "older": 2, "gone": False, "validators": {}}
    plan = plan_of_stars(remembered("stars_by_day", tmp_path, {"a/busy": asked, "a/quiet": asked}))
    assert [planned.item for planned in plan.items] == ["atlas/one"]
    assert plan.note == "2 repositories have older pages to read"


def test_a_plan_fits_eighty_columns() -> None:
    long = "an-organisation-with-a-very-long-name-indeed/a-repository-with-a-name-that-is-even-longer-than-that"
    items = [PlannedItem(long, "12.3 × due, 123,456.7 events a day")] * 3
    output = StringIO()
    plans = {"repository_events": LoadPlan(items, 25_000, "requests", 2_500, 26_000, 120_000, "an unchanged feed costs nothing")}
    plan_table.print_plans(plans, 2, Console(file=output, width=80))
    lines = output.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert "25,000" in output.getvalue()
    assert "21.7%" in output.getvalue()
    assert plan_table.plain(plans, 1)[0]["first"] == [{"item": long, "why": items[0].why}]


def test_a_source_without_a_plan_says_so_and_one_whose_needs_were_never_loaded_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSO_HOME", str(tmp_path))
    monkeypatch.setenv("OSO_WORLD", "sandbox")
    assert "so no plan" in str(CliRunner().invoke(app, ["sources", "plan", "growthepie"]).exception)
    refused = CliRunner().invoke(app, ["sources", "plan", "github", "--table", "events"]).exception
    assert "repository_events" in str(refused)
    monkeypatch.setenv("OSO_WORLD", "live")
    early = CliRunner().invoke(app, ["sources", "plan", "github", "--table", "repository_events"])
    assert early.exit_code == 1
    assert "oso: github has no plan yet: it needs" in early.stderr
    assert "was never loaded" in early.stderr
    assert json.dumps(plan_table.plain({}, 1)) == "[]"
