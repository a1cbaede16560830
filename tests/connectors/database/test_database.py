"""Reading PostgreSQL: declared types, quoted names, changes by time, and drift as an error by name."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from tempfile import TemporaryDirectory
from urllib.parse import quote

import pytest

from oso_dagster.connectors.database import postgres_engine, table_reader
from oso_dagster.connectors.database.table_reader import Changes, DatabaseError, Field
from oso_dagster.domain.catalogue.source import Column, ColumnType
from oso_dagster.sandbox.protocols import postgres
from oso_dagster.sandbox.world.world import generate
from tests.support.database import execute, serving

pytestmark = pytest.mark.server

FIELDS = [
    Field("theKey", Column("the_key", ColumnType.BIGINT, "k")),
    Field('a "quoted" name', Column("quoted_name", ColumnType.VARCHAR, "q")),
    Field("tags", Column("tags", ColumnType.VARCHARS, "t")),
    Field("seenAt", Column("seen_at", ColumnType.TIMESTAMP, "s")),
    Field("zonedAt", Column("zoned_at", ColumnType.TIMESTAMP, "z")),
    Field("wei", Column("wei", ColumnType.DECIMAL, "w")),
    Field("mood", Column("mood", ColumnType.VARCHAR, "m")),
    Field("doc", Column("doc", ColumnType.JSON, "d")),
    Field("day", Column("day", ColumnType.DATE, "d")),
    Field("share", Column("share", ColumnType.DOUBLE, "d")),
    Field("good", Column("good", ColumnType.BOOLEAN, "d")),
]
MAKE = """
DROP TABLE IF EXISTS "Odd Table"; DROP TYPE IF EXISTS mood; CREATE TYPE mood AS ENUM ('calm');
CREATE TABLE "Odd Table" ("theKey" integer, "a ""quoted"" name" text, tags text[], "seenAt" timestamp(3), "zonedAt" timestamptz,
    wei numeric, mood mood, doc jsonb, day date, share numeric(5, 2), good boolean, secret text);
INSERT INTO "Odd Table" VALUES
    (1, E'a\\tb', ARRAY['x', NULL, 'y,"z'], '2026-01-02 03:04:05.678', '2026-01-02 03:04:05+02',
     12345678901234567890123456789012345678, 'calm', '{"a": [1]}', '2026-01-02', 0.5, true, 'hush'),
    (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'hush');
GRANT SELECT ("theKey", "a ""quoted"" name", tags, "seenAt", "zonedAt", wei, mood, doc, day, share, good)
    ON "Odd Table" TO reader;
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with serving(generate(1, datetime.now(UTC)), tmp_path_factory.mktemp("world")) as listening:
        yield listening


@pytest.fixture
def url(port: int) -> str:
    execute(port, MAKE)
    return postgres.address(port, "op_atlas")


def test_rows_come_with_declared_names_and_types(url: str) -> None:
    rows = table_reader.inspect_table(url, "Odd Table").read(FIELDS).to_pylist()
    assert rows[0] == {
        "the_key": 1,
        "quoted_name": "a\tb",
        "tags": ["x", None, 'y,"z'],
        "seen_at": datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
        "zoned_at": datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC),
        "wei": 12345678901234567890123456789012345678,
        "mood": "calm",
        "doc": '{"a": [1]}',
        "day": datetime(2026, 1, 2, tzinfo=UTC).date(),
        "share": 0.5,
        "good": True,
    }
    assert set(rows[1].values()) == {2, None}


def test_a_column_that_is_not_declared_is_never_read_and_reported_by_name(url: str) -> None:
    """The reader has no right to read `secret`: any query that named it would fail."""
    inspected = table_reader.inspect_table(url, "Odd Table")
    assert inspected.unknown(FIELDS) == ["secret"]
    assert inspected.unknown(FIELDS, ["secret"]) == []
    with pytest.raises(DatabaseError, match="permission denied"):
        inspected.read([Field("secret", Column("secret", ColumnType.VARCHAR, "s"))])


