#!/bin/sh
# DuckDB 1.5.5 swallows an interrupt that arrives while it imports pandas by itself.
#
# A list as a query parameter makes DuckDB import pandas (when it is installed) to look for its missing values. The import takes
# about half a second in a fresh process. A signal handler that raises meanwhile, as Python's own for SIGINT does, has its exception
# thrown away: the query answers as if nothing had happened, and the interrupt is lost. Seen where Dagster terminates a run.
# Expected: KeyboardInterrupt leaves execute(), as it does anywhere else in Python.
#
# Output seen: "answered [(1,)]; pandas was being imported: True; the interrupt was lost"
# Fails (exit 1) when the interrupt arrives.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "duckdb==1.5.5" "pandas==2.3.3"
"$folder/venv/bin/python" - <<'PYTHON'
import os
import signal
import sys

import duckdb

seen = []


class InterruptsThePandasImport:
    """Sends this process SIGINT once, at the moment at which pandas begins to be imported."""

    def find_spec(self, name, path=None, target=None):
        if name == "pandas" and not seen:
            seen.append(name)
            os.kill(os.getpid(), signal.SIGINT)


sys.meta_path.insert(0, InterruptsThePandasImport())
connection = duckdb.connect()
try:
    rows = connection.execute("SELECT 1 WHERE list_contains(?, 'a')", [["a", None]]).fetchall()
except KeyboardInterrupt:
    sys.exit("changed: the interrupt arrived")
print(f"answered {rows}; pandas was being imported: {bool(seen)}; the interrupt was lost")
sys.exit(not (rows == [(1,)] and seen))
PYTHON
