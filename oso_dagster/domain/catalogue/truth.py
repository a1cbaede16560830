"""What a table declares about the quirks of its upstream, and what a load reports of single items.

Belongs here: the vocabulary (`Absence`, `Regime`, `Retired`), the facts that say what a load could not have,
and the decisions over them: how many items may be set aside, how many may vanish, what is known and not taken. Does not: how an
answer is read (`connectors`), how kept rows are carried over (`warehouse`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fnmatch import fnmatchcase
from math import floor
from typing import Any

SET_ASIDE = "set_aside"
"""The fact, reasons by item, of what could not be had or used in a load: the last good rows of these items are kept."""

ITEMS_ASKED = "items_asked"
"""The fact, a number, of how many items (repositories, slugs, files, lines) a load asked for: shares are of this."""

VANISHED = "vanished"
"""The fact, reasons by item, of what was there at the last good load, and of which upstream now says that it is gone."""

RENAMED = "renamed"
"""The fact, names of now by names of before, of items that upstream calls otherwise now: their rows are moved to the new name."""

ABSENT_NAMES = 5
"""How many items a message names before it counts the rest."""

FEWEST_VANISHED = 3
"""So many items may always vanish at once, whatever their share: three of ten are no sign of a broken upstream."""


class Absence(StrEnum):
    """What an answer without the thing asked for says of it."""

    GONE = "gone"
    """Upstream says that it is no more: its rows are deleted or marked, within the declared share."""
    HIDDEN = "hidden"
    """Upstream has it and does not show it to us (a policy, a private account): its last good rows stay."""
    LIMITED = "limited"
    """Upstream wants to be asked more slowly: nothing is said of the thing; the load is cut short."""
    UNKNOWN = "unknown"
    """The answer is about the request (a bad address, a passing fault): its last good rows stay."""


@dataclass(frozen=True)
class Retired:
    """That a source is no more upstream, since when and why: its rows are kept, it is not asked, no objective counts it."""

    since: date
    reason: str

    def __post_init__(self) -> None:
        if not self.reason:
            raise ValueError("retired: a reason is missing")


@dataclass(frozen=True)
class Regime:
    """That a source behaves in one way from `since` on, until the next regime of the same table begins.

    `name` is snake_case, `description` says what differs from before, `read_in` where that was read (a page, an issue, a commit).
    """

    name: str
    since: date
    description: str
    read_in: str

    def __post_init__(self) -> None:
        if not (self.name.isidentifier() and self.name.islower() and self.description and self.read_in):
            raise ValueError(f"regime: a name in snake_case, a description and where it was read are expected, not {self}")


def regime_of(regimes: Iterable[Regime], day: date) -> Regime | None:
    """The regime of a day; None before the first.

    >>> regime_of([Regime("new", date(2026, 1, 1), "other columns", "its issue 7")], date(2025, 12, 31)) is None
    True
    """
    return max((regime for regime in regimes if regime.since <= day), key=lambda regime: regime.since, default=None)


def named(items: Iterable[str]) -> str:
    """Some items by name, and how many more there are.

    >>> named(["a", "b"])
    'a, b'
    """
    names = sorted(items)
    rest = len(names) - ABSENT_NAMES
    return ", ".join(names[:ABSENT_NAMES]) + (f" and {rest:,} more" if rest > 0 else "")


def set_aside_of(facts: Mapping[str, Any]) -> dict[str, str]:
    """The items that a load set aside, with the reason of each."""
    return dict(facts.get(SET_ASIDE) or {})


def set_aside_message(facts: Mapping[str, Any]) -> str:
    """How many items were set aside, some by name, and why the first was."""
    aside = set_aside_of(facts)
    if not aside:
        return "no item was set aside"
    first = min(aside)
    return f"{len(aside):,} of {_asked(facts, aside):,} items set aside: {named(aside)} ({first}: {aside[first]})"


def refuse_set_aside(facts: Mapping[str, Any], share: float) -> str | None:
    """Why a load that set items aside is refused, or None.

    `share` is the allowed share of the items asked for. One item of two or more is always allowed, all of them never are.

    >>> refuse_set_aside({"set_aside": {"a": "no JSON"}, "items_asked": 2}, 0.01) is None
    True
    """
    aside = set_aside_of(facts)
    asked = _asked(facts, aside)
    allowed = min(max(1, floor(share * asked)), asked - 1) if share else 0
    if len(aside) <= allowed or not aside:
        return None
    return f"{set_aside_message(facts)}; at most {allowed:,} are allowed. The old rows stay: fix the first reason, then run again"


def refuse_vanished(facts: Mapping[str, Any], share: float) -> str | None:
    """Why a load in which items vanished is refused, or None. `share` is the allowed share of the items asked for.

    >>> refuse_vanished({"vanished": {"a": "404"}, "items_asked": 2}, 0.01) is None
    True
    """
    gone: dict[str, str] = facts.get(VANISHED) or {}
    asked = _asked(facts, gone)
    allowed = max(FEWEST_VANISHED, floor(share * asked))
    if len(gone) <= allowed:
        return None
    first = min(gone)
    return (
        f"{len(gone):,} of {asked:,} items would be gone at once: {named(gone)} ({first}: {gone[first]}); at most {allowed:,} "
        "are believed. If upstream really lost them, say so: run the load once with `allow_shrink: true`"
    )


def _asked(facts: Mapping[str, Any], items: Mapping[str, str]) -> int:
    return max(int(facts.get(ITEMS_ASKED) or 0), len(items))


def not_taken_name(entry: str, not_taken: Mapping[str, str]) -> bool:
    """Whether an entry of the unknown fields (`colour`, `things.colour (VARCHAR)`) is declared as not taken, by name or pattern.

    >>> not_taken_name("things.colour (VARCHAR)", {"col*": "of no use"})
    True
    """
    plain = entry.split(" (", maxsplit=1)[0]
    return any(fnmatchcase(name, pattern) for pattern in not_taken for name in (plain, plain.rpartition(".")[2]))
