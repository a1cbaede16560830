"""`oso slo` as a person uses it, on a real instance and store."""

import json
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
import yaml
from typer.testing import CliRunner

from oso_dagster.cli import app
from oso_dagster.cli.session.instance import prepare
from oso_dagster.reliability.store import Store
from oso_dagster.settings import SANDBOX_PARTITIONS

pytestmark = pytest.mark.slow


@dg.asset(key=["oss_directory", "projects"])
def fails() -> None:
    raise ValueError("the till is stuck")


@dg.asset(key=["oss_directory", "collections"])
def works() -> None: ...


@pytest.fixture
def world(settings, shared_manifest, monkeypatch):
    """A world of two days in which one core asset failed and one is good."""
    for name, value in prepare(settings).items():
        monkeypatch.setenv(name, value)
    with dg.DagsterInstance.get() as instance:
        dg.materialize([fails], instance=instance, raise_on_error=False)
        dg.materialize([works], instance=instance)
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        store.results.remember_assets({"oss_directory/projects"}, datetime.now(UTC) - timedelta(days=2))
    return settings


def oso(*arguments, code=0):
    result = CliRunner().invoke(app, ["slo", *arguments])
    assert result.exit_code == code, result.output
    return result.output


def objectives(*arguments):
    return {objective["objective"]: objective for objective in json.loads(oso("report", "--json", *arguments))["objectives"]}


def test_a_report_counts_what_happened_and_the_past_is_replayed(world):
    reported = objectives()
    core = reported["core_source_data.materialization_reliability"]
    assert (core["verdict"], core["good"], core["valid"]) == ("breached", 1, 2)
    assert core["met_again"] > (datetime.now(UTC) + timedelta(days=29)).isoformat()
    assert reported["kubernetes.availability"]["verdict"] == "no_data"
    assert len(reported) == 12
    before = objectives("--at", (datetime.now(UTC) - timedelta(days=1)).isoformat(), "--service", "core_source_data")
    # Days of events were due then as well, and none had come.
    missing = {"core_source_data.partition_completeness", "core_source_data.data_freshness"}
    assert {name for name, objective in before.items() if objective["verdict"] == "breached"} <= missing
    assert before["core_source_data.materialization_reliability"]["verdict"] == "no_data"
    after = objectives("--at", (datetime.now(UTC) + timedelta(days=31)).isoformat(), "--service", "core_source_data")
    assert after["core_source_data.materialization_reliability"]["verdict"] == "no_data"
    assert after["core_source_data.data_freshness"]["verdict"] == "breached"


def test_before_the_start_nothing_is_due_and_the_report_says_no_data(world):
    before = objectives("--at", "2001-01-01")
    assert {objective["verdict"] for objective in before.values()} == {"no_data"}


def test_an_asset_is_reported_by_itself(world):
    [projects] = json.loads(oso("report", "--json", "--asset", "oss_directory/projects"))["objectives"]
    assert (projects["good"], projects["valid"], projects["verdict"]) == (0, 1, "breached")
    assert "no asset is called nobody/knows" in oso("report", "--asset", "nobody/knows", code=2)
    assert "no service is called nothing" in oso("report", "--service", "nothing", code=2)


