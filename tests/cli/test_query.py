"""`oso sql`: reads what is there, waits for who writes, changes nothing, and reaches nothing else."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from oso_dagster.cli import app
from oso_dagster.cli.query import NothingLoadedError
from oso_dagster.settings import Settings

WRITER = (
    "import duckdb, sys, time\nc = duckdb.connect(sys.argv[1])\nc.execute('INSERT INTO t VALUES (3)')\n"
    "print('open', flush=True)\ntime.sleep(2)\nc.close()\n"
)


@pytest.fixture
def warehouse(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "80")
    settings.world_dir.mkdir(parents=True)
    with duckdb.connect(settings.warehouse_path) as connection:
        connection.execute("CREATE TABLE t AS SELECT UNNEST([1, 2]) AS n")
    return settings.warehouse_path


def ask(query: str, *options: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["sql", query, *options])
    assert result.exit_code == code, result.output
    return result.output


def test_rows_are_shown_as_a_table_or_as_json_and_a_limit_is_said(warehouse: Path) -> None:
    assert ask("SELECT n, NULL AS nothing FROM t ORDER BY n").split() == ["n", "nothing", "─" * 11, "1", "NULL", "2", "NULL"]
    assert json.loads(ask("SELECT n, DATE '2026-03-01' AS day FROM t ORDER BY n", "--json")) == [
        {"n": 1, "day": "2026-03-01"},
        {"n": 2, "day": "2026-03-01"},
    ]
    assert "the first 1 rows are shown" in ask("SELECT n FROM t", "--limit", "1")


def test_rows_that_do_not_fit_beside_each_other_are_shown_one_under_the_other_and_no_rows_is_said(warehouse: Path) -> None:
    many = ", ".join(f"'value {place} of a row' AS column_{place}" for place in range(9))
    printed = ask(f"SELECT {many} FROM t")
    assert len(re.findall(r"^ ?column_8 +value 8 of a row *$", printed, re.MULTILINE)) == 2
    assert max(map(len, printed.splitlines())) <= 80
    assert ask("SELECT n FROM t WHERE n > 9").splitlines()[-1] == "no rows"


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM t",
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY t TO '/tmp/t.csv'",
        "ATTACH '/tmp/other.duckdb'",
        "SET enable_external_access = true",
    ],
)
def test_it_changes_nothing_and_reaches_no_file(warehouse: Path, query: str) -> None:
    ask(query, code=2)
    assert ask("SELECT count(*) AS n FROM t", "--json") == '[\n  {\n    "n": 2\n  }\n]\n'


@pytest.mark.parametrize("query", ["SHOW TABLES", " show  tables;\n"])
def test_the_tables_of_every_schema_that_readers_query_are_shown_the_marts_first(warehouse: Path, query: str) -> None:
    with duckdb.connect(warehouse) as connection:
        for schema in ("github", "marts", "sqlmesh__marts", "marts__dev", "staging"):
            connection.execute(f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.things AS SELECT 1 AS n")
    shown = [(row["schema"], row["name"]) for row in json.loads(ask(query, "--json"))]
    assert shown == [("marts", "things"), ("staging", "things"), ("github", "things"), ("main", "t")]


def test_it_waits_for_who_writes_and_sees_what_was_written(warehouse: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, str(warehouse)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        began = time.monotonic()
        assert json.loads(ask("SELECT max(n) AS n FROM t", "--json")) == [{"n": 3}]
        assert time.monotonic() - began > 1


def test_before_anything_was_loaded_the_next_step_is_said(settings: Settings) -> None:
    result = CliRunner().invoke(app, ["sql", "SELECT 1"])
    assert isinstance(result.exception, NothingLoadedError)
    assert "oso run" in str(result.exception)
    assert not settings.home.exists()


def test_where_nobody_chose_a_world_and_there_are_two_the_command_says_which(
    settings: Settings, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "OSO_WORLD" not in ask("SELECT 1")
    (settings.home / "sandbox").mkdir()
    assert "the live world; what `make demo` and `make dev` made: OSO_WORLD=sandbox oso …" in ask("SELECT 1")
    monkeypatch.setenv("OSO_WORLD", "live")
    assert "OSO_WORLD" not in ask("SELECT 1")


def piped(query: str, form: str, *options: str) -> bytes:
    """What a program at the other end of a pipe gets."""
    command = [Path(sys.executable).with_name("oso"), "sql", query, "--format", form, *options]
    return subprocess.run(command, capture_output=True, check=True).stdout


def test_an_answer_goes_to_other_programs_whole_with_its_types_or_as_text(warehouse: Path) -> None:
    query = "SELECT range AS n, CAST('x' || range AS VARCHAR) AS word, NULL::DATE AS day, [range, 2] AS listed FROM range(25000)"
    table = pq.read_table(pa.BufferReader(piped(query, "parquet")))
    assert table.schema.names == ["n", "word", "day", "listed"]
    assert str(table.schema.field("day").type) == "date32[day]"
    assert table.column("n").to_pylist() == list(range(25_000))
    rows = list(csv.reader(piped(query, "csv").decode().splitlines()))
    assert rows[0] == table.schema.names
    assert rows[-1] == ["24999", "x24999", "", "[24999, 2]"]
    assert len(rows) == 25_001
    assert len(piped(query, "csv", "--limit", "3").splitlines()) == 4
    assert pq.read_table(pa.BufferReader(piped(query, "parquet", "--limit", "10001"))).num_rows == 10_001


def test_an_empty_answer_has_its_names_and_types(warehouse: Path) -> None:
    assert piped("SELECT n, 'a,b' AS quoted FROM t WHERE n > 9", "csv") == b"n,quoted\r\n"
    empty = pq.read_table(pa.BufferReader(piped("SELECT n FROM t WHERE n > 9", "parquet")))
    assert (empty.num_rows, str(empty.schema.field("n").type)) == (0, "int32")
