"""Reading PostgreSQL and SQLite: declared types, quoted names, changes by time, and drift as an error by name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from oso_dagster.connectors.database import any_engine, table_reader
from oso_dagster.connectors.database.table_reader import Changes, DatabaseError, Field
from oso_dagster.domain.catalogue.source import Column, ColumnType
from oso_dagster.sandbox.protocols import postgres
from oso_dagster.sandbox.world.world import generate
from tests.support.database import execute, execute_sqlite, serving

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
        CREATE VIEW "Noting" AS SELECT note() AS "theKey"; GRANT SELECT ON "Noting" TO reader;""")  # fmt: skip
    inspected = table_reader.inspect_table(url, "Noting")
    with pytest.raises(DatabaseError, match="cannot execute INSERT in a read-only transaction"):
        inspected.read(FIELDS[:1])


def test_the_same_rows_have_the_same_digest_and_others_another(url: str, port: int) -> None:
    first = table_reader.digest(table_reader.inspect_table(url, "Odd Table").read(FIELDS))
    assert table_reader.digest(table_reader.inspect_table(url, "Odd Table").read(FIELDS)) == first
    execute(port, 'UPDATE "Odd Table" SET good = false')
    assert table_reader.digest(table_reader.inspect_table(url, "Odd Table").read(FIELDS)) != first


IN_SQLITE = """
CREATE TABLE "Odd Table" ("theKey" integer, "a ""quoted"" name" text, tags json, "seenAt" timestamp, "zonedAt" timestamp,
    wei text, mood varchar(9), doc json, day date, share numeric(5, 2), good boolean, secret blob);
INSERT INTO "Odd Table" VALUES (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, x'00');
INSERT INTO "Odd Table" VALUES
    (1, 'a	b', '["x", null, "y,\\""]', '2026-01-02 03:04:05.678', '2026-01-02 01:04:05',
     '12345678901234567890123456789012345678', 'calm', '"a"', '2026-01-02', 0.5, 1, x'00')
"""


@pytest.fixture
def sqlite(tmp_path: Path) -> Path:
    execute_sqlite(tmp_path / "it's.db", IN_SQLITE)
    return tmp_path / "it's.db"


def test_rows_of_any_other_engine_come_with_declared_names_and_types(sqlite: Path) -> None:
    inspected = table_reader.inspect_table(f"sqlite:///{sqlite}", "Odd Table")
    assert inspected.unknown(FIELDS) == ["secret"]
    first, second = inspected.read(FIELDS).to_pylist()
    assert set(first.values()) == {2, None}, "a column may begin with a null"
    assert second == {
        "the_key": 1,
        "quoted_name": "a\tb",
        "tags": ["x", None, 'y,"'],
        "seen_at": datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
        "zoned_at": datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC),
        "wei": 12345678901234567890123456789012345678,
        "mood": "calm",
        "doc": '"a"',
        "day": datetime(2026, 1, 2, tzinfo=UTC).date(),
        "share": 0.5,
        "good": True,
    }


def test_only_what_changed_is_read_of_any_other_engine(sqlite: Path) -> None:
    inspected = table_reader.inspect_table(f"sqlite:///{sqlite}", "Odd Table")
    seen = [inspected.read(FIELDS, Changes(("zonedAt",), datetime(2026, 1, 2, 1, 4, at, tzinfo=UTC))).num_rows for at in (5, 7)]
    assert seen == [1, 0]


@pytest.mark.parametrize(
    ("drift", "message"),
    [
        ('ALTER TABLE "Odd Table" RENAME tags TO labels', "Odd Table: columns are missing upstream: tags"),
        ('ALTER TABLE "Odd Table" DROP day; ALTER TABLE "Odd Table" ADD day text', "day is text, date is declared"),
        ('DROP TABLE "Odd Table"', "Odd Table: no such table"),
        ("""UPDATE "Odd Table" SET "theKey" = 'seven'""", "a value does not fit its declared type: .*seven"),
    ],
)
def test_drift_of_any_other_engine_is_an_error_by_name(sqlite: Path, drift: str, message: str) -> None:
    execute_sqlite(sqlite, drift)

    def use() -> None:
        inspected = table_reader.inspect_table(f"sqlite:///{sqlite}", "Odd Table")
        inspected.unknown(FIELDS)
        inspected.read(FIELDS)

    with pytest.raises(DatabaseError, match=message):
        use()


def test_a_file_of_sqlite_is_opened_read_only_and_a_wrong_path_makes_none(sqlite: Path) -> None:
    wrong = sqlite.parent / "wrong.db"
    with pytest.raises(DatabaseError, match="x: the database cannot be read: unable to open database file"):
        table_reader.inspect_table(f"sqlite:///{wrong}", "x")
    assert not wrong.exists()
    with any_engine._connected(make_url(f"sqlite:///{sqlite}"), "x") as connection, pytest.raises(OperationalError):
        connection.exec_driver_sql('DELETE FROM "Odd Table"')
