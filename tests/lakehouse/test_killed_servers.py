"""Servers that are killed while somebody writes: a table is as before or as after, and the retry makes it whole.

Each case is a line of the table that is printed at the end. The servers are this file's own, since it kills them: a PostgreSQL
and a producer's Trino, started by what `make lakehouse` starts them with. No object store runs here: what it would answer is an
error of PyIceberg's file system.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import create_engine, text
from trino.exceptions import TrinoQueryError

from oso_dagster.sandbox.protocols import postgres
from oso_dagster.warehouse.lakehouse.catalogue import NAME, open_catalogue
from oso_dagster.warehouse.lakehouse.warehouse import LakehouseWarehouse
from tests.lakehouse.conftest import ask, lakehouse
from tests.warehouse.shop import ids, load, things

_SCRIPTS = Path(__file__).resolve().parents[2] / ".ci"
sys.path[:0] = [str(_SCRIPTS), str(_SCRIPTS / "lakehouse")]
from distribution import java_home, trino_home  # noqa: E402  (scripts outside any package)
from trino_server import Trino, iceberg  # noqa: E402

pytestmark = pytest.mark.timeout(300)
ROWS = 1_000_000
OUTCOMES: list[tuple[str, str, str]] = []


@dataclass
class Servers:
    """What is killed and started again."""

    folder: Path
    port: int
    trino: Trino
    process: subprocess.Popen[bytes] = field(init=False)

    @property
    def url(self) -> str:
        return f"postgresql+psycopg2://owner:{postgres.OWNER_PASSWORD}@127.0.0.1:{self.port}/lake"

    @property
    def address(self) -> str:
        return f"http://producer@127.0.0.1:{self.trino.port}"

    def start(self) -> None:
        self.process = self.trino.start(self.folder, trino_home(print), java_home())
        self.trino.await_ready(self.process, self.folder)

    def ask_once_it_has_nodes(self, query: str) -> list[list[Any]]:
        """A server that says it is ready may not have counted itself among its workers yet."""
        deadline = time.monotonic() + 60
        while True:
            try:
                return ask(self.address, query)
            except TrinoQueryError as error:
                if error.error_name != "NO_NODES_AVAILABLE" or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def runs(self, word: str) -> bool:
        """Whether a query that holds the word is being computed now."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.trino.port}/v1/query", headers={"X-Trino-User": "producer"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            return any(word in each["query"] and each["state"] == "RUNNING" for each in json.load(answer))

    def end(self) -> None:
        """Close the pipe that it lives by, and wait."""
        self.process.communicate()

    def kill(self) -> None:
        """kill -9 of the Java process, which is coordinator and worker."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            if child.name() == "java":
                os.kill(child.pid, signal.SIGKILL)
        self.process.communicate()


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("killed")
    (folder / "world").mkdir()
    (folder / "store").mkdir()
    with ExitStack() as stack:
        ports = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        numbers = [each.getsockname()[1] for each in ports]
        for each in ports:
            each.close()
        stack.enter_context(postgres.serving(numbers[0], folder / "world"))
        postgres.change(numbers[0], "postgres", "CREATE DATABASE lake TEMPLATE template0;")
        place = {
            "host": "127.0.0.1",
            "port": numbers[0],
            "user": "owner",
            "password": postgres.OWNER_PASSWORD,
            "database": "lake",
        }
        catalogue = iceberg(place, folder / "store", read_only=False)
        servers = Servers(folder, numbers[0], Trino("victim", numbers[1], 768, catalogue))
        open_catalogue(servers.url, (folder / "store").as_uri()).close()
        servers.start()
        stack.callback(servers.end)
        ask(servers.address, f"CREATE SCHEMA {NAME}.killed")
        yield servers
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print("\n\nkilled                                        while                        seen after        ", end="")
        print(*(f"\n{what:45} {while_:28} {seen}" for what, while_, seen in OUTCOMES))


def merge(table: str, value: int) -> str:
    """What a model's replaced days are, over many rows."""
    source = (
        f"SELECT CAST(NULL AS BOOLEAN) AS gone, (i - 1) * 400 + j AS n, {value} AS v "
        f"FROM UNNEST(SEQUENCE(1, {ROWS // 400})) AS a(i) "
        "CROSS JOIN UNNEST(SEQUENCE(1, 400)) AS b(j) UNION ALL SELECT true, NULL, NULL"
    )
    return (
        f"MERGE INTO {table} AS t USING ({source}) AS s ON (t.n IS NULL OR t.n IS NOT NULL) = s.gone WHEN MATCHED THEN DELETE "
        "WHEN NOT MATCHED AND s.gone IS NULL THEN INSERT (n, v) VALUES (s.n, s.v)"
    )


def in_background(work: Any) -> tuple[threading.Thread, list[BaseException]]:
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  (the test looks at it)
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, errors


def test_a_coordinator_that_is_killed_during_a_build_leaves_the_old_rows_and_the_retry_the_new_ones(own: Servers) -> None:
    table = f"{NAME}.killed.big"
    ask(own.address, f"CREATE TABLE {table} (n BIGINT, v BIGINT)")
    own.ask_once_it_has_nodes(merge(table, 0))
    thread, errors = in_background(lambda: ask(own.address, merge(table, 1), request_timeout=5, max_attempts=2))
    while not own.runs("MERGE"):
        assert thread.is_alive(), "the build was over before it was seen to run"
    own.kill()
    thread.join()
    assert errors, "the build was over before the server was killed"
    own.start()
    seen = own.ask_once_it_has_nodes(f"SELECT v, count(*), count(DISTINCT n) FROM {table} GROUP BY v")
    assert seen in ([[0, ROWS, ROWS]], [[1, ROWS, ROWS]])  # the new ones, where the commit was just made
    ask(own.address, merge(table, 1))
    assert ask(own.address, f"SELECT v, count(*), count(DISTINCT n) FROM {table} GROUP BY v") == [[1, ROWS, ROWS]]
    OUTCOMES.append(
        ("Trino, coordinator and worker, kill -9", "a model's MERGE runs", "all old rows, or all new; after the retry all new")
    )


def test_connections_that_postgres_ends_at_the_commit_lose_and_double_nothing(
    own: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from oso_dagster.warehouse.lakehouse import records

    warehouse = lakehouse(own.url, tmp_path)
    load(warehouse, things([1, 2]))
    write = records.add

    def end_all(*arguments: Any) -> None:
        write(*arguments)  # parent, child and record are written, nothing is committed
        engine = create_engine(own.url)
        with engine.connect() as connection:
            connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'lake' AND pid <> pg_backend_pid()")
            )
        engine.dispose()

    with monkeypatch.context() as patch:
        patch.setattr(records, "add", end_all)
        with pytest.raises(Exception, match=r"terminating connection|closed the connection"):
            load(warehouse, things([1, 2, 3]), version="v2")
    again = lakehouse(own.url, tmp_path)
    assert ids(again) == ids(again, "things__parts") == [1, 2]
    assert count_by_trino(own) == 2
    load(again, things([1, 2, 3]), version="v2")
    assert ids(again) == ids(again, "things__parts") == [1, 2, 3]
    assert count_by_trino(own) == 3
    OUTCOMES.append(("every connection to PostgreSQL, by the server", "a load commits", "parent, child, record old; then new"))


def count_by_trino(own: Servers) -> int:
    """Trino notices that its connections to the catalogue are gone by a query that fails, for each that it had."""
    for _ in range(20):
        try:
            return int(ask(own.address, f"SELECT count(*) FROM {NAME}.shop.things")[0][0])
        except TrinoQueryError as error:
            if error.error_type != "INTERNAL_ERROR":
                raise
    pytest.fail("Trino does not connect to its catalogue again")


def test_a_store_that_does_not_answer_leaves_the_old_rows(own: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyiceberg.io import pyarrow as store

    warehouse = lakehouse(own.url, tmp_path)
    before = ids(warehouse)
    for broken in ("metadata.json", ".avro", ".parquet"):
        create = store.PyArrowFile.create

        def refuse(file: Any, overwrite: bool = False, *, broken: str = broken, create: Any = create) -> Any:
            if file.location.endswith(broken):
                raise OSError("503 Slow Down")
            return create(file, overwrite)

        with monkeypatch.context() as patch:
            patch.setattr(store.PyArrowFile, "create", refuse)
            with pytest.raises(OSError, match="503"):
                load(warehouse, things([7, 8, 9]), version=f"v-{broken}")
        assert ids(warehouse) == ids(warehouse, "things__parts") == before
        OUTCOMES.append((f"the store: 503 for {broken}", "a load writes", "the old rows"))
    load(warehouse, things([7, 8, 9]), version="v9")
    assert ids(warehouse) == ids(warehouse, "things__parts") == [7, 8, 9]


def test_of_two_writers_of_one_table_each_lands_whole(own: Servers, tmp_path: Path) -> None:
    loaded = [list(range(first, first + 500)) for first in (1000, 5000)]
    both = [
        in_background(lambda rows=rows: load(writer(own, tmp_path, rows[0]), things(rows), version=str(rows[0])))
        for rows in loaded
    ]
    for thread, errors in both:
        thread.join()
        assert errors == []
    warehouse = lakehouse(own.url, tmp_path)
    assert ids(warehouse) in loaded
    assert ids(warehouse, "things__parts") == ids(warehouse)
    record = warehouse.last_load("shop", "things")
    assert record is not None
    assert record.version == str(ids(warehouse)[0])
    OUTCOMES.append(("nobody", "two load one table", "the rows of one, with its children and record"))


def test_of_two_models_that_replace_the_same_rows_one_wins_whole_or_both_in_turn(own: Servers) -> None:
    table = f"{NAME}.killed.two"
    ask(own.address, f"CREATE TABLE {table} (n BIGINT, v BIGINT)")
    ask(own.address, merge(table, 0))
    both = [in_background(lambda value=value: ask(own.address, merge(table, value))) for value in (1, 2)]
    for thread, _ in both:
        thread.join()
    refused = sum(bool(errors) for _, errors in both)
    assert refused < 2
    [[value, rows, distinct]] = ask(own.address, f"SELECT v, count(*), count(DISTINCT n) FROM {table} GROUP BY v")
    assert (value in {1, 2}, rows, distinct) == (True, ROWS, ROWS)
    OUTCOMES.append(("nobody", "two models replace the same", f"the rows of one; {refused} of 2 refused"))


def writer(own: Servers, folder: Path, number: int) -> LakehouseWarehouse:
    """Another machine: nothing is shared but the servers and the store."""
    other = folder / str(number)
    other.mkdir()
    warehouse = lakehouse(own.url, other)
    warehouse._store = (folder / "store").as_uri()
    return warehouse
