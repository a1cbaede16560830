"""Superchain from BigQuery's REST protocol: the sandbox's endpoint, asked by Google's own client, with bytes and refusals."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmesh.core.dialect import extend_sqlglot
from starlette.responses import Response

from oso_dagster.domain.catalogue.loading import ExtractRequest, RefusedError
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import SchemaContract
from oso_dagster.orchestration.bigquery_client import open_client
from oso_dagster.sandbox.protocols import bigquery, bigquery_answers, bigquery_engine
from oso_dagster.sandbox.world import chains, forge
from oso_dagster.sandbox.world.world import generate
from oso_dagster.sources.superchain import SOURCE
from tests.support.asgi import serving

pytestmark = pytest.mark.server

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
WORLD = generate(7, NOW)
TRUTH = chains.truth(WORLD)
DAY = datetime(2026, 2, 20, tzinfo=UTC)
NUMBER = (DAY - chains.chains_of(WORLD).start).days
TABLES = {table.name: table for table in SOURCE.tables}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("bigquery")
    forge.write(WORLD, folder)
    with serving(bigquery.serve(folder)) as url:
        yield url


def asked(url: str, name: str, day: datetime = DAY, **more: str) -> ExtractRequest:
    values = {setting.name: setting.default for setting in SOURCE.settings if setting.default is not None}
    values |= {"url": url, "pause_seconds": "0.001", "patience_seconds": "1", "timeout_seconds": "5"} | more
    window = Window(f"{day:%Y-%m-%d}", day, day + timedelta(days=1))
    clients = {"bigquery": open_client("superchain", values)}
    return ExtractRequest("superchain", name, NOW, Path(), values, window=window, clients=clients)


def load(url: str, name: str, **more: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    request = asked(url, name, **more)
    extract = TABLES[name].extract(request)
    rows = [row for batch in extract.batches[name] for row in batch.to_pylist()]  # type: ignore[union-attr]
    return rows, extract.facts


def truth(name: str) -> list[dict[str, Any]]:
    return [row for row in TRUTH[f"superchain.{name}"] if row["day"] == f"{DAY:%Y-%m-%d}"]


def plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    def value(value_read: Any) -> Any:
        return value_read.isoformat() if hasattr(value_read, "isoformat") else value_read

    return sorted(({name: value(entry) for name, entry in row.items()} for row in rows), key=repr)


@pytest.mark.parametrize("name", TABLES)
def test_a_day_is_exactly_what_the_chains_did_counted_without_sql(endpoint: str, name: str) -> None:
    rows, facts = load(endpoint, name)
    assert plain(rows) == plain(truth(name))
    assert rows
    assert 0 < facts["bytes_scanned"] == facts["bytes_weighed"] <= facts["bytes_ceiling"]


def test_the_sandbox_reads_a_query_the_same_where_sqlmesh_has_changed_the_parser(endpoint: str) -> None:
    """SQLMesh teaches every dialect of its process that `@name` is a macro; tests and `dagster dev` are such processes."""
    extend_sqlglot()
    test_a_day_is_exactly_what_the_chains_did_counted_without_sql(endpoint, "deployments")


def test_a_day_takes_several_pages(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bigquery_answers, "PAGE_ROWS", 7)
    assert len(load(endpoint, "daily_transactions")[0]) == len(truth("daily_transactions")) > 14


@pytest.mark.parametrize("name", TABLES)
def test_rows_that_upstream_has_twice_count_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(chains, "rows", _changed(chains.rows, lambda rows: [*rows, *rows[::3], *rows[::9]]))
    facts = load_anew(tmp_path, name)
    if name == "daily_transactions":
        assert facts["rows_twice_upstream"] > 0


def test_a_chain_that_was_there_the_day_before_and_has_nothing_has_not_arrived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busiest = Counter(row["chain"] for row in chains.rows(chains.chains_of(WORLD), NUMBER)[0]).most_common(1)[0][0]
    monkeypatch.setattr(
        chains,
        "rows",
        _changed(chains.rows, lambda rows: [row for row in rows if (row["chain"], row["dt"]) != (busiest, DAY.date())]),
    )
    bigquery_engine._loaded.cache_clear()
    forge.write(WORLD, tmp_path)
    with serving(bigquery.serve(tmp_path)) as url:
        for name in TABLES:
            with pytest.raises(
                RefusedError, match=rf"nothing of {busiest} \(\d+ transactions the day before\) on 2026-02-20: .*tomorrow"
            ):
                load(url, name)
        rows, _ = load(url, "daily_transactions", ended_chains=f"old, {busiest}")
        assert rows
        assert not [row for row in rows if row["chain"] == busiest]
        assert load(url, "daily_transactions", day=DAY + timedelta(days=1))[0], "the day before missed it: what is new is no loss"
    bigquery_engine._loaded.cache_clear()


@pytest.mark.parametrize("times", [1, 2])
def test_a_job_that_too_many_ran_beside_is_begun_again(tmp_path: Path, times: int) -> None:
    forge.write(WORLD, tmp_path)
    app, left = bigquery.serve(tmp_path), [times]

    async def limited(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/queries") and left[0]:
            left[0] -= 1
            await Response(JOB_LIMIT, 400, media_type="application/json")(scope, receive, send)
        else:
            await app(scope, receive, send)

    with serving(limited) as url:
        rows, _ = load(url, "daily_transactions")
    assert plain(rows) == plain(truth("daily_transactions"))
    assert left == [0]


JOB_LIMIT = json.dumps({
    "error": {"code": 400, "message": "Exceeded rate limits", "errors": [{"reason": "jobRateLimitExceeded", "message": "limits"}]}
})  # fmt: skip


def test_a_query_over_the_ceiling_is_refused_before_it_runs(endpoint: str) -> None:
    with pytest.raises(RefusedError, match=r"would scan [\d,]+ bytes; at most 1,000 are allowed .*It did not run"):
        load(endpoint, "daily_transactions", max_bytes="1000")


def test_a_day_that_has_not_arrived_is_an_error_and_no_empty_day(endpoint: str) -> None:
    with pytest.raises(RefusedError, match="no rows of 2026-03-04: the dataset is late"):
        load(endpoint, "daily_transactions", day=NOW.replace(hour=0, minute=0, second=0))


def test_another_dataset_is_not_found_by_name_and_not_asked_again(endpoint: str) -> None:
    with pytest.raises(RefusedError, match=r"404 notFound: .*nowhere\.transactions was not found"):
        load(endpoint, "daily_transactions", dataset="nowhere")


def test_a_dataset_that_is_no_name_never_reaches_a_query(endpoint: str) -> None:
    with pytest.raises(RefusedError, match="OSO_SUPERCHAIN_DATASET"):
        load(endpoint, "daily_transactions", dataset="x`; DROP TABLE y; --")


def test_a_partition_is_due_a_day_after_its_end() -> None:
    for table in SOURCE.tables:
        assert table.partitions is not None
        due = table.partitions.available(NOW)[-1]
        assert due.key == "2026-03-02", "on the fourth at five in the morning the second is whole, the third is not"


def test_a_new_column_of_the_raw_tables_is_told_although_no_aggregate_can_take_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_told(tmp_path, "deployments") == []
    monkeypatch.setattr(bigquery_engine, "_TABLES", {
        "transactions": chains.TRANSACTIONS | {"gas_token": "STRING"}, "traces": chains.TRACES | {"depth": "INTEGER"},
    })  # fmt: skip
    monkeypatch.setattr(chains, "rows", _with(chains.rows, {"gas_token": "ETH"}, {"depth": 1}))
    bigquery_engine._loaded.cache_clear()
    assert load_told(tmp_path, "daily_transactions") == ["transactions.gas_token"]
    assert load_told(tmp_path, "deployments") == ["transactions.gas_token", "traces.depth"]
    bigquery_engine._loaded.cache_clear()
    assert TABLES["deployments"].contract is SchemaContract.REPORT


def _with(rows: Any, *more: dict[str, Any]) -> Any:
    return lambda *given: [[row | extra for row in part] for part, extra in zip(rows(*given), more, strict=True)]


def _changed(rows: Any, change: Any) -> Any:
    return lambda *given: tuple(change(part) for part in rows(*given))


def load_anew(folder: Path, name: str) -> dict[str, Any]:
    """Load a day of chains whose raw rows have changed: it holds what it held."""
    bigquery_engine._loaded.cache_clear()
    forge.write(WORLD, folder)
    with serving(bigquery.serve(folder)) as url:
        rows, facts = load(url, name)
    bigquery_engine._loaded.cache_clear()
    assert plain(rows) == plain(truth(name))
    return facts


def load_told(folder: Path, name: str) -> list[str]:
    forge.write(WORLD, folder)
    with serving(bigquery.serve(folder)) as url:
        rows, facts = load(url, name)
    assert plain(rows) == plain(truth(name))
    unknown: list[str] = facts["unknown_fields"]
    return unknown
