"""Reading PostgreSQL: declared types, quoted names, changes by time, and drift as an error by name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from oso_dagster.connectors import database
from oso_dagster.connectors.database import Changes, DatabaseError, Field
from oso_dagster.domain.source import Column, ColumnType
from oso_dagster.sandbox import postgres
from oso_dagster.sandbox.world import generate
from tests.database import execute, serving

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
    with serving(generate(1, datetime.now(UTC)), tmp_path_factory.mktemp("world")) as found:
        yield found


@pytest.fixture
def url(port: int) -> str:
    execute(port, MAKE)
    return postgres.address(port, "op_atlas")


def test_rows_come_with_declared_names_and_types(url: str) -> None:
    rows = database.read(url, "Odd Table", FIELDS).to_pylist()
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
    assert database.unknown_columns(url, "Odd Table", FIELDS) == ["secret"]
    assert database.unknown_columns(url, "Odd Table", FIELDS, ["secret"]) == []
    with pytest.raises(DatabaseError, match="permission denied"):
        database.read(url, "Odd Table", [Field("secret", Column("secret", ColumnType.VARCHAR, "s"))])


def test_only_what_changed_since_a_time_is_read_at_that_time_included(url: str) -> None:
    def seen(since: datetime) -> int:
        return database.read(url, "Odd Table", FIELDS, Changes(("seenAt", "zonedAt"), since)).num_rows

    at = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    assert (seen(at), seen(at.replace(microsecond=678001))) == (1, 0)
    assert seen(datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)) == 1


@pytest.mark.parametrize(
    ("drift", "message"),
    [
        ('ALTER TABLE "Odd Table" RENAME tags TO labels', "Odd Table: columns were lost upstream: tags"),
        ('ALTER TABLE "Odd Table" ALTER "theKey" TYPE text', "theKey is text, bigint is declared"),
        ('DROP TABLE "Odd Table"', "Odd Table: no such table"),
    ],
)
def test_drift_is_an_error_by_name(url: str, port: int, drift: str, message: str) -> None:
    execute(port, drift)
    with pytest.raises(DatabaseError, match=message):
        database.unknown_columns(url, "Odd Table", FIELDS)


def test_other_spellings_of_the_address_are_understood(url: str) -> None:
    for scheme in ("postgresql+psycopg2", "postgresql+asyncpg"):
        assert database.read(url.replace("postgresql", scheme), "Odd Table", FIELDS).num_rows == 2


@pytest.mark.parametrize("address", ["sqlite:///x.db", "no address: hush"])
def test_what_is_no_postgresql_address_is_refused_without_showing_it(address: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        database.read(address, "x", FIELDS)
    assert "hush" not in str(caught.value)


def test_a_refused_login_is_an_error_that_names_the_table_and_holds_no_password(url: str) -> None:
    with pytest.raises(DatabaseError, match=r"Odd Table: .*password authentication failed") as caught:
        database.read(url.replace(postgres.PASSWORD, "an-expired-one"), "Odd Table", FIELDS)
    assert "an-expired-one" not in str(caught.value)


def test_the_same_rows_have_the_same_digest_and_others_another(url: str, port: int) -> None:
    first = database.digest(database.read(url, "Odd Table", FIELDS))
    assert database.digest(database.read(url, "Odd Table", FIELDS)) == first
    execute(port, 'UPDATE "Odd Table" SET good = false')
    assert database.digest(database.read(url, "Odd Table", FIELDS)) != first
