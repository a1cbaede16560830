"""What was folded by day is told as it was told before: a replay cannot see the difference."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from oso_dagster.domain.objectives.attempts import Attempt, Label, Outcome, RunState
from oso_dagster.domain.objectives.budget import Count
from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.domain.objectives.objectives import objective_of
from oso_dagster.domain.objectives.sample import Sample
from oso_dagster.reliability.failed_families import failed_families, last_data
from oso_dagster.reliability.ledger.daily_rollup import KEPT
from oso_dagster.reliability.ledger.ledger import Cursor, RunRow
from oso_dagster.reliability.store import Store
from tests.support.histories import EPOCH, history
from tests.support.postgres import ENGINES, empty

DICE = Random(17)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def _event(attempt):
    """An event time that is not always newer than that of the attempt before, and sometimes is not known."""
    known = attempt.ended is not None and DICE.random() < 0.6
    return attempt.ended - DICE.randrange(1, 400) * HOUR if known else None


HISTORY = [
    attempt._replace(audited=DICE.random() < 0.7, newest_event=_event(attempt))
    for prefix, label in (("c", Label.CORE), ("m", Label.SQLMESH))
    for attempt in history(DICE, 120, label=label, prefix=prefix)
]
OUTAGE = Maintenance("shop/b", EPOCH + 10 * HOUR, EPOCH + 30 * HOUR, "ada", "a new disk")
SAMPLES = [
    Sample("kubernetes", "availability", Count(EPOCH + timedelta(minutes=number), number % 3, 2 + number % 3), f"c{number % 2}")
    for number in range(0, 60 * 60, 20)
]


def record(store, attempts):
    runs = {attempt.run_id: attempt for attempt in attempts}
    store.ledger.discover("log", Cursor(1, "x"), sorted(runs), EPOCH)
    rows = [
        RunRow(run, attempt.family, RunState.FAILED, will_retry=attempt.will_retry, settled=True) for run, attempt in runs.items()
    ]
    store.ledger.record(rows, attempts)


@pytest.fixture(scope="module", params=ENGINES)
def server(request):
    return None if request.param == "sqlite" else request.getfixturevalue("postgres_server")


@pytest.fixture
def url(server, tmp_path):
    return empty(server) if server else f"sqlite:///{tmp_path / 'reliability.db'}"


@pytest.fixture
def store(url):
    with Store.open(url, "sandbox") as opened:
        record(opened, HISTORY)
        opened.samples.record(SAMPLES)
        yield opened


def answers(store):
    """Everything that is ever asked about spans of the past."""
    dice, results = Random(23), []
    for _ in range(12):
        since = EPOCH + timedelta(minutes=dice.randrange(50 * 60))
        now = since + timedelta(minutes=dice.randrange(1, 60 * 60))
        for windows in ([], [OUTAGE], [replace(OUTAGE, scope="sqlmesh")], [replace(OUTAGE, scope="c1")]):
            results += [store.tallying.tally(label, since, now, windows, ["sqlmesh"]) for label in Label]
            results.append(store.samples.tally("kubernetes", "availability", since, now, windows))
            results.append(store.samples.counts("kubernetes", "availability", since, now, windows))
        objectives = ("core_source_data.materialization_reliability", "kubernetes.availability")
        results += [sorted(store.events.of(objective_of(id_), since, now), key=repr) for id_ in objectives]
        for audited in (False, True):
            results.append({asset: last.at for asset, last in store.ledger.last_good(now, audited=audited).items()})
            results += [store.ledger.good_times([f"shop/{name}" for name in "abc"], since, now, audited=audited)]
        results += [store.ledger.landed(f"shop/{name}", now) for name in "abc"]
        results += [store.ledger.newest_event(f"shop/{name}", now, of_last=last) for name in "abc" for last in (False, True)]
    return results


def test_a_replay_says_the_same_after_folding(store):
    before, rows = answers(store), len(store.attempts())
    half = store.rollup.roll_up(EPOCH + KEPT + 30 * HOUR)
    assert answers(store) == before
    assert half > 0
    more = store.rollup.roll_up(EPOCH + KEPT + 4 * DAY)
    assert more > 0
    assert answers(store) == before
    assert len(store.attempts()) == rows - (half + more - len(SAMPLES[:-1]))
    assert last_data(store)["kubernetes.availability"] == SAMPLES[-1].count.at


def test_folding_again_on_the_same_day_or_with_the_clock_set_back_does_nothing(store):
    assert store.rollup.roll_up(EPOCH + KEPT + 2 * DAY) > 0
    assert store.rollup.roll_up(EPOCH + KEPT + 2 * DAY + HOUR) == 0
    assert store.rollup.roll_up(EPOCH + KEPT + DAY) == 0


def test_several_that_fold_at_once_fold_everything_once(store, url):
    before = answers(store)

    def fold(_number):
        with Store.open(url, "sandbox") as another:
            return another.rollup.roll_up(EPOCH + KEPT + 4 * DAY)

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(fold, range(3))) > len(SAMPLES)
    assert answers(store) == before


def test_failures_partitions_and_the_newest_proof_stay_rows(url):
    def attempt(number, outcome, *, partition=None, asset="shop/a", **extra):
        at = EPOCH + number * HOUR
        return Attempt(f"r{number}", asset, partition, Label.CORE, outcome, f"r{number}", at, at, "why", **extra)

    stays = [
        attempt(1, Outcome.FAILED),
        attempt(2, Outcome.OK, partition="p1"),
        attempt(3, Outcome.OK, audited=True),
        attempt(4, Outcome.OK, newest_event=EPOCH),
        attempt(6, Outcome.OK, audited=False, newest_event=EPOCH - DAY),
    ]
    goes = [attempt(0, Outcome.OK, audited=True), attempt(5, Outcome.OK), attempt(7, Outcome.NOT_EMITTED)]
    with Store.open(url, "sandbox") as store:
        record(store, [*stays, *goes])
        assert store.rollup.roll_up(EPOCH + KEPT + 9 * DAY) == len(goes)
        assert store.attempts() == stays
        assert store.ledger.newest_event("shop/a") == EPOCH
        assert store.ledger.last_good(audited=True)["shop/a"].at == EPOCH + 3 * HOUR


def test_a_good_load_that_was_folded_still_ends_a_row_of_failures(url):
    outcomes = {0: Outcome.FAILED, 1: Outcome.OK, 70: Outcome.FAILED, 71: Outcome.OK}
    attempts = [
        Attempt(f"r{day}", "shop/a", None, Label.CORE, outcome, f"r{day}", EPOCH + day * DAY, EPOCH + day * DAY)
        for day, outcome in outcomes.items()
    ]
    now = EPOCH + 72 * DAY
    with Store.open(url, "sandbox") as store:
        record(store, attempts)
        assert store.rollup.roll_up(now) == 1
        assert [failure.in_a_row for failure in failed_families(store, now - 3 * DAY, now)] == [1]


def test_runs_that_were_found_within_a_day_are_not_folded(url):
    now = EPOCH + KEPT + 4 * DAY
    with Store.open(url, "sandbox") as store:
        store.ledger.discover("log", Cursor(1, "x"), ["r1", "r2"], now - 23 * HOUR)
        attempts = [Attempt(run, "shop/a", None, Label.CORE, Outcome.OK, run, EPOCH, EPOCH) for run in ("r1", "r2")]
        attempts[1] = attempts[1]._replace(ended=EPOCH + HOUR)
        store.ledger.record(
            [RunRow(run, run, RunState.SUCCEEDED, will_retry=False, settled=True) for run in ("r1", "r2")], attempts
        )
        assert store.rollup.roll_up(now) == 0
        assert store.rollup.roll_up(now + DAY) == 1


def test_a_sample_that_was_folded_counts_once_when_it_is_reported_again(store):
    store.rollup.roll_up(EPOCH + KEPT + 4 * DAY)
    assert store.samples.record(SAMPLES[:5]) == 0
    late = Sample("kubernetes", "availability", Count(EPOCH + timedelta(minutes=7), 1, 1), "c0")
    assert store.samples.record([late, late]) == 1
    assert store.rollup.roll_up(EPOCH + KEPT + 5 * DAY) == 1
    assert store.samples.record([late]) == 0
    assert late in store.samples.all("kubernetes", "availability", EPOCH, EPOCH + DAY)
