"""What is gathered from the store for the status page, and what is kept private."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from oso_dagster.domain.alerts.sprint import Guilty, ObjectiveFinding, acknowledge, assign, note
from oso_dagster.domain.catalogue.source import Source
from oso_dagster.domain.objectives.attempts import Attempt, Label, Outcome, RunState
from oso_dagster.domain.objectives.freshness import Freshness
from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.domain.objectives.slo import Tally, Verdict
from oso_dagster.domain.status.data_sets import DataSet
from oso_dagster.domain.status.page import StatusPage
from oso_dagster.domain.status.public_incidents import PublicPhase, WorkState
from oso_dagster.orchestration.objectives.evaluator import Evaluator, measured_assets
from oso_dagster.orchestration.status_page.read_model import gather
from oso_dagster.reliability.ledger.ledger import Cursor, RunRow
from oso_dagster.reliability.results import AssetRow, VerdictRow
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings
from oso_dagster.sources import catalogue
from oso_dagster.statuspage.words import promised

NOW = datetime(2025, 11, 21, 9, 5, tzinfo=UTC)
STALE_AFTER = timedelta(minutes=45)


def breach(at: datetime, verdict: Verdict = Verdict.BREACHED) -> VerdictRow:
    guilty = (
        Tally("oss_directory/projects", 0, 1, "password=hunter2 at https://runs.example/1"),
        Tally("oss_funding/funding_data", 0, 1),
    )
    return VerdictRow(
        "core_source_data", "data_freshness", verdict, 1, 3, 10_000, None, "", "1 of 3 assets are fresh", guilty, at
    )


def test_a_breach_is_an_incident_from_its_first_verdict_and_causes_stay_private(settings: Settings) -> None:
    began = NOW - timedelta(days=120)
    with Store.open(settings.reliability_store_url, "live") as store:
        store.results.record_verdicts([breach(began), breach(NOW - timedelta(hours=1))])
        page = gather(settings, catalogue(), [], store, timedelta(minutes=45), NOW)
    assert [(incident.key, incident.since) for incident in page.incidents] == [
        ("core_source_data.data_freshness@20250724T090500Z", began)
    ]
    assert page.incidents[0].text == "1 of 3 assets are fresh."
    assert page.incidents[0].affected == ("oss_directory/projects", "oss_funding/funding_data")
    assert "hunter2" not in repr(page)
    assert [day.verdict for day in page.services[0].objectives[1].days[-2:]] == [Verdict.NO_DATA, Verdict.BREACHED]


def test_an_incident_that_is_over_is_past(settings: Settings) -> None:
    with Store.open(settings.reliability_store_url, "live") as store:
        store.results.record_verdicts([breach(NOW - timedelta(days=3)), breach(NOW - timedelta(days=1), Verdict.COMPLIANT)])
        page = gather(settings, catalogue(), [], store, timedelta(minutes=45), NOW)
    assert page.incidents == ()
    assert [(incident.since, incident.until) for incident in page.past] == [(NOW - timedelta(days=3), NOW - timedelta(days=1))]


def test_a_table_that_is_not_public_is_nowhere_on_the_page(settings: Settings) -> None:
    sources = [
        replace(source, tables=tuple(replace(table, public=False) for table in source.tables)) for source in catalogue()[:1]
    ]
    name = f"{sources[0].name}/{sources[0].tables[0].name}"
    row = replace(breach(NOW), guilty=(Tally(name, 0, 1),))
    with Store.open(settings.reliability_store_url, "live") as store:
        store.results.record_verdicts([row])
        page = gather(settings, sources, [], store, timedelta(minutes=45), NOW)
    assert name not in repr(page)


def gathered(settings: Settings, store: Store, sources: list[Source] | None = None) -> StatusPage:
    """The page at NOW of the catalogue, without models."""
    return gather(settings, sources or catalogue(), [], store, STALE_AFTER, NOW)


def data_set_of(page: StatusPage, asset: str) -> DataSet:
    """One of its data sets."""
    return next(data_set for group in page.groups for data_set in group.sets if data_set.asset == asset)


def load(
    store: Store,
    at: datetime,
    outcome: Outcome,
    number: int,
    asset: str = "oss_directory/projects",
    partition: str | None = None,
    newest_event: datetime | None = None,
) -> None:
    """A run, of the projects by default, that ended at `at`."""
    run = RunRow(f"run-{number}", f"run-{number}", RunState.SUCCEEDED, will_retry=False, settled=True)
    attempt = Attempt(
        run_id=run.run_id,
        asset=asset,
        partition=partition,
        label=Label.CORE,
        outcome=outcome,
        family=run.family,
        started=at,
        ended=at,
        cause="password=hunter2" if outcome is Outcome.FAILED else "",
        rows=7,
        will_retry=False,
        reported=False,
        newest_event=newest_event,
    )
    store.ledger.discover("test", Cursor(number, ""), [run.run_id], at)
    store.ledger.record([run], [attempt])


def test_a_missed_objective_tells_when_it_is_met_again(settings: Settings) -> None:
    failed = NOW - timedelta(days=4)
    verdict = VerdictRow(
        "core_source_data", "materialization_reliability", Verdict.BREACHED, 0, 1, 9_900, timedelta(days=30), "", "", (), NOW
    )
    with Store.open(settings.reliability_store_url, "live") as store:
        load(store, failed, Outcome.FAILED, 1)
        store.results.record_verdicts([verdict])
        missed = gathered(settings, store).services[0].objectives[0]
    assert missed.recovers == failed + timedelta(days=30)


def test_a_data_set_tells_how_long_it_was_fresh(settings: Settings) -> None:
    day = timedelta(days=1)
    with Store.open(settings.reliability_store_url, "live") as store:
        store.results.remember_assets({"oss_directory/projects"}, NOW - 40 * day)
        load(store, NOW - 10 * day, Outcome.OK, 1)
        directory = next(source for source in catalogue() if source.name == "oss_directory")
        within = next(table.fresh_within for table in directory.tables if table.name == "projects")
        store.results.record_freshness([AssetRow("oss_directory/projects", Freshness.STALE, within, NOW)])
        page = gathered(settings, store)
    directory_projects = data_set_of(page, "oss_directory/projects")
    assert (directory_projects.fresh_for, directory_projects.promised_for) == (within, 30 * day)
    assert directory_projects.rows == 7
    assert directory_projects.needs_attention


def test_a_table_of_partitions_had_not_to_be_fresh_before_its_first_load_was_due(settings: Settings) -> None:
    day, name = timedelta(days=1), "superchain/deployments"
    superchain = next(source for source in catalogue() if source.name == "superchain")
    (table,) = (table for table in superchain.tables if table.name == "deployments")
    first_due, parts = superchain.terms_of(table).first_due(NOW - 2 * day), table.partitions
    assert parts is not None
    with Store.open(settings.reliability_store_url, "live") as store:
        store.results.remember_assets({name}, NOW - 2 * day)
        for number, window in enumerate(parts.due(NOW)[-3:]):
            load(store, NOW - day, Outcome.OK, number, name, window.key)
        page = gathered(settings, store)
    data_set = data_set_of(page, name)
    assert (data_set.fresh_for, data_set.promised_for) == (day, NOW - first_due)
    assert 2 * day > NOW - first_due > day


def test_a_source_on_its_first_day_stops_no_page_and_is_not_due(settings: Settings) -> None:
    superchain = next(source for source in catalogue() if source.name == "superchain")
    tomorrow = NOW.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    starts = [
        replace(table, partitions=replace(table.partitions, start=tomorrow)) for table in superchain.tables if table.partitions
    ]
    new = replace(superchain, tables=tuple(starts))
    labels = measured_assets([new], [])
    with Store.open(settings.reliability_store_url, "live") as store:
        store.results.record_freshness(Evaluator(store, [new], labels).freshness_rows(Label.UNSTABLE, NOW))
        store.results.record_freshness(Evaluator(store, [new], labels).freshness_rows(Label.CORE, NOW))
        page = gather(settings, [new], [], store, timedelta(minutes=45), NOW)
    [group] = [group for group in page.groups if group.name == "superchain"]
    assert {(data_set.state, data_set.due_partitions, data_set.holes, data_set.stale_because) for data_set in group.sets} == {
        ("not_due", 0, (), "")
    }


def test_a_stale_table_says_why_and_what_is_promised_of_its_partitions(settings: Settings) -> None:
    name = "superchain/deployments"
    superchain = next(source for source in catalogue() if source.name == "superchain")
    with Store.open(settings.reliability_store_url, "live") as store:
        store.results.remember_assets({name}, NOW - timedelta(days=9))
        evaluator = Evaluator(store, catalogue(), measured_assets(catalogue(), []))
        store.results.record_freshness(evaluator.freshness_rows(Label(superchain.stability.value), NOW))
        data_set = data_set_of(gathered(settings, store), name)
    assert data_set.freshness is Freshness.STALE
    assert data_set.stale_because.startswith("partition 2")
    assert promised(data_set) == "each day within 30 hours of its end"


def test_the_newest_event_is_told_where_its_age_is_promised(settings: Settings) -> None:
    hour, promised, other = timedelta(hours=1), "github/events", "github/repositories"
    with Store.open(settings.reliability_store_url, "live") as store:
        for number, age in enumerate((50, 30, 40)):
            load(store, NOW - hour, Outcome.OK, number, promised, f"2025-11-{18 + number}", NOW - age * hour)
        load(store, NOW - hour, Outcome.OK, 9, other, newest_event=NOW - 30 * hour)
        page = gathered(settings, store)
    watched, untold = data_set_of(page, promised), data_set_of(page, other)
    assert (watched.newest_event, watched.events_within) == (NOW - 30 * hour, 48 * hour)
    assert (untold.newest_event, untold.events_within) == (None, None)


def test_maintenance_is_told_without_its_author_and_not_of_a_table_that_is_not_public(settings: Settings) -> None:
    hour, table = timedelta(hours=1), "oss_directory/projects"
    sources = [
        replace(source, tables=tuple(replace(item, public=f"{source.name}/{item.name}" != table) for item in source.tables))
        for source in catalogue()
    ]
    with Store.open(settings.reliability_store_url, "live") as store:
        store.maintenance.add(Maintenance("sqlmesh", NOW - hour, NOW + hour, "ann@example.org", "a new disk"))
        store.maintenance.add(Maintenance("core_source_data.data_freshness", NOW + hour, NOW + 2 * hour, "ann", "a move"))
        store.maintenance.add(Maintenance(table, NOW - hour, NOW + hour, "ann", "hush"))
        store.maintenance.add(Maintenance("kubernetes", NOW - timedelta(days=200), NOW - timedelta(days=199), "ann", "long ago"))
        page, public = gathered(settings, store, sources), gathered(settings, store)
    assert [(window.title, window.service, window.state(NOW)) for window in page.works] == [
        ("Data models", "sqlmesh", WorkState.RUNNING),
        ("Core assets within their promised freshness", "core_source_data", WorkState.PLANNED),
    ]
    assert "ann@example.org" not in repr(page)
    assert [window.service for window in public.works if window.scope == table] == ["core_source_data"]


HOUR = timedelta(hours=1)


def finding(at: datetime, verdict: Verdict) -> ObjectiveFinding:
    """What an evaluation found of the core sources' freshness."""
    guilty = (
        Guilty("oss_directory/projects", "team:data", 1, 1, "password=hunter2", "run-1"),
        Guilty("oss_funding/funding_data", "team:money", 1, 1),
    )
    return ObjectiveFinding(
        "core_source_data.data_freshness", "core_source_data", verdict, "hunter2", 1, 3, 10_000, at, guilty, "hunter2"
    )


