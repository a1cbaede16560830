"""Fetching one file, and reading it as CSV: whole, typed, or an error by name."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from oso_dagster.connectors import csv_file
from oso_dagster.connectors.http import files
from oso_dagster.connectors.http.rest import USER_AGENT
from oso_dagster.domain.catalogue.source import Column, ColumnType

COLUMNS = (
    Column("name", ColumnType.VARCHAR, "who"),
    Column("amount", ColumnType.DOUBLE, "how much"),
    Column("day", ColumnType.DATE, "when"),
)
GOOD = b'name,amount,day\n"a, b\nc",1.5,2024-02-05\n,2,\n'


@contextmanager
def serving(answers: list[tuple[int, bytes, int | None]]) -> Iterator[tuple[str, list[str]]]:
    """A server on loopback that gives the answers in turn (status, body, announced length), the last one for ever."""
    agents: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body, length = answers.pop(0) if len(answers) > 1 else answers[0]
            agents.append(self.headers["User-Agent"])
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/data.csv", agents
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.server
def test_a_file_is_read_from_disk_and_over_http_alike(tmp_path: Path) -> None:
    (tmp_path / "with space.csv").write_bytes(GOOD)
    with serving([(200, GOOD, None)]) as (url, agents):
        assert files.fetch((tmp_path / "with space.csv").as_uri()) == files.fetch(url) == GOOD
        assert agents == [USER_AGENT]


@pytest.mark.server
def test_a_server_that_stumbles_is_asked_again() -> None:
    with serving([(503, b"", None), (429, b"", None), (200, GOOD, None)]) as (url, agents):
        assert files.fetch(url) == GOOD
        assert len(agents) == 3


@pytest.mark.server
def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(files.FileError, match=r"gone.csv: No such file"):
        files.fetch((tmp_path / "gone.csv").as_uri())
    with serving([(404, b"<html>", None)]) as (url, _), pytest.raises(files.FileError, match="404"):
        files.fetch(url)


@pytest.mark.server
def test_a_transfer_that_was_cut_is_an_error_not_a_shorter_file() -> None:
    with serving([(200, GOOD[:20], len(GOOD))]) as (url, _), pytest.raises(files.FileError):
        files.fetch(url)


def test_other_protocols_are_refused() -> None:
    with pytest.raises(files.FileError, match="only http, https and file"):
        files.fetch("ftp://example.org/x")


def test_values_are_typed_and_empty_fields_are_null() -> None:
    table = csv_file.read(GOOD, COLUMNS)
    assert table.to_pylist()[0] == {"name": "a, b\nc", "amount": 1.5, "day": date(2024, 2, 5)}
    assert table.to_pylist()[1] == {"name": None, "amount": 2.0, "day": None}
    assert table.column_names == [column.name for column in COLUMNS]


def test_a_new_column_arrives_as_text_and_a_lost_one_is_an_error() -> None:
    new = csv_file.read(b"extra,name,amount,day\n7,a,1,2024-01-01\n", COLUMNS)
    assert new.column_names == ["name", "amount", "day", "extra"]
    assert new["extra"].to_pylist() == ["7"]
    with pytest.raises(csv_file.CsvError, match="no column amount among name, sum, day"):
        csv_file.read(b"name,sum,day\na,1,2024-01-01\n", COLUMNS)


@pytest.mark.parametrize("content", [b"name,amount,day\na,much,2024-01-01\n", b"name,amount,day\na,1\n", b"", b"<html></html>"])
def test_what_is_not_the_declared_csv_is_an_error(content: bytes) -> None:
    with pytest.raises(csv_file.CsvError):
        csv_file.read(content, COLUMNS)
