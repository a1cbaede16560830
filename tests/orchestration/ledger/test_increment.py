"""What one more hour costs does not grow with the history: no statement of a fill reads a whole table."""

import sqlite3
from contextlib import contextmanager
from itertools import chain

import pytest
from sqlalchemy import Engine, event

from oso_dagster.reliability.store import Store
from tests.orchestration.ledger.runs import asset, failing, fill, run


@pytest.fixture
def server():
    """The plans are SQLite's."""
    return


@contextmanager
def explained():
    """Fills with the plan of each statement that is executed meanwhile, by statement, on whichever database."""
    plans = {}

    def explain(connection, cursor, statement, parameters, context, executemany):
        if statement.lstrip().split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE"):
            first = next(iter(parameters), ()) if executemany else parameters
            raw = connection.connection.driver_connection
            plans[statement] = [row[3] for row in sqlite3.Connection.execute(raw, f"EXPLAIN QUERY PLAN {statement}", first)]

    event.listen(Engine, "before_cursor_execute", explain)
    try:
        yield plans
    finally:
        event.remove(Engine, "before_cursor_execute", explain)


def scans(plans):
    grow = {"event_logs", "asset_check_executions", "runs", "run_tags", "attempts", "report"}  # the last one is of attempts
    return {statement: plan for statement, plan in plans.items() if grow & {step.split()[1] for step in plan if "SCAN" in step}}


def hour(instance):
    run(instance, asset("a"))
    first = run(instance, asset("b", failing))
    second = run(instance, asset("b"), tags={"dagster/retry_number": "1"}, parent=first)
    instance.add_run_tags(first, {"dagster/will_retry": "true", "dagster/auto_retry_run_id": second})


def test_no_statement_of_one_more_fill_reads_a_whole_table(instance, store):
    hour(instance)
    fill(instance, store)
    hour(instance)
    with explained() as plans:
        filled, _ = fill(instance, store)
    assert filled.runs_read == 3
    named = " ".join(chain.from_iterable(plans.values()))
    assert all(table in named for table in ("event_logs", "runs", "run_tags", "attempts"))
    assert scans(plans) == {}


def test_a_table_without_its_index_would_be_noticed(instance, tmp_path):
    with Store.open(f"sqlite:///{tmp_path / 'bare.db'}", "sandbox") as store:
        with store.database.writing() as connection:
            connection.exec_driver_sql("DROP INDEX runs_unsettled")
        hour(instance)
        with explained() as plans:
            fill(instance, store)
    assert scans(plans)
