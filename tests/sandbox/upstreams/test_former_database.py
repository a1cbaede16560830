"""OP Atlas can be switched to the schema of early 2025 and back: what was not there yet is refused by name, all else loads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from oso_dagster.connectors.database.table_reader import DatabaseError
from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest
from oso_dagster.domain.catalogue.source import Table
from oso_dagster.sandbox.protocols import postgres
from oso_dagster.sandbox.server import create_app
from oso_dagster.sandbox.upstreams import families, op_atlas
from oso_dagster.sources.op_atlas import SOURCE
from tests.support import database
from tests.support.asgi import serving
from tests.support.landing import NOW, WORLD

pytestmark = pytest.mark.server

LATER = {
    "project": "columns are missing upstream: defiLlamaSlug, kycTeamId",
    "project_contract": "columns are missing upstream: verificationChainId",
    "published_contract": "PublishedContract: no such table",
}


@contextmanager
def sandbox(world: Path) -> Iterator[tuple[int, str]]:
    """The port of the PostgreSQL, and the address of the sandbox's server beside it."""
    for family in families():
        (world / family.name).mkdir(parents=True)
    with database.serving(WORLD, world) as port, serving(create_app(world, port)) as url:
        yield port, url


def rows(port: int, folder: Path, table: Table) -> int | str:
    """How many rows a load holds, or what it says."""
    settings = {"url": postgres.address(port, op_atlas.DATABASE)}
    try:
        extract = table.extract(ExtractRequest("op_atlas", table.name, NOW, folder, settings, None))
    except DatabaseError as error:
        return str(error)
    assert isinstance(extract, Extract)
    return sum(int(batch.num_rows) for batch in extract.batches[table.name])


def test_op_atlas_had_three_columns_and_a_table_less(tmp_path: Path) -> None:
    with sandbox(tmp_path / "world") as (port, url):
        now = {table.name: rows(port, tmp_path, table) for table in SOURCE.tables}
        assert all(isinstance(count, int) for count in now.values())
        asked = {"family": "op-atlas", "kind": "former"}
        answers = [
            requests.post(f"{url}/faults", timeout=20, json=asked),
            requests.post(f"{url}/faults", timeout=20, json=asked),
            requests.get(f"{url}/faults", timeout=20),
        ]
        assert [[(fault["family"], fault["kind"]) for fault in answer.json()] for answer in answers] == [
            [("op-atlas", "former")]
        ] * 3
        before = {table.name: rows(port, tmp_path, table) for table in SOURCE.tables}
        assert {name: count for name, count in before.items() if isinstance(count, int)} == {
            name: count for name, count in now.items() if name not in LATER
        }
        for name, words in LATER.items():
            assert words in str(before[name])
        requests.delete(f"{url}/faults", timeout=20, params={"family": "npm"})
        assert len(requests.get(f"{url}/faults", timeout=20).json()) == 1, "another family's is cleared"
        assert requests.delete(f"{url}/faults", timeout=20).json() == []
        assert {table.name: rows(port, tmp_path, table) for table in SOURCE.tables} == now


def test_a_world_made_anew_is_not_switched_and_nothing_else_can_be_set(tmp_path: Path) -> None:
    with sandbox(tmp_path / "world") as (port, url):
        others: list[dict[str, Any]] = [{"kind": "status"}, {"kind": "former", "times": 1}, {"kind": "former", "path": "x"}]
        for more in others:
            refused = requests.post(f"{url}/faults", timeout=20, json={"family": "op-atlas"} | more)
            assert refused.status_code == 400
            assert "op-atlas is a database: only former" in refused.json()["error"]
        assert requests.post(f"{url}/faults", timeout=20, json={"family": "op-atlas", "kind": "former"}).json()
        postgres.fill(port, tmp_path / "world")
        assert requests.get(f"{url}/faults", timeout=20).json() == []
        assert database.execute(port, 'SELECT count(*) > 0 FROM "PublishedContract"').strip() == "t"
