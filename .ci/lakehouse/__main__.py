"""`make lakehouse` and `make lakehouse-down`: start the servers in the background and wait for them; end them.

Where they are stands in `<home>/lakehouse/endpoints.json`; the platform reads it in the profile `lakehouse`.
"""
# ruff: noqa: INP001, T201 - a script outside any package, for people

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
from servers import ENDPOINTS

from oso_dagster.sandbox.process_identity import living_process

HERE = Path(__file__).resolve().parent
STOP_SECONDS = 40


def main(arguments: list[str]) -> int:
    """Do what is asked: up, down."""
    folder = Path(os.environ.get("OSO_HOME", ".oso")).absolute() / "lakehouse"
    if arguments == ["up"]:
        return up(folder)
    if arguments == ["down"]:
        return down(folder)
    print("usage: make lakehouse | make lakehouse-down", file=sys.stderr)
    return 2


def running(folder: Path) -> psutil.Process | None:
    """The process that serves, if one does."""
    try:
        known = json.loads((folder / ENDPOINTS).read_text())
    except FileNotFoundError:
        return None
    return living_process(known["pid"], known["created"])


def up(folder: Path) -> int:
    """Start the servers unless they run; print what happens, then where they are."""
    if running(folder) is None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ENDPOINTS).unlink(missing_ok=True)
        log = folder.with_name("lakehouse.log")
        with log.open("wb") as output:
            child = subprocess.Popen(
                [sys.executable, HERE / "servers.py", folder],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        print(f"starting the lakehouse; its log is {log}, those of the servers are in {folder}")
        if not show_until_ready(child, log, folder / ENDPOINTS):
            return 1
    settings = json.loads((folder / ENDPOINTS).read_text())["settings"]
    print(f"  producer Trino   {settings['lakehouse_trino_url']}   (writes)")
    print(f"  consumer Trino   {settings['lakehouse_consumer_url']}   (reads what is published)")
    print(f"  PostgreSQL       {settings['lakehouse_catalogue_url'].rpartition('@')[2]}   and dagster, reliability, sqlmesh")
    print(f"  tables           {settings['lakehouse_store']}")
    print("Use it:  OSO_WORLD=sandbox OSO_PROFILE=lakehouse oso …    End it:  make lakehouse-down")
    return 0


def show_until_ready(child: subprocess.Popen[bytes], log: Path, endpoints: Path) -> bool:
    """Print the lines of the log as they come; whether the servers got ready."""
    with log.open() as lines:
        while child.poll() is None and not endpoints.exists():
            print(lines.read(), end="", flush=True)
            time.sleep(0.2)
        print(lines.read(), end="", flush=True)
    return endpoints.exists()


def down(folder: Path) -> int:
    """End the servers, with all that they stored; an error when they do not end."""
    process = running(folder)
    if process is None:
        print("no lakehouse runs here")
        return 0
    with contextlib.suppress(psutil.NoSuchProcess):
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except psutil.TimeoutExpired:
            print(f"lakehouse: process {process.pid} has not ended within {STOP_SECONDS} s", file=sys.stderr)
            return 1
    print("the lakehouse has ended; its tables are gone with it")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
