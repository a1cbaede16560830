"""The marts of objectives say what the ledger of the platform says."""

from datetime import timedelta
from fractions import Fraction
from operator import itemgetter

import duckdb
import pytest

from oso_dagster.settings import Settings
from tests.sqlmesh_project.small_ledger import ledger_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rows_of(active_world):
    with duckdb.connect(str(Settings(home=active_world).warehouse_path), read_only=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        yield lambda query: connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def ledger(active_world):
    with ledger_of(Settings(home=active_world)) as store:
        yield store


def kept_verdicts(ledger):
    rows = [row for key in [("a", "one"), ("a", "all"), ("b", "one")] for row in ledger.results.verdict_history(*key)]
    assert len(rows) == 5
    return rows


def test_verdicts_are_those_of_the_ledger(rows_of, ledger):
    query = """SELECT service, objective, day, evaluated_at, verdict, good, valid, target, window_seconds, reason, guilty_assets
      FROM marts.slo_verdicts_v0"""
    expected = [
        (
            row.service,
            row.objective,
            row.evaluated_at.date(),
            row.evaluated_at,
            str(row.verdict),
            row.good,
            row.valid,
            row.target_bp / 10_000,
            row.window // timedelta(seconds=1) if row.window else None,
            row.summary,
            [tally.asset for tally in row.guilty],
        )
        for row in kept_verdicts(ledger)
    ]
    order = itemgetter(0, 1, 2)
    assert sorted(rows_of(query), key=order) == sorted(expected, key=order)


def test_budgets_are_of_the_verdicts_that_have_one(rows_of, ledger):
    expected = []
    for row in kept_verdicts(ledger):
        if row.budget:
            burn = Fraction(row.valid - row.good, row.valid) / Fraction(10_000 - row.target_bp, 10_000)
            expected.append((row.service, row.objective, row.evaluated_at, 5, float(1 - burn), float(burn)))
    query = "SELECT service, objective, evaluated_at, allowed_failures, budget_left, burn FROM marts.slo_budgets_v0"
    assert sorted(rows_of(query)) == sorted(expected)
    assert sorted(burn for *_, burn in expected) == [0.2, 0.8, 2.0]


def test_sprints_are_those_of_the_ledger(rows_of, ledger):
    sprints = ledger.sprints.newest().values()
    expected = [
        (
            sprint.key,
            sprint.objective.partition(".")[2],
            sprint.phase.value,
            sprint.opened_at,
            sprint.closed_at,
            [guilty.asset for guilty in sprint.finding.guilty],
        )
        for sprint in sprints
    ]
    query = "SELECT sprint_id, objective, phase, opened_at, closed_at, guilty_assets FROM marts.slo_sprints_v0"
    assert sorted(rows_of(query)) == sorted(expected)
    assert {sprint.phase.value for sprint in sprints} == {"open", "closed"}
