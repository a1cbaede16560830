"""The facts of a table's past loads, as the warehouse remembers them: what was set aside, gone or announced, and since when."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import duckdb

from oso_dagster.domain.catalogue.loading import LoadFacts

_REMEMBERED = 400


def past_facts(connection: duckdb.DuckDBPyConnection, source: str, table: str) -> list[tuple[datetime, LoadFacts]]:
    """When each of the newest loads was published, and its facts, the newest first."""
    query = "SELECT loaded_at, facts FROM platform.loads WHERE source = ? AND table_name = ? ORDER BY loaded_at DESC LIMIT ?"
    rows = connection.execute(query, [source, table, _REMEMBERED]).fetchall()
    return [(loaded_at.astimezone(UTC), json.loads(facts or "{}")) for loaded_at, facts in rows]


def standing(past: list[tuple[datetime, LoadFacts]], fact: str) -> dict[str, tuple[Any, datetime]]:
    """The entries of a fact (a list of texts, or texts by name) that the newest load has, and since when every load had them."""
    if not past:
        return {}
    newest = past[0][1].get(fact) or {}
    entries = dict(newest) if isinstance(newest, dict) else dict.fromkeys(newest, "")
    since = dict.fromkeys(entries, past[0][0])
    going_on = set(entries)
    for loaded_at, facts in past:
        going_on &= set(facts.get(fact) or ())
        since |= dict.fromkeys(going_on, loaded_at)
    return {name: (value, since[name]) for name, value in entries.items()}