def test_the_table_for_people_says_the_same(world, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    text = oso("report")
    assert "1 of 2 materializations succeeded (50.00 %); the target is 99.00 %" in text
    assert "consumer_trino.queries: the page above 14.4 can never fire at 90 %" in text


def test_an_explanation_names_each_bad_event_its_cost_its_run_and_when_it_leaves(world):
    [event] = json.loads(oso("explain", "core_source_data.materialization_reliability", "--json"))["bad_events"]
    assert event["asset"] == "oss_directory/projects"
    assert event["cause"] == "ValueError: the till is stuck"
    assert event["cost"] == "5000.0 % of the budget"
    assert "/runs/" in event["run"]
    assert datetime.fromisoformat(event["leaves_at"]) - datetime.fromisoformat(event["at"]) == timedelta(days=30)
    guilty = [line for line in oso("explain", "core_source_data.data_freshness").splitlines() if "never materialized" in line]
    assert guilty
    assert all(line.count("never materialized") == 1 for line in guilty), "an asset has a line of its own"
    assert "no objective is called core_source_data.nothing" in oso("explain", "core_source_data.nothing", code=2)


def test_a_sample_is_recorded_once_and_judged(world):
    command = ("record", "public_applications.requests", "--good", "98", "--valid", "100", "--slice", "api")
    at = ("--at", (datetime.now(UTC) - timedelta(minutes=1)).isoformat())
    assert oso(*command, *at) == "recorded\n"
    assert "already recorded" in oso(*command, *at)
    requests = objectives("--service", "public_applications")["public_applications.requests"]
    assert (requests["good"], requests["valid"], requests["verdict"]) == (98, 100, "breached")
    assert requests["worst"] == [{"asset": "api", "good": 98, "valid": 100, "note": ""}]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("sqlmesh.materialization_reliability", "--good", "1", "--valid", "1"), "takes no samples"),
        (("public_applications.requests", "--good", "2", "--valid", "1"), "2 good of 1 valid"),
        (("public_applications.nothing", "--good", "1", "--valid", "1"), "no objective is called"),
        (("public_applications.requests", "--good", "1", "--valid", "1", "--at", "soon"), "soon is not a time"),
    ],
)
def test_a_sample_that_makes_no_sense_is_refused(settings, arguments, complaint):
    assert complaint in " ".join(oso("record", *arguments, code=2).replace("│", " ").split())


def test_maintenance_is_declared_listed_and_left_out(world):
    now = datetime.now(UTC)
    times = ("--from", (now - timedelta(hours=1)).isoformat(), "--to", (now + timedelta(hours=1)).isoformat())
    declared = oso("maintenance", "add", "core_source_data", *times, "--reason", "a new till", "--author", "ada")
    assert "what happened before counts" in declared
    assert "already declared" in oso("maintenance", "add", "core_source_data", *times, "--reason", "a new till")
    assert [window["author"] for window in json.loads(oso("maintenance", "list", "--json"))] == ["ada"]
    core = objectives("--service", "core_source_data")["core_source_data.materialization_reliability"]
    assert (core["verdict"], core["valid"]) == ("breached", 2)  # both runs were before it was declared
    assert [window["reason"] for window in core["maintenance"]] == ["a new till"]
    with dg.DagsterInstance.get() as instance:
        dg.materialize([fails], instance=instance, raise_on_error=False)
    assert objectives("--service", "core_source_data")["core_source_data.materialization_reliability"]["valid"] == 2
    assert "would leave nothing out" in " ".join(
        oso("maintenance", "add", "core_source_dada", *times, "--reason", "x", code=2).replace("│", " ").split()
    )


def test_export_is_yaml_and_simulation_knows_what_can_never_fire(settings):
    assert len([document for document in yaml.safe_load_all(oso("export")) if document["kind"] == "SLO"]) == 9
    simulated = {(case["target_basis_points"], case["outage"]): case for case in json.loads(oso("simulate", "--json"))}
    assert simulated[7_500, "total, 1 h"]["detected_after_minutes"] is None
    assert simulated[9_900, "total, 1 h"]["detected_after_minutes"] == 9.0


def test_in_the_sandbox_partitions_from_before_its_world_are_not_asked_for(make_settings, monkeypatch):
    settings = make_settings(OSO_WORLD="sandbox")
    manifest = settings.sandbox_files.manifest
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"now": datetime.now(UTC).isoformat()}))
    for name, value in prepare(settings).items():
        monkeypatch.setenv(name, value)
    assert 0 < objectives()["core_source_data.partition_completeness"]["valid"] <= 3 * SANDBOX_PARTITIONS.days


def test_a_sample_of_the_future_is_refused_and_one_without_traffic_is_taken(world):
    assert "has not come yet" in oso(*RECORD, "--at", "2099-01-01", code=2)
    assert "recorded" in oso("record", "public_applications.requests", "--good", "0", "--valid", "0", "--slice", "website")
    assert objectives()["public_applications.requests"]["verdict"] == "no_data"


RECORD = ("record", "public_applications.availability", "--good", "1", "--valid", "1", "--slice", "website")


def test_what_is_dated_later_than_now_is_counted_and_then_removed(world):
    assert "nothing is dated later" in oso("repair")
    with Store.open(world.reliability_store_url, world.world.value) as store:
        store.heartbeats.beat("sensor remedial_alerts", timedelta(seconds=30), datetime.now(UTC) + timedelta(days=200))
    assert "1 heartbeats" in oso("repair")
    assert "removed or corrected: 1 heartbeats" in oso("repair", "--yes")
    assert "nothing is dated later" in oso("repair")


