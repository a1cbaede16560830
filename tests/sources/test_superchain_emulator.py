"""Superchain's queries against a BigQuery that somebody else wrote: what our own endpoint takes, another one takes too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from oso_dagster.sandbox.world import chains
from tests.sources.test_superchain import DAY, TABLES, WORLD, load, plain, truth
from tests.support.bigquery_emulator import running

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The emulator, with two days of the world's chains in it."""
    with running(tmp_path_factory.mktemp("emulator")) as url:
        client = bigquery.Client("sandbox", AnonymousCredentials(), client_options={"api_endpoint": url})
        client.create_dataset(chains.DATASET)
        superchain = chains.chains_of(WORLD)
        number = (DAY - superchain.start).days
        days = [chains.rows(superchain, number), chains.rows(superchain, number + 1)]
        for place, (name, columns) in enumerate({"transactions": chains.TRANSACTIONS, "traces": chains.TRACES}.items()):
            table = bigquery.Table(
                f"sandbox.{chains.DATASET}.{name}", [bigquery.SchemaField(*column) for column in columns.items()]
            )
            table.time_partitioning = bigquery.TimePartitioning(field="dt")
            client.create_table(table)
            rows: list[dict[str, Any]] = [row | {"dt": str(row["dt"])} for day in days for row in day[place]]
            assert client.insert_rows_json(table, rows) == []
        client.close()
        yield url


@pytest.mark.parametrize("name", TABLES)
def test_an_emulator_gives_the_same_rows_as_the_truth(emulator: str, name: str) -> None:
    rows, facts = load(emulator, name)
    assert rows
    assert plain(rows) == plain(truth(name))
    assert "bytes_weighed" in facts


def test_an_emulator_s_day_without_rows_is_late_too(emulator: str) -> None:
    with pytest.raises(Exception, match="no rows of 2026-01-05: the dataset is late"):
        load(emulator, "deployments", day=datetime(2026, 1, 5, tzinfo=UTC))
