"""The endpoints over HTTP: what is sent, what is refused and how, and what happens to clients that leave."""

from __future__ import annotations

import gzip
import io
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
import requests

from oso_dagster.serving.limits import KeyLimits
from tests.serving.small_door import NOW, SmallDoor, small_door

pytestmark = pytest.mark.server
ENDLESS = "SELECT sum(a.n * b.n) FROM UNNEST(sequence(1, 100000)) AS a(n) CROSS JOIN UNNEST(sequence(1, 1000000)) AS b(n)"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SmallDoor, str]]:
    with small_door(tmp_path_factory.mktemp("door")) as small, small.served() as address:
        yield small, address


def ask(address: str, query: str, **options: Any) -> requests.Response:
    headers = options.pop("headers", {})
    return requests.post(f"{address}/sql", json={"query": query, **options}, headers=headers, timeout=30)


def lines(answer: requests.Response) -> list[Any]:
    return [json.loads(line) for line in answer.text.splitlines()]


def test_an_answer_is_lines_of_columns_and_rows_with_its_provenance(served: tuple[SmallDoor, str]) -> None:
    answer = ask(served[1], "SELECT project_id, project_name FROM projects_v1 ORDER BY 1", includeAnalytics=True)
    assert answer.status_code == 200
    status, first = lines(answer)
    assert first["columns"] == ["project_id", "project_name"]
    assert first["data"][0] == ["p0", "name-0"]
    assert len(first["data"]) == 300
    assert {entry["key"]: entry["dependencies"] for entry in status["assetStatus"]} == {
        "marts/projects_v1": ["oss_directory/projects"],
        "oss_directory/projects": [],
    }
    known = json.loads(answer.headers["X-OSO-Provenance"])
    assert known["tables"] == [
        {
            "table": "marts.projects_v1",
            "lastGood": "2026-11-30T12:00:00+00:00",
            "freshness": "fresh",
            "coverage": "projects: 99.8 % of 7,112",
        }
    ]
    assert answer.headers["X-OSO-World"] == "sandbox"


def test_what_derives_from_an_unstable_and_stale_source_says_so(served: tuple[SmallDoor, str]) -> None:
    table = json.loads(ask(served[1], "SELECT 1 FROM metrics_v0 LIMIT 1").headers["X-OSO-Provenance"])["tables"][0]
    assert (table["freshness"], table["taintedBy"], table["missingPartitions"]) == ("stale", ["npm"], 2)


def test_many_rows_come_in_many_lines_and_an_empty_answer_has_its_columns(served: tuple[SmallDoor, str]) -> None:
    many = lines(ask(served[1], "SELECT * FROM metrics_v0"))
    assert len(many) > 1
    assert sum(len(line["data"]) for line in many) == 30_000
    assert lines(ask(served[1], "SELECT project_id FROM projects_v1 WHERE 1 = 0")) == [{"columns": ["project_id"], "data": []}]


@pytest.mark.parametrize("packed", ["gzip", "identity"])
def test_gzip_is_sent_to_who_takes_it(served: tuple[SmallDoor, str], packed: str) -> None:
    with requests.post(
        f"{served[1]}/sql",
        json={"query": "SELECT * FROM metrics_v0"},
        headers={"Accept-Encoding": packed},
        stream=True,
        timeout=30,
    ) as answer:
        body = answer.raw.read(decode_content=False)
    text = gzip.decompress(body) if packed == "gzip" else body
    assert answer.headers.get("Content-Encoding", "identity") == packed
    assert text.count(b"\n") > 1


