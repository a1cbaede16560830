"""The probe process beside what it measures: started once that answers, ended with it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import IO

from oso_dagster.cli.probes.declared import NoProbeError, declared_probes
from oso_dagster.cli.session.terminal import say
from oso_dagster.settings import Settings

_END_SECONDS = 10


class ProbesBeside:
    """A probe process of this world for a block; it ends by itself when the process that started it is killed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    def start(self) -> None:
        """Start it where probes are declared. What it says is in `probes/probes.log` of the world; a faulty file is said."""
        try:
            declared_probes(self._settings)
        except NoProbeError:
            return
        except ValueError as error:
            say(f"no probe runs: {error}", err=True)
            return
        folder = self._settings.world_dir / "probes"
        folder.mkdir(parents=True, exist_ok=True)
        self._log = (folder / "probes.log").open("wb")
        command = [sys.executable, "-m", "oso_dagster.cli.probes.probe_commands", "run", "--parent", str(os.getpid())]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT)

    def end(self) -> None:
        """End it, with its last report."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        if self._log is not None:
            self._log.close()
