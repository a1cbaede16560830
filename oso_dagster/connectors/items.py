"""Items asked for one by one (repositories, slugs, files): a bad one never stops the others.

What cannot be had or used is set aside with its reason and tried again at the next load; what upstream says is gone counts as
vanished where it was there before. Both are reported as facts of the load and judged there against the declared shares; a run in
which more fails than may be set aside ends early, with the first reason.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from oso_dagster.connectors.answers import AnswerError
from oso_dagster.connectors.http.absence import AbsentError
from oso_dagster.connectors.http.rest_errors import RateLimitedError, RestError
from oso_dagster.domain.catalogue.loading import ExtractRequest, LoadFacts
from oso_dagster.domain.catalogue.truth import ITEMS_ASKED, SET_ASIDE, VANISHED, Absence, refuse_set_aside

Found = TypeVar("Found")
Work = Callable[[str], Found]
Many = Callable[[Iterable[str], Callable[[str], "Found | Exception"]], Iterable["Found | Exception"]]
"""How work is done on many items: in order, such as `Client.each`, which does it side by side."""

_FAULTS = (AnswerError, RestError, AbsentError)
"""What may be wrong with one item alone. Anything else is a fault of ours, or of the whole upstream, and is raised."""


@dataclass
class Items:
    """The items of one load: `asked` so far of `total`, those set aside and those that vanished, each with its reason.

    `share` of `total` may be set aside; with 0 the first fault is raised as it is. `known` are the items that were there at the
    last good load: only these can vanish.
    """

    total: int
    share: float = 0.0
    known: Collection[str] = frozenset()
    asked: int = 0
    set_aside: dict[str, str] = field(default_factory=dict)
    vanished: dict[str, str] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, request: ExtractRequest, total: int, known: Collection[str] = frozenset()) -> Items:
        """For a load with the share that its table declares."""
        return cls(total, request.set_aside_share, frozenset(known))

    def each(self, names: Iterable[str], work: Work[Found], many: Many[Found] | None = None) -> Iterator[tuple[str, Found]]:
        """`work` on every item, in order; those that could be had, with what was found.

        Raises RateLimitedError behind what came before it, RestError when more is set aside than may be, and whatever else
        `work` raises that is no fault of one item.
        """
        listed = list(names)

        def attempt(name: str) -> Found | Exception:
            return _attempt(work, name)

        answers = many(listed, attempt) if many else map(attempt, listed)
        try:
            for name, answer in zip(listed, answers, strict=True):
                self.asked += 1
                if isinstance(answer, AbsentError):
                    self.absent(name, answer)
                elif isinstance(answer, Exception):
                    self.put_aside(name, answer)
                else:
                    yield name, answer
        finally:
            if isinstance(answers, Generator):
                answers.close()  # ends what still asks side by side, in this thread

    def absent(self, name: str, error: AbsentError) -> None:
        """Note an item that was not there: gone, or set aside where it is hidden from us or nothing is known of it."""
        if error.absence is Absence.LIMITED:
            raise RateLimitedError(f"{name}: {error}", 0.0)
        if error.absence is not Absence.GONE:
            self.put_aside(name, error)
            return
        self.gone[name] = str(error)
        if name in self.known:
            self.vanished[name] = str(error)

    def put_aside(self, name: str, error: Exception) -> None:
        """Set an item aside. Raises `error` itself where the table lets none be, RestError when too many are."""
        if not self.share:
            raise error
        self.set_aside[name] = str(error) or type(error).__name__
        problem = refuse_set_aside({SET_ASIDE: self.set_aside, ITEMS_ASKED: self.total}, self.share)
        if problem and len(self.set_aside) < self.total:
            raise RestError(f"{problem}. Ended early, after {self.asked:,} items")

    def tell(self, facts: LoadFacts) -> None:
        """Write what became of the items into the facts of the load."""
        facts[ITEMS_ASKED] = self.asked
        for fact, items in ((SET_ASIDE, self.set_aside), (VANISHED, self.vanished)):
            if items:
                facts[fact] = dict(items)


def _attempt(work: Work[Found], name: str) -> Found | Exception:
    try:
        return work(name)
    except RateLimitedError:
        raise
    except _FAULTS as error:
        return error
