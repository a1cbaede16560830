"""One database, SQLite or PostgreSQL, for several processes at once: connections, transactions, migrations.

What the tables mean is in `ledger` and `results`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, column, create_engine, event, select, table, text
from sqlalchemy.engine import URL, make_url

VERSION_TABLE = "oso_alembic_version"
"""Dagster keeps `alembic_version` for itself; both may share one PostgreSQL database."""

_BUSY_SECONDS = 60
_CACHE_KIB = 64 * 1024
"""Of memory that SQLite may keep pages in: a month of attempts goes into its indexes at random."""
_LOG_PAGES = 32_000
"""Of SQLite's log before it is written back (128 MB): pages that one write after the other changes go back once."""
_LOG_KEPT = 32 * 1024 * 1024
"""Bytes of that log that stay on the disk after a long write."""
_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 7_305_011
_WRITING = "oso_writing"


class Database:
    """An engine and the two ways to use it: `reading` and `writing` transactions."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(make_url(url))

    @property
    def address(self) -> str:
        """The URL without its password, for messages."""
        return self._engine.url.render_as_string(hide_password=True)

    @property
    def is_server(self) -> bool:
        """Whether another process does the work of writing and reading."""
        return self._engine.dialect.name == "postgresql"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database."""
        # A server's default shows each statement another state.
        options = {"isolation_level": "REPEATABLE READ"} if self.is_server else {}
        with self._engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes; on SQLite it takes the write lock at once, so that it cannot fail half way."""
        with self._engine.connect().execution_options(**{_WRITING: True}) as connection, connection.begin():
            yield connection

    def analyze_if_new(self, table: Table) -> None:
        """Have a server count what is in a table of which it knows nothing: it plans by that, and would look in a minute only."""
        if self.is_server:
            known = text("SELECT reltuples >= 0 FROM pg_class WHERE oid = CAST(:name AS regclass)")
            with self.writing() as connection:
                if not connection.execute(known, {"name": table.name}).scalar_one():
                    connection.execute(text(f"ANALYZE {table.name}"))

    def revision(self) -> str | None:
        """The revision that the schema has; None where it has none yet. Without Alembic, which is slow to import."""
        with self._engine.connect() as connection:
            if not self._engine.dialect.has_table(connection, VERSION_TABLE):
                return None
            return connection.execute(select(column("version_num")).select_from(table(VERSION_TABLE))).scalar_one_or_none()

    def newest_revision(self) -> str:
        """The revision that `migrate` leads to: the number at the begin of the last file of the migrations."""
        return max(path.name for path in (_MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]

    def migrate(self) -> None:
        """Upgrade the schema to the newest revision; safe when several processes do it at once.

        Where it has that revision, Alembic is not even loaded: that takes as long as most of what a store is opened for.
        """
        if self.revision() == self.newest_revision():
            return
        from alembic import command  # noqa: PLC0415  (slow to import, needed once per process)

        config = _migrations()
        with self.writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            config.attributes.update(connection=connection, version_table=VERSION_TABLE)
            command.upgrade(config, "head")

    def close(self) -> None:
        """Give back all connections."""
        self._engine.dispose()


def _migrations() -> Any:
    """Alembic's configuration: where the revisions lie."""
    from alembic.config import Config  # noqa: PLC0415  (slow to import)

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


def insert_into(connection: Connection, table: Table) -> Any:
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update`, in the connection's dialect."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415  (its drivers take a while to load)

        return insert(table)
    from sqlalchemy.dialects.sqlite import insert as insert_in_file  # noqa: PLC0415

    return insert_in_file(table)


def lock_table(connection: Connection, table: Table) -> None:
    """Let this writing transaction be the only one that changes `table` until it ends; on SQLite a writer is alone anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE"))


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        return create_engine(url, pool_pre_ping=True)
    if url.get_backend_name() != "sqlite":
        raise ValueError(f"the reliability store is SQLite or PostgreSQL, not {url.get_backend_name()}")
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Hand transactions to us (the driver would begin them late), and let readers and one writer work side by side."""
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
    connection.execute(f"PRAGMA journal_size_limit={_LOG_KEPT}")


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get(_WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
