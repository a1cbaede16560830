"""Materializes a playground in processes that can be killed: `python -m tests.sqlmesh_assets.execution.forge FOLDER [STATE]`.

STATE says in JSON where SQLMesh's state lies, if not in a file of the folder. Each line of input is a number of seconds; a child
materializes everything and is killed with -9 when they are over. The answer is how it ended and what it took. Children are forked
from a process that has imported everything, so that twenty cost little.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import dagster as dg

from oso_dagster.sqlmesh_assets.execution import materializing as running
from tests.sqlmesh_assets.playground import Playground


def materialize(root: Path, state: dict[str, object]) -> int:
    """Everything, as one Dagster run; the process's exit code."""
    with dg.DagsterInstance.ephemeral() as instance:
        return 0 if Playground(root, instance, state=state).materialize().success else 1


def ended(child: int, seconds: float) -> str:
    """`killed`, or the exit code of a child that was done before."""
    deadline = time.monotonic() + seconds
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() >= deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "killed"
        time.sleep(0.002)
    return "done"


def main(root: Path, state: str = "{}") -> None:
    """Answer each line until there is no more."""
    assert running.__name__ in sys.modules
    for line in sys.stdin:
        begun = time.monotonic()
        if (child := os.fork()) == 0:
            os._exit(materialize(root, json.loads(state)))
        how = ended(child, float(line))
        sys.stdout.write(f"{how} {time.monotonic() - begun:.3f}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
