"""A history that is read days later, in brief, says what was read at once, from whole logs."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from oso_dagster.domain.objectives.attempts import Label, Outcome
from oso_dagster.orchestration.ledger import dagster_tables
from oso_dagster.orchestration.ledger.fill import LedgerFill
from oso_dagster.reliability.store import Store
from tests.support.postgres import empty

LABELS = {f"shop/{name}": Label.CORE for name in "abcd"}


def asset(name, *, fails=False, interrupted=False, deps=(), **extra):
    @dg.asset(key=["shop", name], deps=[["shop", upstream] for upstream in deps], **extra)
    def _asset():
        if interrupted:
            raise KeyboardInterrupt
        if fails:
            raise ValueError(f"{name} is stuck")

    return _asset


def checked(name):
    key = dg.AssetKey(["shop", name])

    @dg.asset(key=key, check_specs=[dg.AssetCheckSpec("sane", asset=key, blocking=True)])
    def _asset():
        return dg.MaterializeResult(check_results=[dg.AssetCheckResult(check_name="sane", passed=False)])

    return _asset


def several():
    @dg.multi_asset(specs=[dg.AssetSpec(["shop", name]) for name in "ab"])
    def _assets():
        yield dg.MaterializeResult(["shop", "a"])
        raise ValueError("b is stuck")

    return _assets


RUNS = {
    "all is well": [asset("a"), asset("b")],
    "one fails": [asset("a", fails=True), asset("b")],
    "two fail": [asset("a", fails=True), asset("b", fails=True), asset("c")],
    "one fails, and another stands behind it": [asset("a", fails=True), asset("b", deps="a"), asset("c")],
    "one fails, and another has nothing to give": [asset("a", fails=True), asset("b", output_required=False)],
    "a check fails after the write": [checked("a"), asset("b")],
    "one of two in a step fails": [several()],
    "one is interrupted": [asset("a", interrupted=True), asset("b")],
}


def run(instance, assets):
    jobs = [dg.define_asset_job("job", selection="*")]
    job = dg.Definitions(assets=assets, jobs=jobs, executor=dg.in_process_executor).resolve_job_def("job")
    created = instance.create_run_for_job(job)
    execute_run(InMemoryJob(job), created, instance, raise_on_error=False)


def recorded(instance, path, after):
    with Store.open(f"sqlite:///{path}", "sandbox") as store:
        LedgerFill(instance, store.ledger, LABELS).run(datetime.now(UTC) + after)
        return {attempt.asset: (attempt.outcome, attempt.cause) for attempt in store.attempts()}


@pytest.mark.parametrize("name", RUNS)
def test_a_history_says_what_was_said_at_once(instance, tmp_path, name):
    run(instance, RUNS[name])
    at_once = recorded(instance, tmp_path / "at-once.db", timedelta(0))
    assert recorded(instance, tmp_path / "later.db", timedelta(days=2)) == at_once
    assert at_once.keys() == {f"shop/{key.path[-1]}" for planned in RUNS[name] for key in planned.keys}


def test_the_log_of_a_run_with_one_failure_is_not_opened(instance, tmp_path, monkeypatch):
    run(instance, RUNS["one fails"])

    def opened(_instance, _sql, run_ids, **_values):
        assert not run_ids
        return []

    monkeypatch.setattr(dagster_tables, "logs", opened)
    attempts = recorded(instance, tmp_path / "later.db", timedelta(days=2))
    assert attempts == {"shop/a": (Outcome.FAILED, "ValueError: a is stuck"), "shop/b": (Outcome.OK, "")}


def test_two_fills_at_once_find_everything_and_count_nothing_twice(instance, server, tmp_path):
    for name in ("all is well", "one fails", "two fail"):
        run(instance, RUNS[name])
    url = empty(server) if server else f"sqlite:///{tmp_path / 'shared.db'}"
    now = datetime.now(UTC)

    def fill(_number):
        with Store.open(url, "sandbox") as store:
            LedgerFill(instance, store.ledger, LABELS).run(now)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(fill, range(8)))
    with Store.open(url, "sandbox") as store:
        assert len(store.attempts()) == 2 + 2 + 3
        tallies = store.tallying.tally(Label.CORE, now - timedelta(days=1), now)
        assert [(tally.asset, tally.good, tally.valid) for tally in tallies] == [
            ("shop/a", 1, 3),
            ("shop/b", 2, 3),
            ("shop/c", 1, 1),
        ]
