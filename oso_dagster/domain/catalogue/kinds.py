"""The kinds of quirk that an upstream may have, and what a table says of each: how it is met, or why it is not.

A kind that a table neither declares nor explains was forgotten; the tests of the catalogue refuse it.
"""

from __future__ import annotations

from enum import StrEnum

from oso_dagster.domain.catalogue.table_terms import TableTerms
from oso_dagster.domain.catalogue.terms import Disposition


class Quirk(StrEnum):
    """What may go wrong at an upstream, and has a mechanism that a table may declare."""

    SET_ASIDE = "set_aside"
    """One bad item of many: `item_column`, `set_aside_share`."""
    LOOK_AGAIN = "look_again"
    """A loaded partition that upstream changes: `changes_within`."""
    LIMITS = "limits"
    """A limit in the middle of many requests: `resumable`."""
    DELETIONS = "deletions"
    """Rows that upstream deletes: replaced, `surviving`, or a reason in `keeps_deleted`."""
    NEWEST_EVENT = "newest_event"
    """An upstream that stands still: `events_within`, or a reason in `events_may_stop`."""
    BANDS = "bands"
    """A feed that is hollow with as many rows as ever: `mix_by`, `sums`."""
    SECOND_COUNT = "second_count"
    """How much there really is: `second_count`."""
    IDENTITY = "identity"
    """A thing under another name: `identity`, `follows_renames`."""


_MANY_CALLS = 30
"""From so many requests a load on, a limit may come in the middle of it."""


def is_declared(table: TableTerms, kind: Quirk) -> bool:
    """Whether a table declares how it meets a kind; the reasons in `why_not` apart."""
    replaced = table.disposition in {Disposition.REPLACE, Disposition.REPLACE_PARTITION}
    return {
        Quirk.SET_ASIDE: table.set_aside_share > 0,
        Quirk.LOOK_AGAIN: table.changes_within is not None,
        Quirk.LIMITS: table.resumable,
        Quirk.DELETIONS: replaced or table.surviving or table.keeps_deleted is not None,
        Quirk.NEWEST_EVENT: table.events_within is not None or table.events_may_stop is not None,
        Quirk.BANDS: bool(table.mix_by or table.sums),
        Quirk.SECOND_COUNT: table.second_count is not None,
        Quirk.IDENTITY: table.identity is not None,
    }[kind]


def concerns(table: TableTerms, kind: Quirk) -> bool:
    """Whether a kind can befall a table at all.

    What is replaced whole is looked at whole each time and holds no old names; few requests are asked again from the beginning;
    a table without the time of an event has no newest one.
    """
    keeps = table.disposition is not Disposition.REPLACE
    return {
        Quirk.LOOK_AGAIN: table.partitions is not None,
        Quirk.LIMITS: table.cost.calls >= _MANY_CALLS,
        Quirk.NEWEST_EVENT: table.event_time is not None,
        Quirk.IDENTITY: keeps,
    }.get(kind, True)


def forgotten_kinds(table: TableTerms) -> list[str]:
    """The kinds that concern a table, and of which it says nothing."""
    return [kind.value for kind in Quirk if concerns(table, kind) and not is_declared(table, kind) and kind not in table.why_not]


def refuse_ill_explained(table: TableTerms, where: str) -> None:
    """Raise ValueError for a reason of no kind, one that is empty, and one beside what is declared all the same."""
    for name, reason in table.why_not.items():
        if name not in set(Quirk):
            raise ValueError(f"{where}: why_not knows no kind {name!r}, only {', '.join(Quirk)}")
        if not reason:
            raise ValueError(f"{where}: why_not has no reason for {name}")
        if is_declared(table, Quirk(name)):
            raise ValueError(f"{where}: {name} is declared, and why_not says why it is not")