def test_arrow_parquet_and_csv_for_those_who_ask(served: tuple[SmallDoor, str]) -> None:
    query = "SELECT project_id, sample_date, at FROM metrics_v0"
    arrow = ask(served[1], query, headers={"Accept": "application/vnd.apache.arrow.stream"})
    parquet = ask(served[1], query, headers={"Accept": "application/vnd.apache.parquet"})
    csv = ask(served[1], query, headers={"Accept": "text/csv"})
    table = pa.ipc.open_stream(arrow.content).read_all()
    assert table.num_rows == 30_000
    assert pyarrow.parquet.read_table(io.BytesIO(parquet.content)).equals(table)
    assert csv.text.splitlines()[0] == '"project_id","sample_date","at"'
    assert len(csv.text.splitlines()) == 30_001
    assert ask(served[1], query, headers={"Accept": "text/html"}).status_code == 406


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("ARRAY[1, 2]", "text/csv"),
        ("CAST(ROW(1) AS ROW(a INTEGER))", "text/csv"),
        ("INTERVAL '1' DAY", "text/csv"),
        ("CAST('101' AS BIT)", "text/csv"),
        ("INTERVAL '1' DAY", "application/vnd.apache.parquet"),
    ],
)
def test_a_column_that_a_form_has_no_place_for_is_named(served: tuple[SmallDoor, str], value: str, form: str) -> None:
    query = {"query": f"SELECT 1 AS fine, {value} AS odd", "dialect": "duckdb" if "BIT" in value else "trino"}
    answer = requests.post(f"{served[1]}/sql", json=query, headers={"Accept": form}, timeout=30)
    assert (answer.status_code, answer.json()["class"]) == (400, "user")
    assert "the column odd (" in answer.json()["error"]
    assert "application/x-ndjson or application/vnd.apache.arrow.stream" in answer.json()["error"]
    for other in ("application/json", "application/vnd.apache.arrow.stream"):
        assert requests.post(f"{served[1]}/sql", json=query, headers={"Accept": other}, timeout=30).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "class_"),
    [
        (b'{"query": "DROP TABLE x"}', 400, "user"),
        (b'{"query": "SELECT nope FROM projects_v1"}', 400, "user"),
        (b'{"query": "SELECT * FROM absent_v0"}', 503, "unexpected"),
        (b'{"query": ""}', 400, "user"),
        (b"[" * 50_000, 400, "user"),
        (b'{"query": "SELECT \'\\ud800\' AS a"}', 400, "user"),
        (b'{"query": "SELECT 1", "dialect": "\\udfff"}', 400, "user"),
        (b"nonsense", 400, "user"),
        (b'{"query": "' + b"x" * 500_000 + b'"}', 413, "user"),
    ],
)
@pytest.mark.parametrize("path", ["sql", "async-sql"])
def test_a_refusal_is_json_with_a_sentence_and_a_class(
    served: tuple[SmallDoor, str], path: str, body: bytes, status: int, class_: str
) -> None:
    answer = requests.post(f"{served[1]}/{path}", data=body, timeout=30)
    assert (answer.status_code, answer.json()["class"]) == (status, class_)
    assert answer.json()["error"]


def test_keys_are_needed_known_and_good(tmp_path: Path) -> None:
    with small_door(tmp_path, anonymous=None) as small, small.served() as address:
        _, good = small.keys.create("good", NOW)
        _, old = small.keys.create("old", NOW - timedelta(days=2), expires_at=NOW - timedelta(days=1))
        revoked, gone = small.keys.create("revoked", NOW)
        small.keys.revoke(revoked.id, NOW)
        _, plain = small.keys.create("no export", NOW, scopes=("sql",))
        query = "SELECT 1 AS n"
        assert ask(address, query).status_code == 401
        assert ask(address, query, headers={"Authorization": f"Bearer {good}"}).status_code == 200
        for text, why in ((old, "expired"), (gone, "revoked"), ("oso_guessed", "not known"), ("", "Bearer")):
            answer = ask(address, query, headers={"Authorization": f"Bearer {text}"})
            assert (answer.status_code, why in answer.json()["error"]) == (401, True)
        as_csv = {"Authorization": f"Bearer {plain}", "Accept": "text/csv"}
        assert ask(address, query, headers=as_csv).status_code == 403


