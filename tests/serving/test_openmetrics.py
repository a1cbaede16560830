"""The door's own counters for Prometheus: requests as clients see them, questions by how they ended."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import requests
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from starlette.types import Receive, Scope, Send

from oso_dagster.serving.requests import CountedRequests, openmetrics
from tests.serving.small_door import small_door


def counted(text: str) -> dict[tuple[str, str], float]:
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, sample.labels["outcome"]): sample.value for sample in samples if sample.name.endswith("_total")}


@pytest.mark.server
def test_requests_and_questions_are_counted_and_a_scrape_is_none(tmp_path: Path) -> None:
    with small_door(tmp_path) as small, small.served() as address:
        for query in ("SELECT 1", "SELECT 2", "SELECT nothing FROM nowhere"):
            requests.post(f"{address}/sql", json={"query": query}, timeout=30)
        requests.get(f"{address}/health", timeout=30)
        for _ in range(2):
            answer = requests.get(f"{address}/openmetrics", timeout=30)
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    values = counted(answer.text)
    assert (values["oso_door_requests_total", "good"], values["oso_door_requests_total", "failed"]) == (4, 0)
    assert (values["oso_door_questions_total", "answered"], values["oso_door_questions_total", "user"]) == (2, 1)


def test_an_error_of_ours_and_an_answer_that_breaks_off_have_failed() -> None:
    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": int(scope["path"][1:])})
        if scope["path"] == "/201":
            raise RuntimeError("broke off")

    counting = CountedRequests(app, uncounted=("/204",))

    async def ask(status: int) -> None:
        async def sent(_message: object) -> None:
            return None

        await counting({"type": "http", "path": f"/{status}"}, None, sent)  # type: ignore[arg-type]

    for status in (200, 404, 500, 204):
        asyncio.run(ask(status))
    with pytest.raises(RuntimeError):
        asyncio.run(ask(201))
    values = counted(openmetrics(counting.counts, {})[0].decode())
    assert values == {("oso_door_requests_total", "good"): 2, ("oso_door_requests_total", "failed"): 2}
