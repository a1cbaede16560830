"""Questions to Dagster's event log where it lies in files of this machine, in SQLite's own words: no Dagster is loaded for them.

For commands that look and go: to load Dagster takes several times as long as what they ask. Where the log lies elsewhere, or is
not there yet, `LogFiles.of` gives None, and Dagster is asked. Does not belong here: what only Dagster's own classes can
read, and everything that writes.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from oso_dagster.settings import Settings

PLANNED, MATERIALIZED, OBSERVED = "ASSET_MATERIALIZATION_PLANNED", "ASSET_MATERIALIZATION", "ASSET_OBSERVATION"
KINDS = [PLANNED, MATERIALIZED, OBSERVED]
"""The events of assets that the ledger is filled from."""

PLATFORM_SCHEMAS = ("slo", "status", "platform")
"""The first part of the keys of the platform's own assets."""
OWN = {schema: f'["{schema}", %' for schema in PLATFORM_SCHEMAS}
"""What the stored keys of the platform's own assets are like."""

NEW_EVENTS = """FROM event_logs WHERE id > :after AND {no_index}dagster_event_type IN :kinds
    AND {no_index}asset_key NOT LIKE :slo AND {no_index}asset_key NOT LIKE :status AND {no_index}asset_key NOT LIKE :platform"""
FINGERPRINT = "SELECT run_id, asset_key FROM event_logs WHERE id = :id"

_STORAGE_CLASS = "OpenSqliteStorage"
_ANY_AFTER = f"SELECT 1 {NEW_EVENTS} LIMIT 1"
_LAST = """
    SELECT asset_key, wipe_timestamp, (
        SELECT timestamp FROM event_logs
        WHERE event_logs.asset_key = asset_keys.asset_key AND dagster_event_type = :kind ORDER BY id DESC LIMIT 1
    ) FROM asset_keys
"""
_IDENTITY = "SELECT run_storage_id FROM instance_info"
_BUSY_SECONDS = 60
_LISTED = re.compile(r"\bIN :(\w+)")
_LISTED_IN_FILES, _LISTED_IN_SERVER = r"IN (SELECT value FROM json_each(:\1))", r"= ANY(:\1)"
_AT_OF_FILES = "replace(timestamp, ' ', 'T') || '+00:00'"
_AT_OF_SERVER = """to_char(timestamp, 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')"""


@dataclass(frozen=True)
class LogFiles:
    """The files of one instance: the index of the events of all runs, and the records of the runs."""

    index: Path
    runs: Path

    @classmethod
    def of(cls, settings: Settings) -> LogFiles | None:
        """Those of this world; None where Dagster keeps its log elsewhere, as `dagster.yaml` says, or has none yet."""
        history = settings.dagster_home / "history"
        files = cls(history / "runs" / "index.db", history / "runs.db")
        kept_here = _STORAGE_CLASS in settings.instance_file.read_text()
        return files if kept_here and files.index.exists() and files.runs.exists() else None

    def storage_id(self) -> str | None:
        """The identity of Dagster's storage; None before it was asked for."""
        return next((identity for (identity,) in rows_of_file(self.runs, _IDENTITY, {})), None)

    def fingerprint_at(self, event_id: int) -> str | None:
        """Describes the event that has an id now; None when none has."""
        for run_id, stored in rows_of_file(self.index, FINGERPRINT, {"id": event_id}):
            return f"{run_id} {name_of(stored)}" if stored else None
        return None

    def has_events_after(self, position: int) -> bool:
        """Whether any asset but the platform's own has an event with an id above `position`."""
        return bool(list(rows_of_file(self.index, _ANY_AFTER, {"after": position, "kinds": KINDS, **OWN})))

    def last_materializations(self) -> dict[str, datetime]:
        """When each asset, by name, was materialized last, in UTC, and not wiped since; without those that never were."""
        rows = rows_of_file(self.index, _LAST, {"kind": MATERIALIZED})
        return {name_of(key): at_of(at) for key, wiped, at in rows if at and (wiped is None or at > wiped)}


def name_of(stored: str) -> str:
    """`oss_directory/projects` for what the event log stores as `["oss_directory", "projects"]`."""
    parts: Sequence[str] = json.loads(stored)
    return "/".join(parts)


def at_of(stored: str) -> datetime:
    """A time in UTC, of the text that SQLite holds."""
    return datetime.fromisoformat(f"{stored}+00:00")


def rows_of_file(path: Path, sql: str, values: Mapping[str, Any], *, of_one_run: bool = False) -> Iterable[Any]:
    """The rows of a query on a file that is opened for reading only; a list among the values stands for each of its items."""
    # The file of one run has no write under way where no log lies beside it: it needs no locks. Any process may begin on others.
    settled = "&immutable=1" if of_one_run and not path.with_name(f"{path.name}-wal").exists() else ""
    plain = in_json(values)
    sql = for_engine(sql, sqlite=True)
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro{settled}", uri=True, timeout=_BUSY_SECONDS)) as connection:
        return connection.execute(sql, plain).fetchall()


def for_engine(sql: str, *, sqlite: bool) -> str:
    """The query in the words of an engine.

    `{no_index}` keeps the planner off a column's index: half of the log is of one kind, and a run has few events. `{at}` is the
    time of an event as the ledger writes it on SQLite. `IN :name` is one value, however many items its list has: a statement
    with a mark for each item takes longer to make than to answer. To a file the list is handed `in_json`.
    """
    at, no_index, listed = (_AT_OF_FILES, "+", _LISTED_IN_FILES) if sqlite else (_AT_OF_SERVER, "'' || ", _LISTED_IN_SERVER)
    return _LISTED.sub(listed, sql.replace("{no_index}", no_index).replace("{at}", at))


def in_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a query on a file: its lists as JSON."""
    return {name: json.dumps(value) if isinstance(value, list) else value for name, value in values.items()}