def test_only_what_changed_since_a_time_is_read_at_that_time_included(url: str) -> None:
    def seen(since: datetime) -> int:
        return table_reader.inspect_table(url, "Odd Table").read(FIELDS, Changes(("seenAt", "zonedAt"), since)).num_rows

    at = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    assert (seen(at), seen(at.replace(microsecond=678001))) == (1, 0)
    assert seen(datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)) == 1


@pytest.mark.parametrize(
    ("drift", "message"),
    [
        ('ALTER TABLE "Odd Table" RENAME tags TO labels', "Odd Table: columns are missing upstream: tags"),
        ('ALTER TABLE "Odd Table" ALTER "theKey" TYPE text', "theKey is text, bigint is declared"),
        ('DROP TABLE "Odd Table"', "Odd Table: no such table"),
    ],
)
def test_drift_is_an_error_by_name(url: str, port: int, drift: str, message: str) -> None:
    execute(port, drift)
    with pytest.raises(DatabaseError, match=message):
        table_reader.inspect_table(url, "Odd Table").unknown(FIELDS)


def test_other_spellings_of_the_address_are_understood(url: str) -> None:
    for scheme in ("postgresql+psycopg2", "postgresql+asyncpg"):
        assert table_reader.inspect_table(url.replace("postgresql", scheme), "Odd Table").read(FIELDS).num_rows == 2


OPTIONS = ("schema=public", "pgbouncer=true", "schema=public&connection_limit=1", "options=-c%20search_path%3Dpublic",
    "sslmode=allow", "application_name=oso", "connect_timeout=5")  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS)
def test_options_that_only_libpq_or_prisma_know_are_understood_and_the_rows_are_the_same(
    url: str, port: int, options: str
) -> None:
    execute(port, """UPDATE "Odd Table" SET "seenAt" = '-infinity', share = 'NaN' WHERE "theKey" = 2""")
    address = f"{url}{'&' if '?' in url else '?'}{options}"
    rows, bare = (table_reader.inspect_table(source, "Odd Table").read(FIELDS) for source in (address, url))
    seen = [rows.column_names.index("seen_at"), rows.column_names.index("share")]
    plain = [[row for number, row in enumerate(table.columns) if number not in seen] for table in (rows, bare)]
    assert plain[0] == plain[1]
    assert rows["seen_at"][0] == bare["seen_at"][0]
    assert rows.schema == bare.schema
    changes = Changes(("seenAt",), datetime(2026, 1, 2, tzinfo=UTC))
    assert table_reader.inspect_table(address, "Odd Table").read(FIELDS, changes).num_rows == 1


@pytest.mark.parametrize("spelled", ["host=", "%2F"])
def test_a_socket_of_this_machine_is_understood(url: str, port: int, spelled: str) -> None:
    with TemporaryDirectory() as folder, _socket_in(folder, port):
        credentials, path = f"{postgres.READER}:{postgres.PASSWORD}", "op_atlas"
        address = {
            "host=": f"postgresql://{credentials}@/{path}?host={folder}&port={port}",
            "%2F": f"postgresql://{credentials}@{quote(folder, safe='')}:{port}/{path}",
        }[spelled]
        assert table_reader.inspect_table(address, "Odd Table").read(FIELDS).num_rows == 2


