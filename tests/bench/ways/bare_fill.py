"""What the ledger's own tables cost a fill on SQLite where nothing is judged, and no row comes to Python.

Two statements: the materializations of the log written into `attempts`, as if each were good, in the order that its indexes take
best; and what was planned grouped by run, asset and partition, without which nobody knows what is missing. A fill that takes them
from SQL has to do both, read the runs, and judge.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from time import process_time

from oso_dagster.reliability.store import Store

_AT = "replace(timestamp, ' ', 'T') || '+00:00'"
_INSERT = f"""
INSERT INTO attempts (run_id, asset, "partition", report, label, outcome, started, ended, cause, counted, counted_at)
SELECT run_id, replace(substr(asset_key, 3, length(asset_key) - 4), '", "', '/'), coalesce("partition", ''), '', 'core', 'ok',
  NULL, {_AT}, '', 1, {_AT}
FROM log.event_logs WHERE dagster_event_type = 'ASSET_MATERIALIZATION' ORDER BY asset_key
ON CONFLICT (run_id, asset, "partition", report) DO NOTHING
"""
_GROUP = """
SELECT count(*), sum(last IS NULL) FROM (
  SELECT max(CASE WHEN dagster_event_type = 'ASSET_MATERIALIZATION' THEN id END) AS last FROM log.event_logs
  WHERE asset_key IS NOT NULL GROUP BY run_id, asset_key, "partition"
)
"""


def bare_fill(index: Path, file: Path) -> tuple[float, float]:
    """Seconds of processor of writing, and of grouping, into a new store at `file` from Dagster's index of events."""
    Store.open(f"sqlite:///{file}", "sandbox").close()
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for setting in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536", "wal_autocheckpoint=32000"):
            connection.execute(f"PRAGMA {setting}")
        connection.execute("ATTACH ? AS log", (str(index),))
        began = process_time()
        connection.execute(_INSERT)
        written = process_time()
        units, missing = connection.execute(_GROUP).fetchone()
        grouped = process_time()
        if connection.execute("SELECT count(*) FROM attempts").fetchone()[0] != units - missing:
            raise AssertionError(f"of {units} units, {missing} of which were not made, other rows were written")
    return written - began, grouped - written
