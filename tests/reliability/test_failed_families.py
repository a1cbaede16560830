"""What alerts on single events are told by the store."""

from datetime import timedelta
from random import Random

import pytest

from oso_dagster.domain.objectives.attempts import Attempt, Label, Outcome, RunState
from oso_dagster.domain.objectives.budget import Count
from oso_dagster.domain.objectives.failed_family import failed_after
from oso_dagster.domain.objectives.sample import Sample
from oso_dagster.reliability.failed_families import failed_families, last_data
from oso_dagster.reliability.ledger.ledger import Cursor, RunRow
from oso_dagster.reliability.store import Store
from tests.support.histories import EPOCH, history
from tests.support.postgres import ENGINES, address

HISTORY = history(Random(5), 120)


@pytest.fixture(scope="module", params=ENGINES)
def store(request, tmp_path_factory):
    with Store.open(address(request, tmp_path_factory.mktemp("store")), "sandbox") as opened:
        record(opened, HISTORY)
        yield opened


def record(store, attempts):
    runs = {attempt.run_id: attempt for attempt in attempts}
    store.ledger.discover("log", Cursor(1, "x"), sorted(runs), EPOCH)
    rows = [
        RunRow(run, attempt.family, RunState.FAILED, will_retry=attempt.will_retry, settled=True) for run, attempt in runs.items()
    ]
    store.ledger.record(rows, attempts)


def test_the_store_tells_the_failures_of_any_span_as_all_of_history_does(store):
    dice, failures = Random(3), 0
    for _ in range(40):
        since = EPOCH + timedelta(minutes=dice.randrange(50 * 60))
        now = since + timedelta(minutes=dice.randrange(1, 10 * 60))
        failed = failed_families(store, since, now)
        assert failed == failed_after(HISTORY, since, now)
        failures += len(failed)
    assert failures


def test_each_objective_knows_when_it_was_last_counted(tmp_path):
    with Store.open(f"sqlite:///{tmp_path / 'reliability.db'}", "sandbox") as store:
        assert last_data(store) == {}
        late = EPOCH + timedelta(hours=2)
        record(store, [Attempt("r", "shop/a", None, Label.CORE, Outcome.FAILED, "r", EPOCH, late)])
        store.samples.record([Sample("kubernetes", "availability", Count(at, 1, 1)) for at in (EPOCH, late)])
        assert last_data(store) == {"core_source_data.materialization_reliability": late, "kubernetes.availability": late}
