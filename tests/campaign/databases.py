"""What goes wrong between us and a PostgreSQL: done to a real server, undone afterwards, and the words that must name it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from oso_dagster.sandbox.protocols import postgres
from tests.support.database import execute

FAULTS: Mapping[str, str] = {
    "dropped": "cannot be read",
    "refused": "cannot be read",
    "password_expired": "cannot be read",
    "changed_type": "changed their type",
    "lost_column": "columns are missing upstream",
    "emptied": "no rows arrived|no surviving row|would replace",
    "lost_table": "no such table",
    "duplicates": " times",
    "silent_deletion": "would replace|no surviving row|at most|at once",
}
"""The faults of a database, and what the error must say where one is refused."""

_AFTER_BYTES = 1500
"""How much of an answer comes before the connection drops: the greetings and the beginning of the rows."""


@contextmanager
def spoiled(kind: str, upstream: str, database: str, port: int) -> Iterator[str | None]:
    """The fault, inside the block; the address to ask instead of the usual one, if another."""
    address = postgres.address(port, database)
    if kind == "refused":
        with socket.create_server(("127.0.0.1", 0)) as closed:
            free = closed.getsockname()[1]
        yield address.replace(f":{port}/", f":{free}/")
    elif kind == "password_expired":
        execute(port, f"ALTER ROLE {postgres.READER} VALID UNTIL '2000-01-01'", database)
        try:
            yield None
        finally:
            execute(port, f"ALTER ROLE {postgres.READER} VALID UNTIL 'infinity'", database)
    elif kind == "dropped":
        with _dropping(port) as other:
            yield address.replace(f":{port}/", f":{other}/")
    else:
        with _replaced(port, database, upstream, _SICK[kind](port, database, upstream)):
            yield None


def tables(port: int, database: str) -> list[str]:
    """The names of a database's tables."""
    return execute(port, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'", database).split()


def _columns(port: int, database: str, table: str) -> list[str]:
    query = f"SELECT attname FROM pg_attribute WHERE attrelid = '\"{table}\"'::regclass AND attnum > 0 ORDER BY attnum"
    return execute(port, query, database).split()


def _select(names: list[str], changes: Mapping[str, str | None], more: str = "") -> str:
    kept = [changes.get(name, f'"{name}"') for name in names]
    return f"SELECT {', '.join(part for part in kept if part is not None)} FROM kept.{{table}} {more}"


def _changed(port: int, database: str, table: str) -> str | None:
    names = _columns(port, database, table)
    return _select(names, {names[-1]: f'to_jsonb("{names[-1]}") AS "{names[-1]}"'})


def _lost(port: int, database: str, table: str) -> str | None:
    names = _columns(port, database, table)
    return _select(names, {names[-1]: None})


def _emptied(port: int, database: str, table: str) -> str | None:
    return _select(_columns(port, database, table), {}, "WHERE false")


def _deleted(port: int, database: str, table: str) -> str | None:
    """One row, which no other mentions, is gone."""
    return _select(_columns(port, database, table), {}, "WHERE ctid <> '(0,2)'")


def _doubled(port: int, database: str, table: str) -> str | None:
    plain = _select(_columns(port, database, table), {})
    return f"{plain} UNION ALL {plain}"


_SICK: Mapping[str, Callable[[int, str, str], str | None]] = {
    "changed_type": _changed,
    "lost_column": _lost,
    "emptied": _emptied,
    "duplicates": _doubled,
    "silent_deletion": _deleted,
    "lost_table": lambda *_: None,
}


@contextmanager
def _replaced(port: int, database: str, table: str, query: str | None) -> Iterator[None]:
    """Another table in the place of one, and back."""
    put = f'CREATE SCHEMA IF NOT EXISTS kept; ALTER TABLE public."{table}" SET SCHEMA kept;'
    if query is not None:
        named = f'"{table}"'
        put += f"CREATE TABLE public.{named} AS {query.format(table=named)}; GRANT SELECT ON public.{named} TO {postgres.READER};"
    execute(port, put, database)
    try:
        yield
    finally:
        execute(port, f'DROP TABLE IF EXISTS public."{table}"; ALTER TABLE kept."{table}" SET SCHEMA public;', database)


@contextmanager
def _dropping(port: int) -> Iterator[int]:
    """A way to the server on which each connection breaks in the middle of the rows."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_forward, args=(listener, port), daemon=True).start()
        yield int(listener.getsockname()[1])


def _forward(listener: socket.socket, port: int) -> None:
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        far = socket.create_connection(("127.0.0.1", port))
        threading.Thread(target=_pump, args=(near, far, None), daemon=True).start()
        threading.Thread(target=_pump, args=(far, near, _AFTER_BYTES), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket, most: int | None) -> None:
    """Carry bytes until there are none, or until there were enough of them: then both ends are closed, hard."""
    copied = 0
    with suppress(OSError):
        while data := source.recv(4096):
            copied += len(data)
            if most is not None and copied > most:
                break
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
