"""A small ledger: objectives with and without a budget over three days, a sprint that was closed and one that is open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from oso_dagster.domain.alerts.sprint import Guilty, ObjectiveFinding
from oso_dagster.domain.objectives.slo import Tally, Verdict
from oso_dagster.orchestration.coverage.slo_rows import slo_rows
from oso_dagster.orchestration.resources import warehouse_of
from oso_dagster.reliability.results import VerdictRow
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings
from oso_dagster.sources import catalogue

DAY = timedelta(days=1)
ASSET = "oss_directory/projects"


@contextmanager
def ledger_of(settings: Settings) -> Iterator[Store]:
    """The store of a world."""
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        yield store


def record_and_publish(settings: Settings, now: datetime) -> None:
    """Fill the ledger, and write from it what the warehouse shows of it, as the coverage job does."""
    guilty = (Tally(ASSET, 1, 3, "late"),)
    rows = [
        VerdictRow("a", "one", verdict, good, 100, 9_500, DAY * 30, "some left", f"{good} of 100", guilty, now - DAY * age)
        for age, (verdict, good) in enumerate([(Verdict.COMPLIANT, 99), (Verdict.BREACHED, 90), (Verdict.AT_RISK, 96)], start=1)
    ]
    rows += [
        VerdictRow("a", "all", Verdict.BREACHED, 1, 3, 10_000, None, "", "1 of 3", guilty, now - DAY),
        VerdictRow("b", "one", Verdict.NO_DATA, 0, 0, 9_000, DAY, "", "no data", (), now - DAY),
    ]
    with ledger_of(settings) as store:
        store.results.record_verdicts(rows)
        for objective, age, verdict in [
            ("one", DAY * 3, Verdict.BREACHED),
            ("one", DAY * 2, Verdict.COMPLIANT),
            ("one", DAY, Verdict.COMPLIANT),
            ("all", DAY, Verdict.BREACHED),
        ]:
            who = (Guilty(ASSET, "team:data", 2, 3),)
            store.sprints.advance([ObjectiveFinding(f"a.{objective}", "a", verdict, "s", 1, 3, 9_500, now - age, who)])
        for table, columns in slo_rows(store, catalogue(), now):
            warehouse_of(settings).replace_platform_table(table.name, table.description, table.columns, columns)