def test_a_sprint_is_told_with_its_timeline_and_what_is_for_the_team_is_not(settings: Settings) -> None:
    began, name = NOW - 9 * HOUR, "core_source_data.data_freshness"
    with Store.open(settings.reliability_store_url, "live") as store:
        store.results.record_verdicts([breach(began), breach(NOW)])
        store.sprints.advance([finding(began, Verdict.BREACHED)])
        store.sprints.change(name, lambda sprint: acknowledge(sprint, "ann", began + HOUR))
        store.sprints.change(name, lambda sprint: assign(sprint, "bob", "ann", began + 2 * HOUR))
        store.sprints.change(name, lambda sprint: note(sprint, "the disk at ann's is full", "bob", began + 3 * HOUR))
        store.sprints.change(name, lambda sprint: note(sprint, "Public: we add a disk.", "bob", began + 4 * HOUR))
        store.sprints.advance([finding(began + 5 * HOUR, Verdict.COMPLIANT)])
        open_page = gathered(settings, store)
        store.sprints.advance([finding(began + 7 * HOUR, Verdict.COMPLIANT)])
        closed = gathered(settings, store)
    (sprint,) = open_page.incidents
    assert [(update.at - began, update.phase, update.text) for update in sprint.updates] == [
        (0 * HOUR, PublicPhase.OPEN, "The objective is missed: the sprint is opened."),
        (1 * HOUR, PublicPhase.OPEN, "Somebody is working on it."),
        (2 * HOUR, PublicPhase.OPEN, "The sprint is assigned."),
        (4 * HOUR, PublicPhase.OPEN, "we add a disk."),
        (5 * HOUR, PublicPhase.WATCHED, "The objective is met again; we are watching whether it lasts."),
    ]
    assert sprint.text == "When last missed: 1 of 3 good (33.33 %); the target is all of them."
    assert (sprint.affected, sprint.owners) == (
        ("oss_directory/projects", "oss_funding/funding_data"),
        ("team:data", "team:money"),
    )
    assert closed.incidents == ()
    assert [(incident.key, incident.until, incident.phase) for incident in closed.past] == [
        (sprint.key, began + 7 * HOUR, PublicPhase.OVER)
    ]
    for secret in ("hunter2", "ann", "bob", "run-1"):
        assert secret not in repr((open_page.incidents, closed.past)), secret


