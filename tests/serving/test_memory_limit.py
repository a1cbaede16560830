"""The memory that the public door may take, in a process of its own: the limit holds for all that a process does."""

from __future__ import annotations

import subprocess
import sys

import pytest

_ASKS_FOR_MORE = """
import psutil, pyarrow, resource
from oso_dagster.cli.public_door.memory_limit import limit_memory
before = psutil.Process().memory_info().data
print(limit_memory(64 * 1024**2))
print(0 < resource.getrlimit(resource.RLIMIT_DATA)[0] - before <= 80 * 1024**2)
bytearray(8 * 1024**2)
try:
    bytearray(512 * 1024**2)
except MemoryError:
    print("refused")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not count what a process writes to")
def test_a_process_is_refused_what_is_above_its_limit_and_lives_on() -> None:
    ended = subprocess.run([sys.executable, "-c", _ASKS_FOR_MORE], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["True", "True", "refused"]
