"""Which faults apply to which source, and what each must say: derived from how the source is asked, never listed by source.

A source is asked over HTTP for documents, files of lines, a CSV or a git repository, or as a database. Each of its faults goes to
each of its tables; faults of the data to the families that declare them. After one of them a healthy load follows at once, of
each table another one, so that every fault has such a turn. The others come before, one after the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from oso_dagster.domain.catalogue.source import Source, Table
from oso_dagster.sandbox.families import invents
from oso_dagster.sandbox.faults.at_source import AT_SOURCE
from oso_dagster.sandbox.faults.injection import KINDS
from oso_dagster.sandbox.faults.spoiling import SPOILERS, Format
from oso_dagster.sandbox.protocols.family import Endpoint, Family
from oso_dagster.sandbox.upstreams import families
from oso_dagster.sources import catalogue
from tests.campaign import databases

ONCE = ("status", "html", "reset", "clock_skew", "truncated_gzip", "rate_limit_bare")
"""Faults that pass: the next try succeeds, of the request or of the step."""

NO_FAULT = frozenset({"new_fields", "hollow_feed", "former"})
"""What is no fault of the data (tests/sources/test_new_fields.py lets every source meet it,
tests/sandbox/upstreams/test_former.py the answers of before), or shows only against a past, which a campaign has not:
tests/sources/test_github_events.py has the hollow feed."""

SET_ASIDE = frozenset({"damaged_file", "damaged_line", "policy_403", "one_bad_item"})
"""Faults of one item: it keeps its last good rows, a finding says so, all others are the truth."""

IN_PART, GONE, FROZEN = "refill", "silent_deletion", "frozen_304"
"""Faults that nobody can see in one answer: what was published must come right by itself, be counted, or show as out of date."""

HARMLESS = frozenset(
    {"empty", "duplicates", "loop", "duplicate_rows", "late_arrivals", "moved", "bare_429", IN_PART, GONE, FROZEN}
)
"""Faults of answers that look right: the load is refused, or its rows are exactly the truth all the same."""

WORDS: Mapping[str, str] = {
    "status": r"\b500\b",
    "rate_limit": r"\b429\b",
    "rate_limit_bare": r"\b429\b",
    "bare_429": r"\b429\b",
    "zero_day": r"has not counted|is short",
    "success_false": r"(?i)reports errors|success is false|none of|no rows arrived|lists no|is missing|has no",
    "timeout": r"no answer within|not complete within|took more than|in time|timed out|the connection broke",
    "drip": r"not complete within|no answer within|took more than|in time|the connection broke",
    "reset": r"the connection broke|bytes came|not complete|no answer|cannot be read",
    "expired": r"(?i)credentials|401",
    "clock_skew": r"\b503\b|pause",
    "truncated_gzip": r"(?i)truncated|damaged|cut|cannot be read",
    "invalid_json": r"not valid JSON|not as declared|truncated",
    "html": r"HTML|no commit at HEAD|damaged|has changed|cannot be read|not a gzip",
    "encoding": r"not UTF-8|null bytes|not as declared|(?i:utf-?8)|cannot be read|has changed",
    "empty": r"(?i)empty|no rows|no surviving row|would replace|lost|none of|has no|announced|is missing|are missing|not of",
    "duplicates": r"(?i)twice|duplicate| times|announced|second time|not of|not as BigQuery's",
    "loop": r"(?i)duplicate|second time|loop|circle|announced|twice",
    "chain_missing": r"have not arrived yet",
    "drift": r"is missing|are missing|has no|needs|not as declared|has changed|lost|not as BigQuery's",
}
"""What the error of a lasting fault says, by fault."""


@dataclass(frozen=True)
class Case:
    """One fault at one table. `family` is where it is set (None: a database), `once`: it passes after one answer.

    `endured`: when it has failed without changing a byte, the next fault follows, and a healthy load only after them all.
    """

    source: Source
    table: Table
    endpoint: Endpoint
    family: str | None
    fault: str
    once: bool = False
    endured: bool = False

    @property
    def name(self) -> str:
        """The table, as people know it."""
        return f"{self.source.name}.{self.table.name}"

    def __str__(self) -> str:
        return f"{self.name}-{self.fault}{'-once' if self.once else ''}"


_Fault = tuple[str, bool]
"""The kind, and whether it passes after one answer."""
_Met = tuple[Source, Table, Endpoint, Family]
"""A table, and where in the sandbox it is asked for."""


def cases() -> Iterator[Case]:
    """Every fault that applies to a source, at every table of it; of each table those first that are endured."""
    turns = _turns()
    for source, table, point, family in _met():
        faults = _faults(family)
        for fault in sorted(faults, key=lambda fault: fault == turns[source.name, table.name]):
            endured = fault != turns[source.name, table.name]
            yield Case(source, table, point, family.name if family.serve else None, *fault, endured=endured)


def _met() -> Iterator[_Met]:
    for source in catalogue():
        if source.retired is not None or not invents(source):
            continue
        points = {
            point.setting.removeprefix(f"{source.name}_"): (family, point)
            for family in families()
            for point in family.endpoints[:1]  # a fault is set for a family, whichever of its addresses is asked
            if point.setting.startswith(f"{source.name}_")
        }
        for setting, (family, point) in points.items():
            for table in source.tables:
                if len(points) == 1 or (table.name == "events") == (setting == "archive_url"):
                    yield source, table, point, family


def _faults(family: Family) -> list[_Fault]:
    return [(fault, False) for fault in databases.FAULTS] if family.serve is None else _over_http(family)


def _over_http(family: Family) -> list[_Fault]:
    spoken = {"git": Format.GIT, "oss-funding": Format.CSV, "gharchive": Format.LINES}.get(family.name, Format.JSON)
    lasting = [kind for kind in KINDS if kind not in NO_FAULT]
    lasting = [kind for kind in lasting if kind not in SPOILERS or spoken in SPOILERS[kind].ways]
    lasting = [kind for kind in lasting if kind not in {*AT_SOURCE, "bare_429"} or kind in family.faults]
    paged = spoken is Format.JSON
    return [(kind, False) for kind in lasting if kind != "loop" or paged] + [(kind, True) for kind in ONCE if kind in lasting]


@cache
def _turns() -> Mapping[tuple[str, str], _Fault]:
    """The fault after which a table is loaded healthily at once: of those that last and fail, the one that had the fewest
    turns."""
    had: Counter[_Fault] = Counter()
    turns: dict[tuple[str, str], _Fault] = {}
    for source, table, _, family in _met():
        failing = [fault for fault in _faults(family) if not fault[1] and fault[0] not in HARMLESS | SET_ASIDE]
        turns[source.name, table.name] = min(failing, key=lambda fault: had[fault])
        had[turns[source.name, table.name]] += 1
    return turns


def of(sources: list[str]) -> list[Case]:
    """The cases of these sources."""
    return [case for case in cases() if case.source.name in sources]
