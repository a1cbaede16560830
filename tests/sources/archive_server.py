"""The sandbox's hourly files on loopback, changed as a test wants them, and what a load of a day extracts from them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa

from oso_dagster.connectors.github import archive_files
from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest
from oso_dagster.sandbox.upstreams import gharchive
from oso_dagster.sandbox.world import forge
from oso_dagster.sandbox.world.world import generate
from oso_dagster.sources.github import SOURCE

TABLE = next(table for table in SOURCE.tables if table.name == "events")


OLD = forge.forge_of(generate(7, datetime(2025, 10, 20, 5, tzinfo=UTC)))


BEFORE, AFTER, SHORT = (datetime(2025, *day, tzinfo=UTC) for day in ((10, 5), (10, 8), (10, 11)))


Change = Callable[[int, list[dict[str, Any]]], bytes | int | None]


QUICK = archive_files.Patience(attempts=2, pause=0.01, silence=2, deadline=5)


def _plain(_: int, lines: list[dict[str, Any]]) -> bytes:
    return gharchive.render(tuple(lines))


@contextmanager
def serving(change: Change = _plain, since: datetime | None = None) -> Iterator[tuple[str, list[str]]]:
    """The old world's files on loopback; `change` makes the file of an hour from its lines.

    The hour is that of the day, or counted since a moment. None is a 404, a number a 429 that asks for a pause of as many
    seconds.
    """
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.strip("/").removesuffix(".json.gz")
            asked.append(name)
            day, hour = name.rsplit("-", 1)
            begin = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(hours=int(hour))
            number = int(hour) if since is None else (begin - since) // timedelta(hours=1)
            body = change(number, [dict(line) for line in gharchive.events(OLD, begin)])
            content = body if isinstance(body, bytes) else b""
            self.send_response(404 if body is None else 429 if isinstance(body, int) else 200)
            if isinstance(body, int):
                self.send_header("Retry-After", str(body))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 64  # 24 files are asked for at once

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def truth(day: datetime) -> list[dict[str, Any]]:
    return [event for hour in range(24) for event in gharchive.events(OLD, day + timedelta(hours=hour))]


DEFAULTS = {setting.name: setting.sandbox or setting.default or "" for setting in SOURCE.settings} | {"late_hours": "0"}


def ask(url: str, day: datetime, cache: Path, now: datetime = datetime(2026, 1, 1, tzinfo=UTC), **settings: str) -> Extract:
    """What a load of a day extracts; only the day's own files are read, unless `late_hours` says another number."""
    window = TABLE.partitions.window(f"{day:%Y-%m-%d}") if TABLE.partitions else None
    chosen = DEFAULTS | {"archive_url": url} | settings
    extract = TABLE.extract(ExtractRequest("github", "events", now, cache, chosen, window=window))
    assert isinstance(extract, Extract)
    return extract


def drawn(url: str, day: datetime, cache: Path, *when: datetime, **settings: str) -> tuple[pa.Table, dict[str, Any]]:
    extract = ask(url, day, cache, *when, **settings)
    return pa.concat_tables(list(extract.batches["events"])), extract.facts
