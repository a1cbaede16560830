"""Servers for development and tests as one process in the background: start it and wait until it is ready; end it.

The process writes `endpoints.json` into its folder when all of its servers are ready, and ends them when it ends.
"""
# ruff: noqa: INP001, T201 - beside the scripts that use it, for people

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from oso_dagster.sandbox.process_identity import living_process, this_process

ENDPOINTS = "endpoints.json"
STOP_SECONDS = 40

_SUPERVISE = """
exec 3<&0
"$@" </dev/null 3<&- & server=$!
(cat <&3 >/dev/null; kill -TERM $server) & watch=$!
wait $server; code=$?
kill $watch 2>/dev/null
exit $code
"""
"""A server ends with the process that started it, however that ends: only that one holds the pipe. The shell ends with it."""


@dataclass(frozen=True)
class Background:
    """What is called `name` and started by `script`, with everything of its own below `folder`."""

    name: str
    script: Path
    folder: Path

    @property
    def log(self) -> Path:
        """What the process prints."""
        return self.folder.with_name(f"{self.folder.name}.log")

    def running(self) -> psutil.Process | None:
        """The process, if it runs."""
        try:
            known = json.loads((self.folder / ENDPOINTS).read_text())
        except FileNotFoundError:
            return None
        return living_process(known["pid"], known["created"])

    def settings(self) -> dict[str, str]:
        """Where its servers are."""
        settings: dict[str, str] = json.loads((self.folder / ENDPOINTS).read_text())["settings"]
        return settings

    def start(self) -> bool:
        """Start it unless it runs, and show what it prints until it is ready; whether it is."""
        if self.running() is not None:
            return True
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / ENDPOINTS).unlink(missing_ok=True)
        with self.log.open("wb") as output:
            child = subprocess.Popen(
                [sys.executable, self.script, self.folder],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        print(f"starting the {self.name}; its log is {self.log}, those of the servers are in {self.folder}")
        try:
            self._show_until_ready(child)
        except BaseException:  # an interrupt: nobody would know of the process
            child.terminate()
            child.wait()
            raise
        return (self.folder / ENDPOINTS).exists()

    def _show_until_ready(self, child: subprocess.Popen[bytes]) -> None:
        with self.log.open() as lines:
            while child.poll() is None and not (self.folder / ENDPOINTS).exists():
                print(lines.read(), end="", flush=True)
                time.sleep(0.2)
            print(lines.read(), end="", flush=True)

    def end(self) -> int:
        """End it, with all that it stored; an exit code that is not 0 when it does not end."""
        process = self.running()
        if process is None:
            print(f"no {self.name} runs here")
            return 0
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except psutil.TimeoutExpired:
                print(f"{self.name}: process {process.pid} has not ended within {STOP_SECONDS} s", file=sys.stderr)
                return 1
        print(f"the {self.name} has ended, and all that it stored is gone with it")
        return 0


def write_endpoints(folder: Path, settings: dict[str, str], **more: Any) -> None:
    """Write down where the servers are and which process they are, all or nothing; for this user alone: it holds passwords."""
    pid, created = this_process()
    new = folder / f"{ENDPOINTS}.new"
    new.touch(mode=0o600)
    new.write_text(json.dumps({"pid": pid, "created": created, "settings": settings, **more}, indent=1))
    new.replace(folder / ENDPOINTS)


def supervised(name: str, command: list[str], log: Path, **options: Any) -> subprocess.Popen[bytes]:
    """A server that ends with this process, however that ends; `ended` ends it."""
    with log.open("ab") as output:
        return subprocess.Popen(
            ["sh", "-c", _SUPERVISE, name, *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **{"env": os.environ, **options},
        )


def ended(process: subprocess.Popen[bytes]) -> None:
    """Close the pipe of a server and wait for its end; by force when that does not come."""
    try:
        process.communicate(timeout=STOP_SECONDS / 2)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody uses now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in sockets]
