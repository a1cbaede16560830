"""`oso sprint` as a person uses it, on a real store."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from oso_dagster.cli import app
from oso_dagster.domain.alerts.sprint import HYSTERESIS, Guilty, ObjectiveFinding
from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.reliability.store import Store

ID = "core_source_data.data_freshness"
NOW = datetime.now(UTC)


def finding(verdict, at):
    guilty = (Guilty("shop/things", "team:shop", 1, 1, "last good long ago", "run-1"),)
    return ObjectiveFinding(ID, "core_source_data", verdict, f"it is {verdict}", 0, 1, 10_000, at, guilty, "fix the till")


@pytest.fixture
def store(settings, monkeypatch):
    monkeypatch.setenv("OSO_HOME", str(settings.home))
    monkeypatch.setenv("OSO_WORLD", settings.world.value)
    with Store.open(settings.reliability_store_url, settings.world.value) as opened:
        opened.sprints.advance([finding(Verdict.BREACHED, NOW - timedelta(hours=3))])
        yield opened


def oso(*arguments, code=0):
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["sprint", *arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_an_open_sprint_is_listed_and_shown_with_evidence_owner_run_and_next_step(store):
    assert ID in oso("list")
    shown = oso("show", ID)
    for part in ("SLI 0.00 %, target 100.00 %", "shop/things", "team:shop", "run-1", "opened", "Next: fix the till"):
        assert part in shown


def test_what_people_do_is_in_the_history_with_their_names(store):
    assert "acknowledged by ada" in oso("ack", ID, "--as", "ada")
    assert "assigned to grace" in oso("assign", ID, "grace", "--as", "ada")
    oso("note", ID, "the till is stuck", "--as", "grace")
    sprint = json.loads(oso("show", ID, "--json"))
    assert (sprint["acknowledged_by"], sprint["assignee"]) == ("ada", "grace")
    assert [(entry["what"], entry["who"]) for entry in sprint["history"][1:]] == [
        ("acknowledged", "ada"),
        ("assigned", "ada"),
        ("noted", "grace"),
    ]


def test_a_closed_sprint_is_listed_on_request_and_takes_no_acknowledgement(store):
    for at in (NOW - 2 * HYSTERESIS, NOW - HYSTERESIS):
        store.sprints.advance([finding(Verdict.COMPLIANT, at)])
    assert "no sprint is open" in oso("list")
    assert [sprint["phase"] for sprint in json.loads(oso("list", "--days", "1", "--json"))] == ["closed"]
    assert "is closed" in oso("ack", ID, "--as", "ada", code=1)


def test_objectives_that_do_not_exist_or_never_had_a_sprint_are_named(store):
    assert "there are core_source_data.materialization_reliability" in oso("show", "shop.sales", code=2).replace("\n", "")
    assert "never had a sprint" in oso("show", "kubernetes.availability", code=1)
    assert "never had a sprint" in oso("note", "kubernetes.availability", "x", code=1)
