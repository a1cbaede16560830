"""A real HTTP server on loopback that answers from a script: what tests of clients talk to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Say = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Web:
    """The server's address, what it says in turn (the last for ever), and what it was asked."""

    url: str
    script: list[Say] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    def says(self, *script: Say) -> None:
        self.script[:] = script


def body(content: bytes, status: int = 200, **headers: str) -> Say:
    """An answer of exactly these bytes."""

    def say(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in ({"Content-Type": "application/json", "Content-Length": str(len(content))} | named).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    return say


def value(document: Any, status: int = 200, **headers: str) -> Say:
    """An answer of this JSON value."""
    return body(json.dumps(document).encode(), status, **headers)


@contextmanager
def serving() -> Iterator[Web]:
    """A server for the block, on a port of its own."""
    web = Web("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            web.asked.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
            say = web.script.pop(0) if len(web.script) > 1 else web.script[0]
            say(self)

        do_POST = do_GET  # noqa: N815  (the server's own naming)

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        web.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield web
        finally:
            server.shutdown()
            thread.join()
