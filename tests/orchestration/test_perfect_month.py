"""A perfect month is silent: sixty days by the clock, with the real schedules, promises, evaluation and alert rules."""

from datetime import UTC, datetime, timedelta

import pytest

from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.objectives import SERVICES
from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.orchestration.objectives.evaluator import Evaluator, measured_assets
from oso_dagster.reliability.store import Store
from oso_dagster.sources import catalogue
from tests.orchestration.simulated_platform import MODELS, SimulatedPlatform, in_world_of, no_failure

BEGIN = datetime(2026, 3, 4, 12, 40, tzinfo=UTC)  # a Wednesday; a change of the clock lies in the sixty days
DAY = timedelta(days=1)
UNTIL = BEGIN + 60 * DAY

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # twenty seconds of a processor each, which may be shared by many


@pytest.fixture
def store(settings):
    with Store.open(settings.reliability_store_url, settings.world.value) as opened:
        yield opened


@pytest.fixture
def platform(settings, store, instance):
    """A platform of which loads fail as `failing` says, until a day."""

    def _run(failing=no_failure, until=UNTIL):
        sources = in_world_of(catalogue(), BEGIN - 30 * DAY)
        running = SimulatedPlatform(settings, store, instance, sources, BEGIN, failing)
        running.run(until)
        return running

    return _run


def breaches(store):
    """Every verdict that was ever recorded as missed."""
    names = [(row.service, row.objective) for row in store.latest_verdicts()]
    return [row for name in names for row in store.results.verdict_history(*name) if row.verdict is Verdict.BREACHED]


def other_than_digests(messages):
    """What was sent beside the digests of the weeks."""
    return [message for message in messages if "| key=weekly@" not in message]


def test_sixty_days_on_which_nothing_fails_are_silent_and_everything_is_met(platform, store):
    ran = platform()
    assert ran.rounds > 60 * 3
    assert other_than_digests(ran.messages) == []
    assert len(ran.messages) == 8  # Mondays from 9 March to 27 April
    assert "The week to 2026-03-09: 5 of 5 objectives met, 0 sprints open" in ran.messages[0]
    assert "Upstream announces nothing" in ran.messages[0]
    assert breaches(store) == []
    assert store.sprints.since(BEGIN) == []
    assert store.incidents.standing() == []
    evaluator = Evaluator(store, ran.sources, measured_assets(ran.sources, MODELS))
    assessments = [assessment for service in SERVICES for assessment in evaluator.assess(service, UNTIL)]
    measured = {assessment.objective.id: assessment for assessment in assessments if assessment.verdict is not Verdict.NO_DATA}
    assert {assessment.verdict for assessment in measured.values()} == {Verdict.COMPLIANT}
    assert {name.split(".")[0] for name in measured} == {"core_source_data", "unstable_source_data", "sqlmesh"}
    assert measured["core_source_data.materialization_reliability"].valid > 30 * 25
    in_use = [source for source in ran.sources if source.retired is None]
    judged = {asset for label in (Label.CORE, Label.UNSTABLE) for asset in evaluator.judged_tables(label, UNTIL)}
    assert judged == {f"{source.name}/{table.name}" for source in in_use for table in source.tables}
    assert judged <= evaluator.store.ledger.last_good().keys(), "every table of the catalogue was loaded"
    assert {model.note for model in evaluator.fresh_models(UNTIL).values()} == {""}


def test_an_ordinary_failure_and_its_retry_every_day_pages_nobody(platform, store):
    """Each day another table fails, once or as often as its retries allow, before it is good. A retry is no failure."""
    tables = [(f"{source.name}/{table.name}", table.retries.limit) for source in catalogue() for table in source.tables]
    failed = []

    def failing(asset, tick):
        number = (tick - BEGIN).days
        name, limit = tables[number % len(tables)]
        if name != asset:
            return 0
        failed.append(name)
        return limit if number % 2 else 1

    ran = platform(failing)
    assert len(set(failed)) > 40
    assert other_than_digests(ran.messages) == []
    assert breaches(store) == []


def test_a_table_whose_every_try_but_the_last_fails_every_day_still_keeps_its_promise(platform, store):
    limits = {f"{source.name}/{table.name}": table.retries.limit for source in catalogue() for table in source.tables}
    slow = ("github/events", "superchain/deployments", "op_atlas/user_projects")
    ran = platform(lambda asset, _tick: limits[asset] if asset in slow else 0, BEGIN + 6 * DAY)
    assert other_than_digests(ran.messages) == []
    assert breaches(store) == []


def test_a_day_that_is_never_loaded_is_told_the_same_day_so_that_the_silence_means_something(platform, store):
    lost = BEGIN + 3 * DAY
    ran = platform(lambda asset, tick: -1 if asset == "github/events" and tick > lost else 0, BEGIN + 5 * DAY)
    [sprint] = [sprint for sprint in store.sprints.since(BEGIN) if sprint.objective == "core_source_data.data_freshness"]
    [guilty] = sprint.finding.guilty
    assert (guilty.asset, guilty.cause) == ("github/events", "partition 2026-03-08 is missing, due since 2026-03-09 12:00 UTC")
    assert sprint.opened_at == datetime(2026, 3, 8, 12, tzinfo=UTC)
    assert any("github/events" in line for line in ran.messages)
