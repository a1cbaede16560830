"""`oso dev`: Dagster's web page and daemon, and in the sandbox world the sandbox, until Ctrl-C."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from threading import Thread
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import typer

from oso_dagster.cli.probes.beside import ProbesBeside
from oso_dagster.cli.session.chosen_world import settings_now
from oso_dagster.cli.session.instance import InstanceTakenError, prepare, require_free
from oso_dagster.cli.session.terminal import say
from oso_dagster.cli.workers.guardian import TAKEN
from oso_dagster.cli.workers.interruption import interruptible
from oso_dagster.settings import Settings, World

_POLL_SECONDS = 0.5
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LEVEL = re.compile(r"- (DEBUG|INFO|WARNING|ERROR|CRITICAL) -")

_FRUGAL = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072"}
"""For glibc, unless set: Dagster's processes have many threads that do little, and each would keep what it once took."""

_OF_A_NEW_INSTANCE = "WARNING - No cursor for event type"
"""What Dagster's daemon warns of once, when it reads an instance for the first time: nothing is missed."""


def dev() -> None:
    """Run Dagster in the browser, with every schedule running. All of it ends with this command, however it ends.

    What Dagster logs is in `dev.log` of its instance; warnings and errors are shown here as well.

    Examples: `OSO_WORLD=sandbox oso dev` (what `make dev` does), `OSO_WEBSERVER_PORT=3001 oso dev`
    """
    settings = settings_now()
    require_free(settings.webserver_port)
    with interruptible(), _world(settings):
        say(f"Dagster ({settings.world.value} world) is starting, some seconds; Ctrl-C to stop")
        say(f"Status page: {(settings.status_dir / 'index.html').as_uri()}")
        code = _serve(settings)
    raise typer.Exit(code)


def _world(settings: Settings) -> AbstractContextManager[Any]:
    if settings.world is not World.SANDBOX:
        return nullcontext()
    from oso_dagster.sandbox import lifecycle  # noqa: PLC0415  (the server's libraries load when used)

    return lifecycle.running(settings)


def _serve(settings: Settings) -> int:
    """Dagster's services behind a guardian, which ends all of them when we close the pipe or have ended."""
    environment = _FRUGAL | {**os.environ, **prepare(settings)}
    ours_to_close, held = os.pipe()
    command = [sys.executable, "-m", "oso_dagster.cli.workers.guardian", str(ours_to_close)]
    command += [str(settings.world_dir / "dev.lock"), sys.executable, "-m", "oso_dagster.cli.workers.dagster_services"]
    command += [str(settings.workspace_file), str(settings.webserver_port)]
    guardian = subprocess.Popen(
        command,
        env=environment,
        cwd=settings.dagster_home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[ours_to_close],
        start_new_session=True,
        encoding="utf-8",
        errors="replace",
    )
    os.close(ours_to_close)
    probes = ProbesBeside(settings)
    Thread(target=_announce, args=(settings.webserver_port, guardian, probes), daemon=True).start()
    try:
        with (settings.dagster_home / "dev.log").open("w") as log:
            for line in worth_showing(_logged(guardian.stdout or (), log)):
                say(line, err=True)
        code = guardian.wait()
    except KeyboardInterrupt:
        code = 0
    finally:
        os.close(held)
        probes.end()
        Thread(target=deque, args=(guardian.stdout or (), 0), daemon=True).start()  # who ends must be able to print
        guardian.wait()
    if code == TAKEN:
        raise InstanceTakenError(
            f"`oso dev` runs already on the instance {settings.dagster_home}: end it first, or set OSO_HOME to another folder"
        )
    return code


def _announce(port: int, guardian: subprocess.Popen[str], probes: ProbesBeside) -> None:
    """Say the address once the page answers there, and have it probed from then on."""
    while guardian.poll() is None:
        with suppress(URLError, OSError), urlopen(f"http://127.0.0.1:{port}/server_info", timeout=5):
            say(f"Dagster: http://127.0.0.1:{port}")
            probes.start()
            return
        time.sleep(_POLL_SECONDS)


def _logged(lines: Iterable[str], log: Any) -> Iterator[str]:
    """The lines without colours, each written to the log as well."""
    for line in lines:
        plain = _COLOUR.sub("", line).rstrip("\n")
        log.write(plain + "\n")
        log.flush()
        yield plain


def worth_showing(lines: Iterable[str]) -> Iterator[str]:
    """Warnings, errors, what belongs to them, and lines without a level; not what is logged for debugging or information.

    Nor what Dagster warns of when an instance is new.
    """
    shown = True
    for line in lines:
        if level := _LEVEL.search(line):
            shown = level[1] not in {"DEBUG", "INFO"} and _OF_A_NEW_INSTANCE not in line
        if shown:
            yield line
