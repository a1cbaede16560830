"""What SQLMesh's models promise: within 36 hours a run has computed each, or left it as it was because nothing was due."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from oso_dagster.domain.objectives.attempts import Attempt, Label, Outcome, RunState
from oso_dagster.domain.objectives.freshness import MODELS_FRESH_WITHIN, Freshness
from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.orchestration.labels import TAINTED_TAG
from oso_dagster.orchestration.models.promises import model_checks, with_policies
from oso_dagster.orchestration.objectives.evaluator import Evaluator
from oso_dagster.reliability.ledger.ledger import Cursor, RunRow
from oso_dagster.reliability.store import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def store(tmp_path):
    with Store.open(f"sqlite:///{tmp_path / 'reliability.db'}", "sandbox") as opened:
        opened.results.remember_assets(["marts/a"], NOON - 10 * MODELS_FRESH_WITHIN)
        yield opened


def attempt(store, outcome, *, at, run=RunState.SUCCEEDED, partition=None):
    name = f"r{at.timestamp()}"
    made = Attempt(name, "marts/a", partition, Label.SQLMESH, outcome, name, at, at, reported=outcome is Outcome.OK)
    store.ledger.discover("log", Cursor(1, "x"), [name], at)
    store.ledger.record([RunRow(name, name, run, will_retry=False, settled=True)], [made])


def judged(store, now=NOON):
    return Evaluator(store, [], {"marts/a": Label.SQLMESH, "shop/things": Label.CORE}).fresh_models(now)["marts/a"]


@pytest.mark.parametrize(
    ("outcome", "run", "partition", "proves"),
    [
        pytest.param(Outcome.OK, RunState.SUCCEEDED, None, True, id="computed"),
        pytest.param(Outcome.OK, RunState.FAILED, None, True, id="computed, and another one failed"),
        pytest.param(Outcome.NOT_EMITTED, RunState.SUCCEEDED, None, True, id="nothing was due"),
        pytest.param(Outcome.NOT_EMITTED, RunState.FAILED, None, False, id="left out of a run that failed"),
        pytest.param(Outcome.FAILED, RunState.FAILED, None, False, id="failed"),
        pytest.param(Outcome.SKIPPED_UPSTREAM, RunState.FAILED, None, False, id="behind a failure"),
        pytest.param(Outcome.OK, RunState.SUCCEEDED, "2026-01-01", False, id="an old partition"),
    ],
)
def test_a_model_is_fresh_when_a_run_has_computed_it_or_found_nothing_to_do(store, outcome, run, partition, proves):
    attempt(store, Outcome.OK, at=NOON - 3 * MODELS_FRESH_WITHIN)
    attempt(store, outcome, at=NOON - HOUR, run=run, partition=partition)
    model = judged(store)
    assert model.freshness is (Freshness.FRESH if proves else Freshness.STALE)
    assert model.evidence == (NOON - HOUR if proves else NOON - 3 * MODELS_FRESH_WITHIN)


def test_at_exactly_the_promised_age_a_model_is_fresh_and_then_says_since_when_it_is_not(store):
    attempt(store, Outcome.OK, at=NOON - MODELS_FRESH_WITHIN)
    assert judged(store).freshness is Freshness.FRESH
    later = judged(store, NOON + timedelta(seconds=1))
    assert (later.freshness, later.note) == (Freshness.STALE, "last right 2026-02-28 00:00 UTC, promised within 1 d 12 h")


def test_a_new_model_has_the_promised_time_to_be_computed_first(tmp_path):
    with Store.open(f"sqlite:///{tmp_path / 'reliability.db'}", "sandbox") as store:
        assert judged(store, NOON).freshness is Freshness.NOT_DUE
        assert judged(store, NOON + MODELS_FRESH_WITHIN - HOUR).freshness is Freshness.NOT_DUE
        late = judged(store, NOON + MODELS_FRESH_WITHIN)
    assert (late.freshness, late.note) == (Freshness.STALE, "never computed well, promised within 1 d 12 h")


def test_a_model_that_was_right_in_the_future_is_not_fresh(store):
    attempt(store, Outcome.OK, at=NOON + HOUR)
    assert judged(store).freshness is Freshness.STALE


def test_a_model_that_is_being_worked_on_is_left_out(store):
    store.maintenance.add(Maintenance("sqlmesh", NOON - HOUR, NOON + HOUR, "ada", "a new disk"))
    assert Evaluator(store, [], {"marts/a": Label.SQLMESH}).fresh_models(NOON) == {}


def test_what_derives_from_an_unstable_source_promises_nothing_and_a_policy_stands_where_each_run_computes():
    def spec(name, kind, *, goes_on=False, **tags):
        return dg.AssetSpec(["marts", name], metadata={"sqlmesh/kind": kind, "sqlmesh/goes_on": goes_on}, tags=tags)

    specs = [spec("full", "FULL"), spec("view", "VIEW"), spec("seed", "SEED"), spec("tainted", "FULL", **{TAINTED_TAG: "true"})]
    specs += [spec("own", "CUSTOM"), spec("samples", "CUSTOM", goes_on=True)]
    policies = {spec.key.path[1]: spec.freshness_policy for spec in with_policies(specs)}
    assert {name for name, policy in policies.items() if policy is not None} == {"full", "view", "samples"}
    assert policies["full"].fail_window.to_timedelta() == MODELS_FRESH_WITHIN
    assert [check.asset_key.path[1] for check in model_checks(specs)] == ["full", "view", "seed", "own", "samples"]
