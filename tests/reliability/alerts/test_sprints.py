from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from oso_dagster.domain.alerts import sprint as deeds
from oso_dagster.domain.alerts.sprint import EntryKind, Guilty, ObjectiveFinding, SprintPhase
from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.reliability.store import Store
from tests.support.postgres import ENGINES, address

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
GUILTY = (Guilty("shop/things", "team:shop", 1, 2, "the till is stuck", "run1"),)


@pytest.fixture(scope="module", params=ENGINES)
def url(request, tmp_path_factory):
    return address(request, tmp_path_factory.mktemp("store"))


@pytest.fixture
def store(url):
    with Store.open(url, "sandbox") as opened:
        yield opened
        with opened.database.writing() as connection:
            connection.execute(text("DELETE FROM sprints"))
            connection.execute(text("DELETE FROM sprint_events"))


def finding(verdict=Verdict.BREACHED, at=NOON, objective="core.freshness"):
    return ObjectiveFinding(objective, "core", verdict, f"it is {verdict}", 1, 2, 9_900, at, GUILTY, "fix the till")


def closed_at(store, at):
    """A sprint from noon on that is closed at `at`."""
    store.sprints.advance([finding()])
    store.sprints.advance([finding(Verdict.COMPLIANT, at - HOUR)])
    return store.sprints.advance([finding(Verdict.COMPLIANT, at)])[0]


def test_a_sprint_is_remembered_with_evidence_and_history(store):
    changed = store.sprints.advance([finding(), finding(Verdict.COMPLIANT, objective="core.other")])
    assert store.sprints.newest() == {"core.freshness": changed[0]}
    assert changed[0].finding == finding()


def test_an_evaluation_that_finds_the_same_writes_nothing(store):
    store.sprints.advance([finding()])
    assert store.sprints.advance([finding(at=NOON + HOUR)]) == []


def test_what_people_do_is_added_to_the_history(store):
    store.sprints.advance([finding()])
    after = store.sprints.change("core.freshness", lambda sprint: deeds.note(sprint, "looked at it", "ada", NOON + HOUR))
    assert store.sprints.newest()["core.freshness"] == after
    assert [entry.kind for entry in after.history] == [EntryKind.OPENED, EntryKind.NOTED]


def test_an_objective_that_never_had_a_sprint_is_named(store):
    with pytest.raises(LookupError, match=r"core\.other never had a sprint"):
        store.sprints.change("core.other", lambda sprint: sprint)


def test_what_is_refused_leaves_no_trace(store):
    before = closed_at(store, NOON + 3 * HOUR)
    with pytest.raises(ValueError, match="is closed"):
        store.sprints.change("core.freshness", lambda sprint: deeds.acknowledge(sprint, "ada", NOON))
    assert store.sprints.newest() == {"core.freshness": before}


def test_sprints_are_found_by_the_time_at_which_they_were_open(store):
    end = NOON + 3 * HOUR
    first = closed_at(store, end)
    assert (store.sprints.since(end), store.sprints.since(end + HOUR)) == ([first], [])
    second = store.sprints.advance([finding(at=end + timedelta(days=2))])[0]
    assert store.sprints.since(NOON) == [second, first]
    assert store.sprints.newest() == {"core.freshness": second}


def test_many_evaluations_at_once_open_one_sprint(store):
    findings = [replace(finding(), at=NOON + timedelta(seconds=number)) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda each: store.sprints.advance([each]), findings))
    sprints = store.sprints.since(NOON - HOUR)
    assert [sprint.phase for sprint in sprints] == [SprintPhase.OPEN]
    assert [entry.kind for entry in sprints[0].history] == [EntryKind.OPENED]
