"""The servers that `make lakehouse` has started, and a warehouse with a catalogue of its own on them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from oso_dagster.warehouse.lakehouse.warehouse import LakehouseWarehouse
from tests.support.clock import clock
from tests.support.plugins.named_only import left_out, mark

_HERE = Path(__file__).resolve().parent
_NUMBERS = count()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Only who names this folder runs it: it needs servers that a test does not start."""
    return left_out(_HERE, collection_path, config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark(_HERE, items, pytest.mark.server, pytest.mark.lakehouse)


@pytest.fixture(scope="session")
def servers() -> dict[str, str]:
    """Where the servers are, by setting. Without them a test fails, and says how to start them: nothing is skipped."""
    file = Path(os.environ.get("LAKEHOUSE_HOME", ".oso")).absolute() / "lakehouse" / "endpoints.json"
    if not file.exists():
        pytest.fail("no lakehouse runs: `make test-lakehouse` starts one, or `make lakehouse` and then pytest", pytrace=False)
    addresses: dict[str, str] = json.loads(file.read_text())["settings"]
    return addresses


@pytest.fixture
def catalogue_url(servers: dict[str, str]) -> Iterator[str]:
    """The address of a new, empty database for a catalogue; gone afterwards."""
    server = create_engine(servers["lakehouse_catalogue_url"], isolation_level="AUTOCOMMIT")
    name = f"test_{os.getpid()}_{next(_NUMBERS)}"
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
    try:
        yield make_url(servers["lakehouse_catalogue_url"]).set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()


@pytest.fixture
def warehouse(catalogue_url: str, tmp_path: Path) -> LakehouseWarehouse:
    """A lakehouse of its own: no Trino knows it."""
    return lakehouse(catalogue_url, tmp_path)


def lakehouse(url: str, folder: Path) -> LakehouseWarehouse:
    store = (folder / "store").as_uri()
    return LakehouseWarehouse(url, store, world="sandbox", cache=folder / "cache", lock_timeout_seconds=30, clock=clock)


def ask(address: str, query: str, **options: Any) -> list[list[Any]]:
    """The rows of a query to a Trino. Raises what the client raises."""
    from trino.dbapi import connect

    parts = urlsplit(address)
    with connect(host=parts.hostname, port=parts.port, user=parts.username, catalog="lake", **options) as connection:
        cursor = connection.cursor()
        cursor.execute(query)
        return cursor.fetchall()
