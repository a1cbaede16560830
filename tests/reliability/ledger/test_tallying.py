"""What the database counts is what the rules of the domain count, and what brute force finds."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from oso_dagster.domain.objectives.attempts import Label, RunState
from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.domain.objectives.slo import tally_attempts, tally_families
from oso_dagster.reliability.ledger.ledger import Cursor, RunRow
from oso_dagster.reliability.store import Store
from tests.support.histories import EPOCH, attempts_by_brute_force, families_by_brute_force, history
from tests.support.postgres import ENGINES, address

DICE = Random(7)
CORE = history(DICE, 150)
MODELS = history(DICE, 150, label=Label.SQLMESH, prefix="m")
HISTORY = CORE + MODELS + history(DICE, 30, label=Label.UNSTABLE, prefix="u")
OUTAGE = Maintenance("shop/b", EPOCH + timedelta(hours=10), EPOCH + timedelta(hours=30), "ada", "a new disk")


@pytest.fixture(scope="module", params=ENGINES)
def store(request, tmp_path_factory):
    with Store.open(address(request, tmp_path_factory.mktemp("store")), "sandbox") as opened:
        fill(opened, HISTORY)
        yield opened


def fill(store, attempts):
    runs = {attempt.run_id: attempt for attempt in attempts}
    store.ledger.discover("log", Cursor(1, "x"), sorted(runs), EPOCH)
    rows = [
        RunRow(run, attempt.family, RunState.FAILED, will_retry=attempt.will_retry, settled=True) for run, attempt in runs.items()
    ]
    store.ledger.record(rows, attempts)


def spans(count):
    dice = Random(11)
    for _ in range(count):
        since = EPOCH + timedelta(minutes=dice.randrange(50 * 60))
        yield since, since + timedelta(minutes=dice.randrange(1, 40 * 60))


def plain(tallies):
    return {tally.asset: (tally.good, tally.valid) for tally in tallies}


def test_families_are_counted_as_by_the_domain_and_by_brute_force(store):
    for since, now in spans(60):
        tallies = store.tallying.tally(Label.CORE, since, now)
        assert plain(tallies) == plain(tally_families(CORE, since, now)) == families_by_brute_force(CORE, since, now)


def test_attempts_are_counted_as_by_the_domain_and_by_brute_force(store):
    for since, now in spans(60):
        tallies = store.tallying.tally(Label.SQLMESH, since, now)
        assert plain(tallies) == plain(tally_attempts(MODELS, since, now)) == attempts_by_brute_force(MODELS, since, now)


def test_what_a_maintenance_window_covers_is_left_out_and_nothing_else(store):
    for since, now in spans(20):
        left = [attempt for attempt in MODELS if not (attempt.ended and OUTAGE.covers("s", "o", attempt.asset, attempt.ended))]
        assert plain(store.tallying.tally(Label.SQLMESH, since, now, [OUTAGE])) == attempts_by_brute_force(left, since, now)
        whole = replace(OUTAGE, scope="s")
        left = [attempt for attempt in MODELS if not (attempt.ended and whole.covers("s", "o", attempt.asset, attempt.ended))]
        tallied = plain(store.tallying.tally(Label.SQLMESH, since, now, [whole], ["s"]))
        assert tallied == attempts_by_brute_force(left, since, now)


def test_families_judged_inside_a_maintenance_window_are_left_out(store):
    now = EPOCH + timedelta(hours=60)
    inside = families_by_brute_force(CORE, OUTAGE.start - timedelta(microseconds=1), OUTAGE.end - timedelta(microseconds=1))
    all_good, all_valid = families_by_brute_force(CORE, EPOCH, now)["shop/b"]
    expected = (all_good - inside["shop/b"][0], all_valid - inside["shop/b"][1])
    assert plain(store.tallying.tally(Label.CORE, EPOCH, now, [OUTAGE]))["shop/b"] == expected
