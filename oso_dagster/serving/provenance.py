"""What is known of the data behind an answer: how old, how complete, from whom; and how that is written into an answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from oso_dagster.serving.limited_metrics import LimitedMetrics
from oso_dagster.serving.published import Published, PublishedTable

HEADER = "X-OSO-Provenance"
_HEADER_CHARACTERS = 6_000
"""Proxies commonly refuse more than 8 KB of headers."""

_WORST_FIRST = ("stale", "no_data", "fresh")


@dataclass(frozen=True)
class Share:
    """One second count of a table: in words, with its category, and as bounds from 0 on beside what is promised."""

    table: str
    words: str
    low: float
    high: float
    target: float


@dataclass(frozen=True)
class TableFacts:
    """Of one table: `freshness` is `fresh`, `stale`, `no_data`, or `no_promise` where nothing is promised of it.

    `coverage` says in words what share of the truth it holds, where that is measured, and `shares` are all that was measured;
    `tainted_by` are the unstable sources that it derives from; `missing` are partitions that are due and not there.
    """

    last_good: datetime | None = None
    freshness: str = "no_promise"
    coverage: str = ""
    tainted_by: tuple[str, ...] = ()
    missing: int = 0
    shares: tuple[Share, ...] = ()

    @property
    def coverage_in_short(self) -> str:
        """The worst of what was measured, and how much of it proves what is promised; for people."""
        if not self.shares:
            return "nothing to compare" if self.coverage else "not measured"
        worst = min(self.shares, key=lambda at: (at.high - at.target, at.low - at.target, at.table, at.words))
        under = sum(share.low < share.target for share in self.shares)
        return f"worst: {worst.table} {worst.words}; {len(self.shares):,} measured, {under:,} with a lower bound under target"


@dataclass(frozen=True)
class Provenance:
    """What is known of every published table, by full name, as of `known_at`."""

    published: Published
    facts: Mapping[str, TableFacts] = field(default_factory=dict)
    known_at: datetime | None = None
    limited: LimitedMetrics = field(default_factory=LimitedMetrics)

    def of(self, full_name: str) -> TableFacts:
        """What is known of a table; with those facts of what it is made from that decide how far it can be trusted."""
        own = self.facts.get(full_name, TableFacts())
        parts = [self.facts[table.full_name] for table in self._below(full_name) if table.full_name in self.facts]
        states = {part.freshness for part in parts} | {own.freshness}
        freshness = next((state for state in _WORST_FIRST if state in states), "no_promise")
        return TableFacts(
            own.last_good,
            freshness,
            own.coverage or "; ".join(sorted({part.coverage for part in parts if part.coverage})),
            tuple(sorted({name for part in (own, *parts) for name in part.tainted_by})),
            own.missing + sum(part.missing for part in parts),
            own.shares or tuple(dict.fromkeys(share for part in parts for share in part.shares)),
        )

    def header(self, tables: Iterable[str], literals: Sequence[str] = ()) -> str:
        """One line of JSON about the tables that a query names; cut at whole tables, which it then says.

        `literals` are the texts in the query: they may name metrics.
        """
        entries: list[dict[str, Any]] = []
        length = 0
        for name in sorted(tables):
            facts = self.of(name)
            entry: dict[str, Any] = {"table": name, "lastGood": _stamp(facts.last_good), "freshness": facts.freshness}
            entry |= {"coverage": facts.coverage} if facts.coverage else {}
            entry |= {"taintedBy": list(facts.tainted_by)} if facts.tainted_by else {}
            entry |= {"missingPartitions": facts.missing} if facts.missing else {}
            metrics = self.limited.short(name, literals)
            entry |= {"metrics": metrics} if metrics else {}
            entry |= _announced(self.published.tables.get(name))
            length += len(json.dumps(entry))
            if length > _HEADER_CHARACTERS:
                entries.append({"more": len(set(tables)) - len(entries)})
                break
            entries.append(entry)
        return json.dumps({"tables": entries, "knownAt": _stamp(self.known_at)}, separators=(",", ":"))

    def asset_status(self, tables: Iterable[str], literals: Sequence[str] = ()) -> list[dict[str, Any]]:
        """The same for `pyoso`: each table and all that it is made from; whatever one depends on is in the list as well."""
        status = []
        for table in self.published.closure(tables):
            last_good = self.facts.get(table.full_name, TableFacts()).last_good
            parts = [_key(name) for name in table.upstream if name in self.published.tables]
            entry: dict[str, Any] = {
                "key": _key(table.full_name),
                "status": {"latestMaterialization": _stamp(last_good)},
                "dependencies": parts,
            }
            metrics = self.limited.of(table.full_name, literals)
            status.append(entry | ({"metrics": metrics} if metrics else {}) | _announced(table))
        return status

    def _below(self, full_name: str) -> list[PublishedTable]:
        return [table for table in self.published.closure([full_name]) if table.full_name != full_name]


def _announced(table: PublishedTable | None) -> dict[str, Any]:
    """What of a table is announced to go: all of it, or columns."""
    if table is None:
        return {}
    columns = {column.name: column.deprecation.values for column in table.columns if column.deprecation}
    whole = {"deprecated": table.deprecation.values} if table.deprecation else {}
    return whole | ({"deprecatedColumns": columns} if columns else {})


def _stamp(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def _key(full_name: str) -> str:
    return full_name.replace(".", "/")
