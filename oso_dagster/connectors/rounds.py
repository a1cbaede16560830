"""Rounds over many names under a limit: where a run begins, and what it says when the limit ends it before the last name.

A run that a limit ends keeps what it has and says so (`cut_short`); the next one goes on behind its last name. What a round had
to leave (set aside, not ready) is asked for again by the runs behind it, until its week ends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from oso_dagster.domain.catalogue.loading import CONTINUATION, CUT_SHORT, LoadFacts, LoadRecord


@dataclass(frozen=True)
class Round:
    """What is left of one round: `names` in the order of the requests; it went round from behind `began`, if given."""

    label: str
    names: tuple[str, ...]
    began: str | None = None

    @classmethod
    def of(cls, label: str, names: Iterable[str], previous: LoadRecord | None) -> Round:
        """The round `label` over all `names`, less what the run before has done of it.

        A new round begins behind the last name of one that was cut short, and then comes to those before it: whatever the
        limit, every name has its turn.

        >>> Round.of("week 1", ["b", "a"], None).names
        ('a', 'b')
        """
        ordered = sorted(set(names))
        mark = previous.continuation if previous is not None and previous.cut_short else None
        if not mark:
            return cls(label, tuple(ordered))
        same = mark["round"] == label
        began, after = (mark["began"] if same else mark["after"]), mark["after"]
        behind = [name for name in ordered if name > after]
        before = [name for name in ordered if began is not None and name <= began]
        wrapped = same and began is not None and after <= began
        return cls(label, tuple(name for name in before if name > after) if wrapped else (*behind, *before), began)

    def cut(self, facts: LoadFacts, why: object, done: int) -> None:
        """Say in the facts that a limit (`why`) ended the run after `done` of the names, and where the next one goes on."""
        facts[CUT_SHORT] = f"the limit came after {done:,} of {len(self.names):,} names; the next run continues. {why}"
        facts[CONTINUATION] = {"after": self.names[done - 1], "round": self.label, "began": self.began}


AGAIN = "again"
"""The fact, names, of what a run leaves to be asked for again in its week."""


def left_over(week: str, previous: LoadRecord | None) -> list[str]:
    """The names that earlier runs of the week leave to be asked for again."""
    return list(previous.facts.get(AGAIN) or ()) if previous is not None and previous.facts.get("week") == week else []


def round_of(week: str, known: Collection[str], previous: LoadRecord | None) -> Round | None:
    """What is left of a week's round over all `known`: of a complete one only what is asked for again; None where nothing is."""
    if previous is None or previous.facts.get("week") != week or previous.continuation:
        return Round.of(week, known, previous)
    again = [name for name in left_over(week, previous) if name in known]
    return Round(week, tuple(again)) if again else None
