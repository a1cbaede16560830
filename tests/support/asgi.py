"""An ASGI application on loopback, for the time of a block."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn


@contextmanager
def serving(app: Any, **options: Any) -> Iterator[str]:
    """Serve `app` in a thread; its address. `options` are uvicorn's."""
    with _listener() as listener:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", **{"log_level": "error", **options}))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def _listener() -> Iterator[socket.socket]:
    """A free port. The protocol is named: where it is not, asyncio leaves Nagle's algorithm on, which costs 40 ms an answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        yield listener
