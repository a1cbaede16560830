"""Which metrics are withheld or lower bounds, and how an answer over the marts of their values says so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_TABLE = re.compile(r"marts\.(?:timeseries|key)_metrics_by_(?P<entity>artifact|project|collection)_v0")
_NAME = re.compile(
    r"(?P<source>[A-Z0-9_]+)_(?P<metric>[a-z]\w*)_"
    r"(?:daily|weekly|monthly|quarterly|biannually|yearly|over_all_time|over_\d+_(?:day|week|month|year)_window)"
)
"""The published name of a metric: `GITHUB_commits_weekly`."""

_NAME_CHARACTERS = 100
_MOST = 20
_REASON_CHARACTERS = 300
_WORDS = {"withheld": "withheld", "lower_bound": "lowerBound"}


@dataclass(frozen=True)
class Limit:
    """What `metric_coverage_v0` states of the days from `since` to before `until`; open where empty."""

    standing: str
    since: str
    until: str
    reason: str
    bounds: bool = True
    """Whether a value of incomplete data is at least a lower bound: that of a sum or a count, not that of a median or a ratio."""

    def of(self, name: str) -> dict[str, str]:
        """The same of one metric, for an answer. What is withheld of a sum over all time makes that a lower bound."""
        standing = "lower_bound" if self.bounds and name.endswith("_over_all_time") else self.standing
        return {
            "metric": name,
            "standing": _WORDS[standing],
            "since": self.since,
            "until": self.until,
            "reason": self.reason[:_REASON_CHARACTERS],
        }


@dataclass(frozen=True)
class LimitedMetrics:
    """The limits of each metric, by kind of entity, source (`*` for all) and metric."""

    limits: Mapping[tuple[str, str, str], tuple[Limit, ...]] = field(default_factory=dict)

    def of(self, table: str, literals: Iterable[str]) -> list[dict[str, Any]]:
        """Of a mart of metrics: each limit of the metrics that a query's texts name, or how many there are when it names none."""
        entity = _entity(table)
        if not entity or not self.limits:
            return []
        named = _named(literals)
        if not named:
            return self._counted(entity)
        stated = [limit.of(name) for name, source, metric in named for limit in self._limits(entity, source, metric)]
        return stated if len(stated) <= _MOST else [*stated[:_MOST], {"more": len(stated) - _MOST}]

    def short(self, table: str, literals: Iterable[str]) -> dict[str, int]:
        """The same in numbers: how many metrics have withheld spans, and how many lower bounds."""
        entity = _entity(table)
        named = _named(literals)
        if not entity or not self.limits:
            return {}
        if not named:
            return {str(entry["standing"]): int(entry["metrics"]) for entry in self._counted(entity)}
        pairs = {(limit.of(n)["standing"], n) for n, source, metric in named for limit in self._limits(entity, source, metric)}
        return _numbers(standing for standing, _ in pairs)

    def _limits(self, entity: str, source: str, metric: str) -> tuple[Limit, ...]:
        return self.limits.get((entity, source, metric), ()) + self.limits.get((entity, "*", metric), ())

    def _counted(self, entity: str) -> list[dict[str, Any]]:
        pairs = {(_WORDS[limit.standing], key) for key, limits in self.limits.items() if key[0] == entity for limit in limits}
        return [{"standing": standing, "metrics": n} for standing, n in _numbers(standing for standing, _ in pairs).items()]


def _entity(table: str) -> str:
    match = _TABLE.fullmatch(table)
    return match["entity"] if match else ""


def _named(literals: Iterable[str]) -> list[tuple[str, str, str]]:
    """The texts that are names of metrics, each with its source and metric."""
    matches = (_NAME.fullmatch(text) for text in sorted(set(literals)) if len(text) <= _NAME_CHARACTERS)
    return [(match[0], match["source"], match["metric"]) for match in matches if match]


def _numbers(standings: Iterable[str]) -> dict[str, int]:
    words = list(standings)
    return {word: words.count(word) for word in _WORDS.values() if word in words}
