"""All servers of the lakehouse as one process: PostgreSQL, the producer's Trino, the consumer's. They end when it ends."""
# ruff: noqa: INP001 - a script outside any package

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))

from background import ended as end_server
from background import free_ports, write_endpoints
from distribution import LakehouseError, java_home, trino_home
from pyiceberg.catalog.sql import SqlCatalog
from trino_server import CATALOGUE, PRODUCER, Trino, iceberg, read_only_rules

from oso_dagster.sandbox.protocols import postgres
from oso_dagster.sources import catalogue

DATABASES = ("lake", "dagster", "reliability", "sqlmesh")
LAYERS = ["marts", "intermediate", "staging"]
CONSUMER = "consumer"
PRODUCER_HEAP_MB = int(os.environ.get("LAKEHOUSE_PRODUCER_MB", "1024"))
CONSUMER_HEAP_MB = int(os.environ.get("LAKEHOUSE_CONSUMER_MB", "512"))


def serve(folder: Path) -> None:
    """Start all of them below `folder`, write down where they are, and stay until a signal to end comes."""
    begun, ended = time.monotonic(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())

    def say(text: str) -> None:
        print(f"{time.monotonic() - begun:5.1f} s  {text}", flush=True)  # noqa: T201  (the log that `up` shows)

    java, home = java_home(), trino_home(say)
    store = folder / "store"
    shutil.rmtree(store, ignore_errors=True)  # of a catalogue that is gone
    store.mkdir(parents=True)
    (folder / "world").mkdir(exist_ok=True)
    ports = free_ports(3)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.enter_context(postgres.serving(ports[0], folder / "world"))
        address = {"host": "127.0.0.1", "port": ports[0], "user": "owner", "password": postgres.OWNER_PASSWORD}
        reader = {"user": CONSUMER, "password": secrets.token_urlsafe(18)}
        prepare_databases(ports[0], address, reader, store)
        say(f"PostgreSQL is ready at port {ports[0]}: {', '.join(DATABASES)}")
        lake = address | {"database": "lake"}
        servers = (
            Trino("producer", ports[1], PRODUCER_HEAP_MB, iceberg(lake, store, read_only=False)),
            Trino("consumer", ports[2], CONSUMER_HEAP_MB, iceberg(lake | reader, store, read_only=True), rules()),
        )
        processes = []
        for server in servers:
            process = server.start(folder, home, java)
            stack.callback(end_server, process)
            processes.append((server, process))
        for server, process in processes:
            server.await_ready(process, folder)
            say(f"the {server.name} Trino is ready at port {server.port}, with a heap of {server.heap_mb} MB")
        write_endpoints(folder, endpoints(ports, address, store))
        say("ready")
        while not ended.wait(1):
            for server, process in processes:
                if process.poll() is not None:
                    say(f"the {server.name} Trino has ended by itself: see {folder / server.name}.log; ending the others")
                    return


def prepare_databases(port: int, address: dict[str, Any], reader: dict[str, str], store: Path) -> None:
    """The databases, the tables of the catalogue (PyIceberg makes them, Trino needs them), and the role that only reads these."""
    for name in DATABASES:
        postgres.change(port, "postgres", f"CREATE DATABASE {name} TEMPLATE template0;")
    tables = SqlCatalog(CATALOGUE, uri=url(address, "lake"), warehouse=store.as_uri())
    tables.close()
    postgres.change(
        port,
        "lake",
        f"CREATE ROLE {reader['user']} LOGIN PASSWORD '{reader['password']}';"
        f"GRANT SELECT ON iceberg_tables, iceberg_namespace_properties TO {reader['user']};",
    )


def rules() -> dict[str, Any]:
    """What consumers may read: the models, and the raw tables that their sources declare public."""
    raw = {source.name: [name for table in source.tables if table.public for name in table.physical] for source in catalogue()}
    return read_only_rules({name: tables for name, tables in raw.items() if tables}, LAYERS)


def url(address: dict[str, Any], database: str) -> str:
    """The address of a database as SQLAlchemy takes it."""
    return f"postgresql+psycopg2://{address['user']}:{address['password']}@{address['host']}:{address['port']}/{database}"


def endpoints(ports: list[int], address: dict[str, Any], store: Path) -> dict[str, str]:
    """The settings of the platform that say where the servers are."""
    return {
        "lakehouse_catalogue_url": url(address, "lake"),
        "lakehouse_store": store.as_uri(),
        "lakehouse_trino_url": f"http://{PRODUCER}@127.0.0.1:{ports[1]}",
        "lakehouse_consumer_url": f"http://reader@127.0.0.1:{ports[2]}",
        "sqlmesh_state_url": url(address, "sqlmesh"),
        "reliability_url": url(address, "reliability"),
        "dagster_database_url": url(address, "dagster"),
    }


if __name__ == "__main__":
    try:
        serve(Path(sys.argv[1]))
    except (LakehouseError, postgres.PostgresError) as problem:
        print(f"lakehouse: {problem}", flush=True)  # noqa: T201
        sys.exit(1)