def test_maintenance_counts_from_its_declaration_is_ended_and_taken_back(world):
    now = datetime.now(UTC)
    times = ["--from", (now - timedelta(hours=3)).isoformat(), "--to", (now + timedelta(hours=3)).isoformat()]
    for listing in ("list", "log"):
        assert oso("maintenance", listing) == "no maintenance was ever declared\n"
    declared = oso("maintenance", "add", "core_source_data", *times, "--reason", "a disk", "--as", "ada")
    assert "what happened before counts" in declared
    core = "core_source_data.materialization_reliability"
    assert (objectives()[core]["good"], objectives()[core]["valid"]) == (1, 2)
    assert "ended" in oso("maintenance", "end", "core_source_data")
    assert "in no maintenance now" in oso("maintenance", "end", "core_source_data", code=2)
    later = ["--from", (now + timedelta(days=1)).isoformat(), "--to", (now + timedelta(days=3)).isoformat()]
    oso("maintenance", "add", "sqlmesh", *later, "--reason", "a disk", "--author", "ada", code=1)  # nobody says yes
    oso("maintenance", "add", "sqlmesh", *later, "--reason", "a disk", "--author", "ada", "--yes")
    assert "taken back: 1" in oso("maintenance", "cancel", "sqlmesh")
    past = ["--from", (now - timedelta(hours=3)).isoformat(), "--to", (now - timedelta(hours=1)).isoformat()]
    assert "erases nothing" in " ".join(
        oso("maintenance", "add", "sqlmesh", *past, "--reason", "a", "--author", "b", code=2).split()
    )


def test_maintenance_repeats_is_shortened_and_each_change_is_listed(world):
    window = ("--from", "2027-03-07T02:00", "--to", "2027-03-07T04:00", "--zone", "Europe/Berlin", "--reason", "a disk")
    rule = ("--repeat", "FREQ=WEEKLY;BYDAY=SU;COUNT=8")
    assert "declared 8 windows from 2027-03-07 01:00 UTC" in oso("maintenance", "add", "sqlmesh", *window, *rule)
    assert "already declared" in oso("maintenance", "add", "sqlmesh", *window, *rule)
    windows = json.loads(oso("maintenance", "list", "--json"))
    assert windows[7]["from"] == "2027-04-25T00:00:00+00:00"  # the clocks of Berlin went forward
    assert windows[0]["declared_at"]
    assert windows[0]["rule"] == "FREQ=WEEKLY;BYDAY=SU;COUNT=8 (Europe/Berlin)"
    next_week = ("--at", "2027-03-14T01:00")
    assert "shortened" in oso("maintenance", "reschedule", "sqlmesh", *next_week, "--to", "2027-03-14T02:00")
    assert "extended" in oso("maintenance", "reschedule", "sqlmesh", *next_week, "--to", "2027-03-14T02:30")
    local = oso("maintenance", "reschedule", "sqlmesh", *next_week, "--to", "2027-03-14T03:30", "--zone", "UTC")
    assert "extended: 2027-03-14 01:00 to 2027-03-14 03:30 UTC" in local
    berlin = ("--at", "2027-03-14T02:00", "--to", "2027-03-14T03:30", "--zone", "Europe/Berlin")
    assert "shortened: 2027-03-14 01:00 to 2027-03-14 02:30 UTC" in oso("maintenance", "reschedule", "sqlmesh", *berlin)
    oso("maintenance", "reschedule", "sqlmesh", *next_week, "--to", "2027-03-16T02:30", code=1)  # nobody says yes
    assert "taken back: 1" in oso("maintenance", "cancel", "sqlmesh", *next_week)
    assert "taken back: 7" in oso("maintenance", "cancel", "sqlmesh")
    changes = [change["what"] for change in json.loads(oso("maintenance", "log", "--json"))]
    assert changes == ["declared"] * 8 + ["moved"] * 4 + ["taken_back"] * 8
    for wrong, why in [(("--repeat", "FREQ=WEEKLY"), "say when it ends"), (("--zone", "Mars/North"), "no time zone is called")]:
        assert why in " ".join(oso("maintenance", "add", "sqlmesh", *window, *wrong, code=2).replace("│", " ").split())
