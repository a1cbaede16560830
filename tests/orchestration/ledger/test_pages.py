"""A log is read page by page, and what is found is written while more is looked for."""

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError, ProgrammingError

from oso_dagster.domain.objectives.attempts import Judgement
from oso_dagster.orchestration.ledger import dagster_tables, event_pages
from oso_dagster.orchestration.ledger.dagster_tables import few_connections
from oso_dagster.reliability.store import Store
from tests.orchestration.ledger.runs import asset, failing, fill, judgements, run
from tests.support.postgres import empty


@pytest.fixture
def another(server, tmp_path):
    with Store.open(empty(server) if server else f"sqlite:///{tmp_path / 'another.db'}", "sandbox") as opened:
        yield opened


def retried(instance, number):
    """Three assets, one of which is made by a retry: events of one run, then of another that goes back to it."""
    first = run(instance, asset("a"), asset("b", failing), asset("c"))
    second = run(instance, asset("b"), tags={"dagster/retry_number": "1", "number": str(number)}, parent=first)
    instance.add_run_tags(first, {"dagster/will_retry": "true", "dagster/auto_retry_run_id": second})


@pytest.mark.parametrize("page", [1, 2, 7])
def test_small_pages_tell_what_one_page_tells(instance, store, another, monkeypatch, page):
    for number in range(3):
        retried(instance, number)
    whole, now = fill(instance, store)
    monkeypatch.setattr(event_pages, "PAGE", page)
    paged, _ = fill(instance, another)
    assert paged == whole
    assert whole.runs_read == 6
    assert another.attempts() == store.attempts()
    assert judgements(another, now) == judgements(store, now) == [Judgement.GOOD] * 9


def test_a_server_is_asked_over_as_few_connections_for_many_pages_as_for_one_and_all_are_closed(
    instance, store, another, server, monkeypatch
):
    retried(instance, 0)
    opened, closed = [], []
    for engine in [storage._engine for storage in (instance.event_log_storage, instance.run_storage)] if server else []:
        event.listen(engine, "connect", lambda *_: opened.append(1))
        event.listen(engine, "close", lambda *_: closed.append(1))
    fill(instance, store)
    for_one, most = len(opened), 4 if server else 0
    monkeypatch.setattr(event_pages, "PAGE", 1)
    fill(instance, another)
    assert for_one <= most
    assert len(opened) == len(closed) <= 2 * most


def test_after_a_question_that_failed_its_connection_is_closed(instance, server):
    with pytest.raises(OperationalError if server is None else ProgrammingError), few_connections():
        dagster_tables.events(instance, "SELECT nothing FROM nowhere")
    assert dagster_tables.events(instance, "SELECT count(*) FROM event_logs") == [(0,)]
