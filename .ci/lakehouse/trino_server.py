"""One Trino server: its configuration, written anew at each start, and its process."""
# ruff: noqa: INP001 - a script outside any package

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from background import supervised
from distribution import LakehouseError

READY_SECONDS = 120
CATALOGUE = "lake"
PRODUCER = "producer"

_CONFIG = """coordinator=true
node-scheduler.include-coordinator=true
http-server.http.port={port}
http-server.http.enabled=true
node.internal-address=127.0.0.1
discovery.uri=http://127.0.0.1:{port}
query.max-memory={query_mb}MB
query.max-memory-per-node={query_mb}MB
memory.heap-headroom-per-node={headroom_mb}MB
task.concurrency=2
task.max-worker-threads=4
query.max-history=50
catalog.management=static
"""
_NODE = "node.environment=development\nnode.id={name}\nnode.data-dir={data}\n"
_JVM = """-server
-Xmx{heap_mb}m
-XX:+UseG1GC
-XX:G1HeapRegionSize=4M
-XX:+ExplicitGCInvokesConcurrent
-XX:+ExitOnOutOfMemoryError
-XX:-OmitStackTraceInFastThrow
-XX:ReservedCodeCacheSize=160M
-XX:TieredStopAtLevel=1
-XX:PerMethodRecompilationCutoff=10000
-XX:PerBytecodeRecompilationCutoff=10000
-Djdk.attach.allowAttachSelf=true
-Djdk.nio.maxCachedBufferSize=2000000
-Dfile.encoding=UTF-8
-XX:+EnableDynamicAgentLoading
--enable-native-access=ALL-UNNAMED
--sun-misc-unsafe-memory-access=allow
"""


@dataclass(frozen=True)
class Trino:
    """A server: its name, its port, its heap in megabytes, what its catalogue's file says, and settings beside the usual ones."""

    name: str
    port: int
    heap_mb: int
    catalogue: Mapping[str, str]
    access: Mapping[str, Any] | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    def start(self, folder: Path, home: Path, java: Path) -> subprocess.Popen[bytes]:
        """Start it with everything of its own below `folder`; its log is `<folder>/<name>.log`."""
        etc, data = folder / self.name / "etc", folder / self.name / "data"
        (etc / "catalog").mkdir(parents=True, exist_ok=True)
        data.mkdir(exist_ok=True)
        numbers = {"query_mb": self.heap_mb // 2, "headroom_mb": self.heap_mb // 5, "heap_mb": self.heap_mb}
        more = "".join(f"{name}={value}\n" for name, value in self.settings.items())
        (etc / "config.properties").write_text(_CONFIG.format(port=self.port, **numbers) + more)
        (etc / "node.properties").write_text(_NODE.format(name=self.name, data=data))
        (etc / "jvm.config").write_text(_JVM.format(**numbers))
        (etc / "log.properties").write_text("io.trino=WARN\n")
        lines = "".join(f"{name}={value}\n" for name, value in self.catalogue.items())
        place = etc / "catalog" / f"{CATALOGUE}.properties"
        place.touch(mode=0o600)  # it holds the password of the catalogue's database
        place.write_text(lines)
        if self.access is not None:
            rules = etc / "rules.json"
            rules.write_text(json.dumps(self.access, indent=1))
            (etc / "access-control.properties").write_text(f"access-control.name=file\nsecurity.config-file={rules}\n")
        command = [str(home / "bin" / "launcher"), "run", "--etc-dir", str(etc), "--data-dir", str(data)]
        environment = os.environ | {"JAVA_HOME": str(java), "PATH": f"{java / 'bin'}:{os.environ.get('PATH', '')}"}
        return supervised(f"lakehouse-{self.name}", command, folder / f"{self.name}.log", cwd=data, env=environment)

    def await_ready(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        """Wait until it answers queries. Raises LakehouseError with the end of its log."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v1/info", timeout=2) as answer:
                    if json.loads(answer.read()).get("starting") is False:
                        return
            except (OSError, ValueError):
                pass
            time.sleep(0.3)
        log = folder / f"{self.name}.log"
        words = log.read_text(errors="replace").strip().splitlines()[-15:]
        raise LakehouseError(
            f"the {self.name} Trino was not ready within {READY_SECONDS} s; the end of {log}:\n" + "\n".join(words)
        )


def iceberg(address: Mapping[str, Any], store: Path, *, read_only: bool) -> dict[str, str]:
    """The catalogue's file: Iceberg's tables by the SQL catalogue in PostgreSQL that PyIceberg shares."""
    jdbc = f"jdbc:postgresql://{address['host']}:{address['port']}/{address['database']}"
    return {
        "connector.name": "iceberg",
        "iceberg.catalog.type": "jdbc",
        "iceberg.jdbc-catalog.catalog-name": CATALOGUE,
        "iceberg.jdbc-catalog.driver-class": "org.postgresql.Driver",
        "iceberg.jdbc-catalog.connection-url": jdbc,
        "iceberg.jdbc-catalog.connection-user": address["user"],
        "iceberg.jdbc-catalog.connection-password": address["password"],
        "iceberg.jdbc-catalog.default-warehouse-dir": store.as_uri(),
        "iceberg.file-format": "PARQUET",
        "iceberg.unique-table-location": "true",
        "fs.native-local.enabled": "true",
        "local.location": "/",
    } | ({"iceberg.security": "read_only"} if read_only else {})


def read_only_rules(raw: Mapping[str, list[str]], layers: list[str]) -> dict[str, Any]:
    """Who may do what on the consumer: everyone reads the `layers` and the public `raw` tables by schema, and nothing else.

    The producer's user, as which nobody works there, owns the views: without these rights no view can be read.
    """
    lake = {"catalog": CATALOGUE}
    plain = "[a-z0-9_]+"  # not `t$files` and its like, which show the paths of files
    tables: list[dict[str, Any]] = [
        lake | {"user": PRODUCER, "privileges": ["SELECT", "GRANT_SELECT"]},
        lake | {"schema": "|".join(layers), "table": plain, "privileges": ["SELECT"]},
        lake | {"schema": "information_schema", "privileges": ["SELECT"]},
    ]
    tables += [
        lake | {"schema": schema, "table": "|".join(sorted(names)), "privileges": ["SELECT"]}
        for schema, names in sorted(raw.items())
    ]
    return {
        "catalogs": [lake | {"user": PRODUCER, "allow": "all"}, lake | {"allow": "read-only"}, {"allow": "none"}],
        "schemas": [{"owner": False}],
        "tables": [*tables, {"privileges": []}],
        "system_session_properties": [{"allow": False}],
        "catalog_session_properties": [{"allow": False}],
        "queries": [{"allow": ["execute"]}],
    }
