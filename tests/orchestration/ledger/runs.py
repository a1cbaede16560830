"""Small runs of real assets, and what the ledger makes of them."""

from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from oso_dagster.domain.objectives.attempts import Label, judge_families
from oso_dagster.orchestration.ledger.fill import LedgerFill

DAYS = dg.DailyPartitionsDefinition("2026-01-01")


def asset(name, body=lambda: None, **extra):
    @dg.asset(key=dg.AssetKey(["shop", name]), **extra)
    def _asset():
        return body()

    return _asset


def failing(text="the till is stuck"):
    raise ValueError(text)


def job_of(*assets):
    jobs = [dg.define_asset_job("job", selection="*")]
    return dg.Definitions(assets=assets, jobs=jobs, executor=dg.in_process_executor).resolve_job_def("job")


def run(instance, *assets, tags=None, parent=None, partition=None):
    """Run the assets as the platform does: one run, recorded, failures not raised here."""
    job = job_of(*assets)
    tags = dict(tags or {}) | ({"dagster/partition": partition} if partition else {})
    tags |= {"dagster/parent_run_id": parent, "dagster/root_run_id": parent} if parent else {}
    created = instance.create_run_for_job(job, tags=tags, parent_run_id=parent, root_run_id=parent)
    execute_run(InMemoryJob(job), created, instance, raise_on_error=False)
    return created.run_id


def fill(instance, store, *, after=timedelta(0), label=Label.CORE, names="abc", secrets=()):
    now = datetime.now(UTC) + after
    labels = {f"shop/{name}": label for name in names}
    filled = LedgerFill(instance, store.ledger, labels, secrets).run(now)
    return filled, now


def outcomes(store):
    return {(attempt.asset.removeprefix("shop/"), attempt.partition): attempt.outcome for attempt in store.attempts()}


def judgements(store, now):
    return sorted(family.judgement for family in judge_families(store.attempts(), now))