def test_an_answer_belongs_to_who_asked(tmp_path: Path) -> None:
    with small_door(tmp_path, anonymous=None) as small, small.served() as address:
        mine, others = ({"Authorization": f"Bearer {small.keys.create(name, NOW)[1]}"} for name in ("mine", "other"))
        job = requests.post(f"{address}/async-sql", json={"query": "SELECT 1 AS n"}, headers=mine, timeout=30).json()
        assert job["status"] == "completed"
        where = {"url": f"{address}/async-sql", "params": {"id": job["id"]}, "timeout": 30}
        assert requests.get(**where, headers=others).status_code == 404
        assert requests.get(**where).status_code == 401
        assert requests.get(**where, headers=mine).json()["url"] == job["url"]
        assert requests.get(job["url"], timeout=30).text == '["n"]\n[1]\n'
        assert requests.get(f"{address}/async-sql/{'x' * 43}", timeout=30).status_code == 404


def test_too_many_questions_are_refused_with_when_to_try_again(tmp_path: Path) -> None:
    with small_door(tmp_path, anonymous=KeyLimits(per_minute=3, at_once=1)) as small, small.served() as address:
        codes = [ask(address, "SELECT 1 AS n") for _ in range(5)]
        assert [answer.status_code for answer in codes] == [200, 200, 200, 429, 429]
        assert int(codes[-1].headers["Retry-After"]) > 0
        assert small.door.outcomes.take() == (3, 3)


def test_two_hundred_at_once_are_all_answered_or_refused(tmp_path: Path) -> None:
    with small_door(tmp_path, at_once=4, waiting=50) as small, small.served() as address:
        with ThreadPoolExecutor(200) as clients:
            answers = list(clients.map(lambda _: ask(address, "SELECT count(*) AS n FROM metrics_v0"), range(200)))
        good = [answer for answer in answers if answer.status_code == 200]
        full = [answer for answer in answers if answer.status_code == 503]
        assert len(good) + len(full) == 200
        assert len(good) >= 50
        assert {answer.json()["class"] for answer in full} <= {"overload"}
        assert all(lines(answer)[0]["data"] == [[30_000]] for answer in good)
        assert ask(address, "SELECT 1 AS n").status_code == 200


def test_a_query_whose_client_has_left_is_stopped(tmp_path: Path) -> None:
    with small_door(tmp_path, at_once=1, patience=20) as small, small.served() as address:
        body = json.dumps({"query": ENDLESS}).encode()
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(b"POST /sql HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            time.sleep(0.5)
        began = time.monotonic()
        assert ask(address, "SELECT 1 AS n").status_code == 200  # the only place is free again
        assert time.monotonic() - began < 10
        assert small.door.outcomes.total["canceled"] == 1
        assert small.door.outcomes.take() == (1, 1)


def test_a_reader_that_reads_nothing_gives_its_place_back(tmp_path: Path) -> None:
    query = "SELECT a.* FROM metrics_v0 AS a CROSS JOIN (SELECT * FROM metrics_v0 LIMIT 100) AS b"
    with small_door(tmp_path, at_once=1, patience=20) as made:
        small = made.with_limits(stalled=0.5)
        with small.served() as address:
            host, port = address.removeprefix("http://").split(":")
            body = json.dumps({"query": query}).encode()
            with socket.create_connection((host, int(port))) as client:
                client.sendall(b"POST /sql HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                assert client.recv(100).startswith(b"HTTP/1.1 200")
                assert ask(address, "SELECT 1 AS n").status_code == 200


def test_an_answer_that_breaks_off_is_an_error_to_the_client(tmp_path: Path) -> None:
    with small_door(tmp_path) as made:
        small = made.with_limits(rows=15_000)
        with small.served() as address, pytest.raises(requests.exceptions.ChunkedEncodingError):
            ask(address, "SELECT * FROM metrics_v0")


def test_a_long_query_is_followed_and_can_be_given_up(tmp_path: Path) -> None:
    with small_door(tmp_path) as small, small.served() as address:
        job = requests.post(f"{address}/async-sql", json={"query": ENDLESS}, timeout=30).json()
        where = {"url": f"{address}/async-sql", "params": {"id": job["id"]}, "timeout": 30}
        assert requests.get(**where).json() == {"id": job["id"], "status": "running"}
        assert requests.delete(**where).status_code == 202
        deadline = time.monotonic() + 10
        while (answer := requests.get(**where)).status_code == 200 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert answer.json()["class"] == "canceled"
        assert list(small.files.iterdir()) == []