def test_a_breach_before_its_sprint_and_the_sprint_have_one_key(settings: Settings) -> None:
    with Store.open(settings.reliability_store_url, "live") as store:
        store.results.record_verdicts([breach(NOW)])
        before = gathered(settings, store).incidents
        store.sprints.advance([finding(NOW, Verdict.BREACHED)])
        after = gathered(settings, store).incidents
    assert [incident.sprint for incident in (*before, *after)] == [False, True]
    assert len({incident.key for incident in (*before, *after)}) == 1


def test_a_sprint_does_not_name_a_table_that_is_not_public(settings: Settings) -> None:
    sources = [replace(source, tables=tuple(replace(table, public=False) for table in source.tables)) for source in catalogue()]
    with Store.open(settings.reliability_store_url, "live") as store:
        store.sprints.advance([finding(NOW, Verdict.BREACHED)])
        (sprint,) = gathered(settings, store, sources).incidents
    assert (sprint.affected, sprint.owners) == ((), ())


def test_a_disabled_channel_is_said_and_why_is_not(settings: Settings) -> None:
    with Store.open(settings.reliability_store_url, "live") as store:
        for name in ("discord", "log"):
            store.channels.open(name, "fingerprint", NOW)
        store.channels.disable("discord", "404 of https://discord.example/api/webhooks/1/hunter2", NOW)
        page = gathered(settings, store)
    assert page.notices == (
        "Alerts have not been delivered to the channel discord since 21 Nov 2025, 09:05 UTC: follow this page for news.",
    )
