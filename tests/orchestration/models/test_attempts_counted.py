"""From a real failure of a model to the objective: every attempt is in the ledger, retries included, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg
import pytest

from oso_dagster.domain.objectives.attempts import Label, Outcome
from oso_dagster.orchestration.ledger.fill import LedgerFill
from oso_dagster.reliability.store import Store
from tests.sqlmesh_assets.execution.test_materializing import ALL

LABELS = {name.replace(".", "/"): Label.SQLMESH for name in ALL}
OTHERS = {name.replace(".", "/") for name in ALL - {"marts.sizes", "marts.total"}}


@pytest.fixture
def store(tmp_path):
    with Store.open(f"sqlite:///{tmp_path / 'reliability.db'}", "live") as opened:
        yield opened


def outcomes(playground, store, run_id):
    """The attempts of one run, by asset, in the order in which they were made."""
    LedgerFill(playground.instance, store.ledger, LABELS).run(datetime.now(UTC))
    kept = {}
    for attempt in sorted(store.attempts(), key=lambda attempt: attempt.started):
        if attempt.run_id == run_id:
            kept.setdefault(attempt.asset, []).append(attempt.outcome)
    return kept


def test_a_model_that_failed_and_was_retried_counts_twice_and_its_siblings_once(playground, store):
    playground.materialize()
    playground.sql("INSERT INTO raw.things VALUES (3, 1000)")
    mends = iter(["SELECT 1", "UPDATE raw.things SET size = 3 WHERE id = 3"])
    definition = playground.definition(prepare=lambda: playground.sql(next(mends)), retry_policy=dg.RetryPolicy(max_retries=1))
    result = dg.materialize([definition], instance=playground.instance)
    kept = outcomes(playground, store, result.run_id)
    assert kept.pop("marts/sizes") == [Outcome.FAILED, Outcome.OK]
    assert kept.pop("marts/total") == [Outcome.SKIPPED_UPSTREAM, Outcome.OK]
    assert kept == {asset: [Outcome.OK] for asset in OTHERS}


def test_a_failed_attempt_tells_its_cause_and_a_good_one_its_rows(playground, store):
    playground.materialize()
    playground.sql("INSERT INTO raw.things VALUES (3, 1000)")
    run_id = playground.materialize().run_id
    outcomes(playground, store, run_id)
    attempts = {attempt.asset: attempt for attempt in store.attempts() if attempt.run_id == run_id}
    assert "audit small found 1 row" in attempts["marts/sizes"].cause
    assert attempts["marts/total"].cause == "not computed: marts.sizes failed"
    assert attempts["marts/others"].rows == 1
    assert all(attempt.started <= attempt.ended and attempt.reported for attempt in attempts.values())


def test_a_model_that_was_up_to_date_is_no_attempt(playground, store):
    playground.recompute_whole = False
    playground.materialize()
    kept = outcomes(playground, store, playground.materialize().run_id)
    assert kept == {asset: [Outcome.NOT_EMITTED] for asset in LABELS}


def test_a_deployment_that_was_held_back_counts_the_model_that_failed_alone(playground, store):
    playground.sql("INSERT INTO raw.things VALUES (3, 1000)")
    kept = outcomes(playground, store, playground.materialize().run_id)
    assert kept.pop("marts/sizes") == [Outcome.FAILED]
    assert {outcome for each in kept.values() for outcome in each} == {Outcome.SKIPPED_UPSTREAM}
