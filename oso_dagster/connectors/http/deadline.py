"""One deadline for a request, from the connection to the last byte, whatever the server does meanwhile.

The timeouts of HTTP libraries are those of one wait for the network: a server that sends a byte now and then (of a header, a
trailer, one `100 Continue` after the other, one redirect after the other) meets none of them. Here every connection that a block
opens or uses is shut down at the block's deadline, which wakes whoever waits for it.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError


class DeadlineError(Exception):
    """The block was not done by its deadline."""


class _Watch:
    """The connections of one block, by handles of its own: they outlive the wrapping in TLS and the library's closing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self.expired = False

    def add(self, connection: socket.socket) -> None:
        handle = connection.dup()
        with self._lock:
            self._sockets.append(handle)
            if self.expired:
                _shut(handle)

    def expire(self) -> None:
        with self._lock:
            self.expired = True
            for connection in self._sockets:
                _shut(connection)

    def release(self) -> None:
        with self._lock:
            for connection in self._sockets:
                connection.close()
            self._sockets.clear()


class _Clock:
    """One thread that ends the open blocks at their deadlines. A thread for each block costs a fifth of a request."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._deadlines: dict[_Watch, float] = {}
        self._wakes = 0.0
        self._thread: threading.Thread | None = None

    def begin(self, watch: _Watch, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        with self._changed:
            self._deadlines[watch] = deadline
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif deadline < self._wakes:
                self._changed.notify()

    def end(self, watch: _Watch) -> None:
        with self._changed:
            self._deadlines.pop(watch, None)

    def _run(self) -> None:
        while True:
            with self._changed:
                now = time.monotonic()
                due = [watch for watch, deadline in self._deadlines.items() if deadline <= now]
                for watch in due:
                    del self._deadlines[watch]
                if not due:
                    self._wakes = min(self._deadlines.values(), default=now + _IDLE_SECONDS)
                    self._changed.wait(self._wakes - now)
            for watch in due:
                watch.expire()


_IDLE_SECONDS = 60.0
_clocks = [_Clock()]


def _begin_anew() -> None:
    """A forked process has none of its parent's threads."""
    _clocks[0] = _Clock()


os.register_at_fork(after_in_child=_begin_anew)


class _Current(threading.local):
    watch: _Watch | None = None


_current = _Current()


@contextmanager
def done_within(seconds: float) -> Iterator[None]:
    """Raises DeadlineError when this thread's requests inside the block, through a `WatchedAdapter`, are not done by then."""
    watch, before = _Watch(), _current.watch
    clock = _clocks[0]
    clock.begin(watch, seconds)
    _current.watch = watch
    try:
        yield
    except (requests.RequestException, HTTPError, OSError):
        if watch.expired:
            raise DeadlineError(f"not complete within {seconds:g} s") from None
        raise
    finally:
        _current.watch = before
        clock.end(watch)
        watch.release()
    if watch.expired:  # a body that a shut connection ends looks whole where its length was not announced
        raise DeadlineError(f"not complete within {seconds:g} s")


class _Watched:
    """A connection that shows itself to the block that opens or uses it."""

    _handle: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        connection: socket.socket = super()._new_conn()  # type: ignore[misc]  # of the class beside this one
        self._handle = connection.dup()
        self._show()
        return connection

    def request(self, *arguments: Any, **options: Any) -> Any:
        self._show()
        return super().request(*arguments, **options)  # type: ignore[misc]  # of the class beside this one

    def close(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None
        super().close()  # type: ignore[misc]  # of the class beside this one

    def _show(self) -> None:
        if _current.watch is not None and self._handle is not None:
            _current.watch.add(self._handle)


class _HTTPConnection(_Watched, HTTPConnection):
    pass


class _HTTPSConnection(_Watched, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class WatchedAdapter(HTTPAdapter):
    """requests' adapter with connections that a deadline can end, also those through a proxy."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """As the library makes it, with our connections."""
        super().init_poolmanager(*arguments, **options)
        _watch_pools(self.poolmanager)

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
        """As the library makes it, with our connections."""
        manager = super().proxy_manager_for(*arguments, **options)
        _watch_pools(manager)
        return manager


def _watch_pools(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):  # it was closed meanwhile
        connection.shutdown(socket.SHUT_RDWR)
