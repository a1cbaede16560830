"""The door on the platform's own catalogue, models and stores."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from oso_dagster.orchestration.clock import utc_now
from oso_dagster.orchestration.public_door.service import QUERIES, remove_left_behind, service_of
from oso_dagster.orchestration.resources import warehouse_of
from oso_dagster.reliability.store import Store
from oso_dagster.serving.failures import Outcome, RefusedError
from oso_dagster.serving.limits import QueryLimits
from oso_dagster.serving.statements.names import understood
from oso_dagster.settings import Settings
from oso_dagster.sources import catalogue


@pytest.mark.slow
def test_the_door_reads_what_is_public_while_a_writer_works_and_counts_for_the_objective(
    make_settings: Callable[..., Settings],
) -> None:
    settings, sources = make_settings(OSO_WORLD="sandbox"), catalogue()
    service = service_of(settings, sources)
    try:
        with pytest.raises(RefusedError, match="no data yet"):
            service.door.begin("SELECT 1", as_json=True)
        warehouse_of(settings).ensure_tables(sources)
        service.upkeep()
        private = [f"{source.name}.{table.name}" for source in sources for table in source.tables if not table.public]
        for name in (*private, "platform.loads"):
            with pytest.raises(RefusedError, match="no published table"):
                understood(f"SELECT * FROM {name}", "trino", service.door.published)
        asked = understood("SELECT count(*) AS n FROM oss_directory.projects", "trino", service.door.published)
        running = service.door.engine.open(asked.sql, QueryLimits(), as_json=True)
        running.begin()
        with duckdb.connect(str(settings.warehouse_path)):  # a writer's connection
            assert list(running.json_rows()) == [["[0]"]]
        running.close()
        assert "marts.projects_v1" in service.door.published.tables
        assert service.door.provenance().of("oss_directory.projects").freshness == "no_data"
        for outcome in (Outcome.ANSWERED, Outcome.ANSWERED, Outcome.USER, Outcome.CANCELED, Outcome.UNEXPECTED):
            service.door.outcomes.add(outcome)
    finally:
        service.close()
    assert list((settings.world_dir / "serving").iterdir()) == []
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        now = utc_now()
        assert [(tally.good, tally.valid) for tally in store.samples.tally(*QUERIES, now - timedelta(minutes=5), now)] == [(2, 3)]


def test_the_copies_of_a_door_that_was_killed_are_deleted_those_of_a_living_one_are_not(tmp_path: Path) -> None:
    for name in (str(os.getpid()), "4194999"):  # above the most that Linux gives out here
        (tmp_path / name / "copies").mkdir(parents=True)
    remove_left_behind(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [str(os.getpid())]
