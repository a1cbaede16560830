"""Every table at 80 and 120 columns, on the real catalogue: names, verdicts and numbers are whole, and no line is longer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.table import Table
from typer.testing import CliRunner

from oso_dagster.cli import app
from oso_dagster.cli.run_result import JudgedObjective, _data, _objectives, _State
from oso_dagster.cli.session.terminal import console
from oso_dagster.cli.slo.verdict_tables import ObjectivesReport, maintenances
from oso_dagster.cli.sources.source_tables import overview, row_of
from oso_dagster.domain.alerts.sprint import Guilty, ObjectiveFinding
from oso_dagster.domain.catalogue.table_names import table_name
from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.freshness import Freshness
from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.domain.objectives.objectives import OBJECTIVES
from oso_dagster.domain.objectives.slo import Assessment, Verdict
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings
from oso_dagster.sources import catalogue

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CUT = "…"
WORDS = {"12,345,678,901", "table", "rows", "fresh", "verdict", "compliant"}
pytestmark = pytest.mark.parametrize("width", [80, 120])


def lines(table: Table, width: int) -> list[str]:
    terminal = console()
    terminal.width = width
    with terminal.capture() as capture:
        terminal.print(table)
    return capture.get().splitlines()


def judge(printed: list[str], width: int, wanted: set[str]) -> None:
    words = {word for line in printed for word in line.split()}
    assert wanted <= words, wanted - words
    assert [line for line in printed if len(line) > width or CUT in line] == []


def test_the_catalogue_with_the_longest_words(width: int) -> None:
    rows = [row_of(source, table, NOW - timedelta(minutes=59), "compliant") for source in catalogue() for table in source.tables]
    names = {table_name(source.name, table.name) for source in catalogue() for table in source.tables}
    printed = lines(overview(rows, NOW), width)
    judge(printed, width, names)
    retired = sum(len(source.tables) for source in catalogue() if source.retired)
    assert sum("59 min ago   compliant" in line for line in printed) == len(names) - retired


def test_the_result_of_a_run(width: int) -> None:
    assets = {f"{source.name}/{table.name}" for source in catalogue() for table in source.tables}
    assets |= {"marts/timeseries_events_by_artifact_v0"}
    worst = max(Freshness, key=lambda freshness: len(freshness.value))
    objectives = [
        JudgedObjective(objective.id, Verdict.COMPLIANT, 99_999_999, 100_000_000, objective.target, (), NOW)
        for objective in OBJECTIVES
    ]
    state = _State(objectives, dict.fromkeys(assets, worst), dict.fromkeys(assets, 12_345_678_901))
    judge(lines(_data(state), width), width, {asset.replace("/", ".") for asset in assets} | WORDS)
    judge(lines(_objectives(objectives), width), width, {objective.id for objective in OBJECTIVES} | {"100,000,000"})
    assert lines(_objectives(objectives), width)[0].strip() == "The objectives at 2026-03-01 12:00 UTC"


def test_maintenance(width: int) -> None:
    scope = max((objective.id for objective in OBJECTIVES), key=len)
    window = Maintenance(scope, NOW, NOW + timedelta(hours=1), "someone.with.a.long.name@example.org", "a new disk " * 20)
    judge(lines(maintenances([window]), width), width, {scope})


def test_the_report_of_the_objectives(width: int) -> None:
    assets = {f"{source.name}/{table.name}" for source in catalogue() for table in source.tables}
    rows = [Assessment(objective, Verdict.BREACHED, 12_345_678, 99_999_999, (), NOW) for objective in OBJECTIVES]
    month = timedelta(days=30)
    report = ObjectivesReport(NOW, rows, dict.fromkeys(assets, (month, month)), dict.fromkeys(assets, Label.CORE))
    printed = [line for table in report.as_tables(None) for line in lines(table, width)]
    judge(printed, width, {objective.id for objective in OBJECTIVES} | assets)
    assert any(line.split() == ["npm/downloads", "100.00", "%", "30", "d"] for line in printed)


@pytest.fixture
def home(settings: Settings, monkeypatch: pytest.MonkeyPatch, width: int) -> Path:
    monkeypatch.setenv("COLUMNS", str(width))
    guilty = tuple(Guilty(f"{s.name}/{t.name}", s.owner, 1, 12, "x " * 90, "0" * 36) for s in catalogue() for t in s.tables)
    findings = [
        ObjectiveFinding(
            each.id, each.service, Verdict.BREACHED, "what was counted " * 12, 0, 1, 10_000, NOW, guilty, "repair it"
        )
        for each in OBJECTIVES
    ]
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        store.sprints.advance(findings)
        store.maintenance.add(Maintenance(OBJECTIVES[0].id, NOW, NOW + timedelta(days=1), "someone", "a new disk " * 20, NOW))
        store.public_notices.add("On Monday the endpoint moves. " * 9, NOW, None, "someone")
    return settings.home


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        (["sprint", "list"], {objective.id for objective in OBJECTIVES}),
        (["sprint", "show", OBJECTIVES[0].id], {f"{s.name}/{t.name}" for s in catalogue() for t in s.tables}),
        (["settings"], {"OSO_WORLD", "OSO_DISCORD_CHANNELS"}),
        (["slo", "simulate"], {"outage"}),
        (["slo", "maintenance", "list"], {OBJECTIVES[0].id}),
        (["slo", "maintenance", "log"], {OBJECTIVES[0].id, "declared"}),
        (["status", "announcements"], {"moves."}),
        (["alerts", "preview"], {"RECOVERED:"}),
        (["sandbox", "status"], {"down:"}),
        (["keys", "list"], set()),
        *((["sources", "show", each.name], {table_name(each.name, table.name) for table in each.tables}) for each in catalogue()),
    ],
)
def test_a_command_prints_no_longer_lines_and_whole_names(width: int, command: list[str], wanted: set[str]) -> None:
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    printed = result.output.splitlines()
    assert wanted <= {word for line in printed for word in line.split()}
    assert [line for line in printed if len(line) > width] == []


def test_the_probes_of_a_world(width: int, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSO_HOME", str(settings.home))
    monkeypatch.setenv("OSO_WORLD", "sandbox")
    monkeypatch.setenv("COLUMNS", str(width))
    printed = CliRunner().invoke(app, ["probe", "list"]).output.splitlines()
    judge(printed, width, {"public_applications.availability"})
