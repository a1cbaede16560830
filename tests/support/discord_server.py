"""The sandbox's Discord as a process of its own, without the rest of the world: for tests of whoever talks to it.

Run as a program it serves the folder and the listening socket that it is given.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from oso_dagster.sandbox.discord.message_store import ALERTS, ServedWebhook
from oso_dagster.settings import PROJECT_ROOT

WIDE = {"bucket": {"limit": 10_000, "seconds": 1}, "channel": {"limit": 10_000, "seconds": 1}}
"""Rates for tests that are not about rates."""


@dataclass
class Server:
    """A running server, asked over HTTP without any client of ours."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}/discord"

    def url(self, webhook: ServedWebhook = ALERTS) -> str:
        return self.base + webhook.path

    def ask(self, method: str, url: str, body: Any = None) -> tuple[int, dict[str, str], Any]:
        """Status, headers, decoded answer."""
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        request = Request(url, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urlopen(request, timeout=20) as answer:
                status, headers, text = answer.status, dict(answer.headers), answer.read()
        except HTTPError as error:
            status, headers, text = error.code, dict(error.headers), error.read()
        return status, {name.lower(): value for name, value in headers.items()}, json.loads(text) if text else None

    def post(self, body: Any, query: str = "?wait=true", webhook: ServedWebhook = ALERTS) -> tuple[int, dict[str, str], Any]:
        return self.ask("POST", self.url(webhook) + query, body)

    def messages(self) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = self.ask("GET", f"{self.base}/messages")[2]
        return messages

    def fault(self, **wanted: Any) -> None:
        assert self.ask("POST", f"{self.base}/faults", wanted)[0] == 200

    def struck(self) -> dict[str, int]:
        struck: dict[str, int] = self.ask("GET", f"{self.base}/faults")[2]["struck"]
        return struck

    def clear_fault(self) -> None:
        self.ask("DELETE", f"{self.base}/faults")

    def clean(self, rates: Any = WIDE) -> None:
        """As new: no messages, no faults, no limits that a test would meet by accident."""
        self.clear_fault()
        self.ask("DELETE", f"{self.base}/messages")
        assert self.ask("POST", f"{self.base}/rates", rates)[0] == 204


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A server of `folder`, until the block ends; it is killed, as it may be at any time."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        command = [sys.executable, "-m", "tests.support.discord_server", str(folder), str(listener.fileno())]
        process = subprocess.Popen(command, cwd=PROJECT_ROOT, pass_fds=[listener.fileno()], stderr=subprocess.DEVNULL)
        server = Server(listener.getsockname()[1], process)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                server.messages()
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield server
    finally:
        process.kill()
        process.wait()


def main(folder: Path, descriptor: int) -> None:
    import uvicorn
    from starlette.applications import Starlette

    from oso_dagster.sandbox.discord import discord_app

    app = Starlette(routes=[discord_app.mount(folder)])
    config = uvicorn.Config(app, loop="asyncio", http="h11", lifespan="off", log_level="critical")
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
