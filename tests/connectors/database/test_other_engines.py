"""Reading any engine but PostgreSQL, by SQLite: declared types, changes by time, drift as an error by name, nothing written."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from oso_dagster.connectors.database import any_engine, table_reader
from oso_dagster.connectors.database.table_reader import Changes, DatabaseError
from tests.connectors.database.test_database import FIELDS
from tests.support.database import execute_sqlite

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
