"""Refuses a server in a test that is not marked `server`, so that the fast loop stays without one.

An audit hook sees what this process asks of the machine: an address to listen on, or a program that serves. What a program
that a test starts does by itself is not seen.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import PurePath
from typing import Any

import pytest

SERVING = frozenset(
    {"pg_ctl", "dagster-daemon", "dagster-webserver", "oso_dagster.sandbox", "demo", "dev", "up", "drill", "serve"}
)
"""Words of a command that starts servers: programs, modules, our own commands that bring some."""

_running: list[pytest.Item] = []


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Fail the running test, unless it is marked, when it is about to listen or to start a server."""
    if event not in {"socket.bind", "subprocess.Popen"} or not _running or _marked(_running[-1]):
        return
    if event == "socket.bind":
        serves = arguments[0].family in {socket.AF_INET, socket.AF_INET6}
    else:
        words = {PurePath(os.fsdecode(word)).name for word in arguments[1]}
        serves = bool(SERVING & words) and "stop" not in words  # the server of a session is stopped after the last test
    if serves:
        pytest.fail(f"{_running[-1].nodeid} starts a server: mark it `server`, or let it do without", pytrace=False)


def _marked(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in ("server", "browser"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Any:
    """Remember which test is running, its fixtures included."""
    _running.append(item)
    try:
        return (yield)
    finally:
        _running.pop()


def pytest_configure() -> None:
    """Watch from the start; a hook cannot be taken away again."""
    import urllib3.util.connection  # noqa: F401  (it binds a socket once, when imported, to learn whether there is IPv6)

    sys.addaudithook(refuse)
