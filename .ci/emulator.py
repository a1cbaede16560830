"""Installs the BigQuery emulator that the tests start, in an environment of its own: its libraries are not ours.

`make emulator` calls it. It prints nothing when all is there already. What is wanted stands in emulator.in, pinned in
emulator.lock; to lock again: `.venv/bin/uv pip compile .ci/emulator.in --universal --generate-hashes --no-emit-index-url
--no-header --no-annotate --python-version 3.11 -o .ci/emulator.lock`.
"""
# ruff: noqa: INP001 - a script outside any package

from __future__ import annotations

import shutil
import subprocess
import sys
import time

from prepare import ROOT, VENV, SetupError, _environment, _run, _say

LOCK = ROOT / ".ci" / "emulator.lock"
FOLDER = ROOT / ".cache" / "bqemulator"
READY = FOLDER / "ready"
_EXTENSION = """
import duckdb
from duckdb_extensions import import_extension
with duckdb.connect() as connection:
    import_extension("spatial", con=connection)
"""


def main() -> None:
    """Have the emulator installed as locked, whole or not at all."""
    wanted = f"{sys.version}\n{ROOT}\n{LOCK.read_text()}"
    if READY.exists() and READY.read_text() == wanted:
        return
    begun = time.monotonic()
    shutil.rmtree(FOLDER, ignore_errors=True)
    uv, python = VENV / "bin" / "uv", FOLDER / "bin" / "python"
    _run(uv, "venv", "--python", sys.executable, FOLDER)
    _run(uv, "pip", "sync", "--require-hashes", "--compile-bytecode", "--python", python, LOCK)
    # DuckDB keeps extensions under HOME: the emulator gets one of its own, where nobody else's are touched.
    home = _environment() | {"HOME": str(FOLDER)}
    subprocess.run([python, "-c", _EXTENSION], env=home, check=True)
    READY.write_text(wanted)
    _say(f"the BigQuery emulator is ready after {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    try:
        main()
    except (SetupError, OSError, subprocess.CalledProcessError) as error:
        _say(f"the BigQuery emulator cannot be installed: {error}")
        sys.exit(1)
