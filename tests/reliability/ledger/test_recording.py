from __future__ import annotations

from datetime import UTC, datetime
from threading import Event, current_thread

import pytest

from oso_dagster.domain.objectives.attempts import Attempt, Label, Outcome, RunState
from oso_dagster.reliability.ledger import ledger
from oso_dagster.reliability.ledger.ledger import Cursor, RunRow
from oso_dagster.reliability.ledger.recording import in_background
from oso_dagster.reliability.store import Store
from tests.support.postgres import empty

WAIT = 30


def test_what_is_recorded_beside_its_caller_keeps_its_order_and_is_all_there_at_the_end():
    may_go_on, done = Event(), []

    def record(runs, attempts, good):
        may_go_on.wait(WAIT)
        done.append((runs, current_thread().name))

    with in_background(record) as begin:
        begin(["r1"], [], [])
        assert done == []  # the caller goes on meanwhile
        may_go_on.set()
        begin(["r2"], [], [])
        begin(["r3"], [], [])
    assert [runs for runs, _ in done] == [["r1"], ["r2"], ["r3"]]
    assert {thread for _, thread in done} != {current_thread().name}


@pytest.mark.parametrize("failing", ["first", "last"])
def test_what_could_not_be_recorded_is_raised_and_nothing_is_recorded_after_it(failing):
    done = []

    def record(runs, attempts, good):
        if runs == failing:
            raise ConnectionError("the server is gone")
        done.append(runs)

    def all_of_them():
        with in_background(record) as begin:
            for runs in ("first", "second", "last"):
                begin(runs, [], [])

    with pytest.raises(ConnectionError, match="the server is gone"):
        all_of_them()
    assert done == {"first": [], "last": ["first", "second"]}[failing]


@pytest.mark.server
def test_a_server_knows_how_much_there_is_once_much_was_recorded(postgres_server, monkeypatch):
    monkeypatch.setattr(ledger, "_MANY", 2)
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    attempts = [Attempt("r1", f"shop/{name}", None, Label.CORE, Outcome.OK, "r1", noon, noon) for name in "ab"]
    with Store.open(empty(postgres_server), "sandbox") as store:

        def counted():
            with store.database.reading() as connection:
                known = "SELECT reltuples FROM pg_class WHERE oid = CAST('attempts' AS regclass)"
                return connection.exec_driver_sql(known).scalar_one()

        store.ledger.discover("log", Cursor(1, "x"), ["r1"], noon)
        assert counted() == -1
        with store.ledger.recording() as record:
            record([RunRow("r1", "r1", RunState.SUCCEEDED, will_retry=False, settled=True)], attempts, [])
        assert counted() == len(attempts) == len(store.attempts())
