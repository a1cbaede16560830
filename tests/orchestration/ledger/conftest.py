"""Dagster and the store, both on SQLite files or both on a PostgreSQL server."""

import dagster as dg
import pytest

from oso_dagster.reliability.store import Store
from tests.support.postgres import ENGINES, empty


@pytest.fixture(scope="module", params=ENGINES)
def server(request):
    """None for SQLite files; the address of a PostgreSQL server that both Dagster and the store use."""
    return None if request.param == "sqlite" else request.getfixturevalue("postgres_server")


@pytest.fixture
def storage(server):
    return {"storage": {"postgres": {"postgres_url": empty(server)}}} if server else {}


@pytest.fixture
def instance(storage, tmp_path):
    with dg.instance_for_test(temp_dir=str(tmp_path), overrides=storage) as opened:
        yield opened


@pytest.fixture
def retrying(storage, tmp_path):
    """An instance whose daemon would retry failed runs."""
    overrides = storage | {"run_retries": {"enabled": True, "max_retries": 2}}
    with dg.instance_for_test(temp_dir=str(tmp_path), overrides=overrides) as opened:
        yield opened


@pytest.fixture
def store(server, tmp_path):
    with Store.open(empty(server) if server else f"sqlite:///{tmp_path / 'reliability.db'}", "sandbox") as opened:
        yield opened
