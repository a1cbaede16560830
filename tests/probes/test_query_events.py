"""Events of finished queries: acknowledged only when stored, counted once, classified by the service definition."""

import asyncio
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web

from oso_dagster.cli.probes.query_receiver import OBJECTIVE, SERVICE, SLICE, TakeIntoStore, published_names
from oso_dagster.probes.query_events import PATH, application, end_of
from oso_dagster.reliability.query_ends import KEPT
from oso_dagster.reliability.store import Store
from tests.support.postgres import ENGINES, address

pytestmark = pytest.mark.server

AT = datetime(2026, 3, 1, 12, 0, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def event(query, error=None, type_=None, message="", at=AT, user="anyone"):
    """As Trino 476 posts it, with the fields that are read."""
    failure = {"errorCode": {"code": 1, "name": error, "type": type_}, "failureMessage": message} if error else None
    return {
        "metadata": {"queryId": query, "query": "SELECT 1", "queryState": "FAILED" if error else "FINISHED"},
        "context": {"user": user},
        "failureInfo": failure,
        "createTime": (at - MINUTE).isoformat().replace("+00:00", "Z"),
        "endTime": at.isoformat().replace("+00:00", "Z"),
    }


@pytest.fixture(params=ENGINES)
def store(request, tmp_path):
    with Store.open(address(request, tmp_path), "live") as opened:
        yield opened


def posted(take, events, ignored=()):
    """The statuses with which events are answered."""

    async def _post():
        runner = web.AppRunner(application(take, ignored), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
        try:
            async with aiohttp.ClientSession() as session:
                statuses = []
                for each in events:
                    async with session.post(url, json=each) as response:
                        statuses.append(response.status)
                return statuses
        finally:
            await runner.cleanup()

    return asyncio.run(_post())


def counted(store):
    samples = store.samples.all(SERVICE, OBJECTIVE, AT - MINUTE, AT + 60 * MINUTE)
    return [((sample.count.at - AT.replace(second=0)) // MINUTE, sample.count.good, sample.count.valid) for sample in samples]


def test_every_class_of_end_counts_as_the_service_definition_says_and_an_event_that_comes_again_counts_once(store):
    events = [
        event("good-1"),
        event("good-2"),
        event("memory", "EXCEEDED_LOCAL_MEMORY_LIMIT", "INSUFFICIENT_RESOURCES"),
        event("published", "TABLE_NOT_FOUND", "USER_ERROR", "line 1:15: Table 'lake.marts.projects_v1' does not exist"),
        event("typo", "TABLE_NOT_FOUND", "USER_ERROR", "line 1:15: Table 'lake.marts.projekts' does not exist"),
        event("syntax", "SYNTAX_ERROR", "USER_ERROR"),
        event("canceled", "USER_CANCELED", "USER_ERROR"),
        event("abandoned", "ABANDONED_QUERY", "USER_ERROR"),
        event("later", at=AT + MINUTE),
    ]
    take = TakeIntoStore(store, {"marts.projects_v1"})
    assert posted(take, events + events[:4]) == [204] * 13
    assert counted(store) == [(0, 2, 4), (1, 1, 1)]
    [sample, _] = store.samples.all(SERVICE, OBJECTIVE, AT - MINUTE, AT + 60 * MINUTE)
    assert (sample.slice, sample.cause) == (SLICE, "TABLE_NOT_FOUND (USER_ERROR)")


def test_what_is_not_stored_is_not_acknowledged_and_counts_when_it_is_sent_again(store):
    answers = iter([OSError("the disk is full")])
    take = TakeIntoStore(store, ())

    def fails_once(end):
        for error in answers:
            raise error
        take(end)

    assert posted(fails_once, [event("q"), event("q"), event("q")]) == [503, 204, 204]
    assert counted(store) == [(0, 1, 1)]


def test_queries_of_the_canary_and_events_of_no_end_are_acknowledged_and_not_counted(store):
    created = {name: value for name, value in event("new").items() if name != "endTime"}
    take = TakeIntoStore(store, ())
    assert posted(take, [event("canary", user="oso-probe"), created], {"oso-probe"}) == [204, 204]
    assert counted(store) == []


@pytest.mark.parametrize("wrong", [[], {}, {"metadata": {}}, {"metadata": {"queryId": "q"}, "endTime": "soon"}])
def test_what_is_no_event_is_refused_for_good(store, wrong):
    assert posted(TakeIntoStore(store, ()), [wrong]) == [400]


def test_a_failure_without_a_code_is_unexpected(store):
    failed = event("q") | {"metadata": {"queryId": "q", "queryState": "FAILED"}}
    assert end_of(failed).error == "UNKNOWN"
    posted(TakeIntoStore(store, ()), [failed])
    assert counted(store) == [(0, 0, 1)]


def test_ids_are_forgotten_after_a_month_and_their_counts_stay(store):
    take = TakeIntoStore(store, ())
    posted(take, [event("q")])
    assert store.query_ends.forget(AT + KEPT) == 0
    assert store.query_ends.forget(AT + KEPT + MINUTE) == 1
    assert counted(store) == [(0, 1, 1)]


def test_the_names_that_the_platform_publishes_are_those_of_its_models_and_public_tables(settings):
    names = published_names(settings)
    assert {"marts.projects_v1", "project_id", "oss_directory.projects", "npm.downloads"} <= names
    assert "marts.projekts" not in names