@contextmanager
def _socket_in(folder: str, port: int) -> Iterator[None]:
    """A socket where libpq looks for one, that leads to the server's port: the sandbox's own listens on loopback only."""

    class Forward(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as far:
                back = threading.Thread(target=_copy, args=(far, self.request), daemon=True)
                back.start()
                _copy(self.request, far)
                back.join(5)

    with socketserver.ThreadingUnixStreamServer(f"{folder}/.s.PGSQL.{port}", Forward) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize(
    "options", ["sslmode=verify-full", "sslmode=verify-ca&sslrootcert=/nowhere/root.crt", "sslaccept=strict"]
)
def test_a_server_without_the_certificate_that_the_address_asks_for_is_refused_by_name(url: str, options: str) -> None:
    with pytest.raises(DatabaseError, match=r"Odd Table: .*(SSL|root certificate)") as caught:
        table_reader.inspect_table(f"{url}{'&' if '?' in url else '?'}{options}", "Odd Table")
    assert postgres.PASSWORD not in str(caught.value)


def test_a_schema_that_is_not_there_is_no_table_by_name(url: str) -> None:
    with pytest.raises(DatabaseError, match="Odd Table: no such table"):
        table_reader.inspect_table(f"{url}{'&' if '?' in url else '?'}schema=elsewhere", "Odd Table")


def test_a_session_that_libpq_reads_only_reads(url: str, port: int) -> None:
    execute(port, """DROP TABLE IF EXISTS seen CASCADE; CREATE TABLE seen (at integer); GRANT INSERT, SELECT ON seen TO reader;
        CREATE OR REPLACE FUNCTION note() RETURNS integer LANGUAGE sql AS 'INSERT INTO seen VALUES (1) RETURNING at';
        CREATE OR REPLACE VIEW "Noting" AS SELECT note() AS "theKey"; GRANT SELECT ON "Noting" TO reader;""")  # fmt: skip
    with pytest.raises(DatabaseError, match="cannot execute INSERT in a read-only transaction"):
        table_reader.inspect_table(f"{url}{'&' if '?' in url else '?'}pgbouncer=true", "Noting").read(FIELDS[:1])


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("no address: hush", "no SQLAlchemy URL"),
        ("cassandra://me:hush@host/x", "knows no engine 'cassandra'"),
        ("mysql+pymysql://me:hush@host/x", "the driver 'pymysql' of mysql[+]pymysql is not installed"),
        ("sqlite:////nowhere/hush/x.db", "unable to open database file"),
    ],
)
def test_an_address_that_cannot_be_read_is_refused_without_showing_it(address: str, words: str) -> None:
    with pytest.raises(DatabaseError, match=words) as caught:
        table_reader.inspect_table(address, "x")
    assert "hush" not in str(caught.value)


def test_a_refused_login_is_an_error_that_names_the_table_and_holds_no_password(url: str) -> None:
    with pytest.raises(DatabaseError, match=r"Odd Table: .*password authentication failed") as caught:
        table_reader.inspect_table(url.replace(postgres.PASSWORD, "an-expired-one"), "Odd Table")
    assert "an-expired-one" not in str(caught.value)


def test_a_session_only_reads_even_where_a_view_would_write(url: str, port: int) -> None:
    execute(port, """DROP TABLE IF EXISTS seen CASCADE; CREATE TABLE seen (at integer); GRANT INSERT, SELECT ON seen TO reader;
        CREATE OR REPLACE FUNCTION note() RETURNS integer LANGUAGE sql AS 'INSERT INTO seen VALUES (1) RETURNING at';
        CREATE OR REPLACE VIEW "Noting" AS SELECT note() AS "theKey"; GRANT SELECT ON "Noting" TO reader;""")  # fmt: skip
    inspected = table_reader.inspect_table(url, "Noting")
    with pytest.raises(DatabaseError, match="cannot execute INSERT in a read-only transaction"):
        inspected.read(FIELDS[:1])


def test_a_statement_that_does_not_end_is_ended_by_the_database(url: str, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    execute(port, """DROP VIEW IF EXISTS "Endless"; CREATE VIEW "Endless" AS SELECT 1 AS "theKey", pg_sleep(60) IS NULL AS slept
        WHERE pg_sleep(60) IS NOT NULL; GRANT SELECT ON "Endless" TO reader;""")  # fmt: skip
    monkeypatch.setattr(postgres_engine, "SESSION", [*postgres_engine.SESSION[:-1], "SET statement_timeout = '200ms'"])
    inspected = table_reader.inspect_table(url, "Endless")
    with pytest.raises(DatabaseError, match="statement timeout"):
        inspected.read(FIELDS[:1])
    assert "3600s" in postgres_engine.READ_TIMEOUT


def test_the_same_rows_have_the_same_digest_and_others_another(url: str, port: int) -> None:
    first = table_reader.digest(table_reader.inspect_table(url, "Odd Table").read(FIELDS))
    assert table_reader.digest(table_reader.inspect_table(url, "Odd Table").read(FIELDS)) == first
    execute(port, 'UPDATE "Odd Table" SET good = false')
    assert table_reader.digest(table_reader.inspect_table(url, "Odd Table").read(FIELDS)) != first
