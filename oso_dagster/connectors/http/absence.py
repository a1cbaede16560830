"""What an answer without the thing asked for says of it: a verdict from status and message, by rules that are data.

A status is an answer about the request. Whether the thing is gone is said by the message, by rules of the upstream, and by how
many vanish at once (`Table.vanish_share`, judged at the load). Rules of one upstream stand beside its connector.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from oso_dagster.domain.catalogue.truth import Absence

_SHOWN = 160

LIMIT_WORDS = re.compile(
    r"rate.?limit|abuse detection|too many requests|quota (?:has been )?exceeded|exceeded .{0,40}quota|"
    r"request limit|throttl|slow down|retry (?:again )?later",
    re.IGNORECASE,
)
"""How servers say in words that they want to be asked more slowly, whatever status they give it."""


@dataclass(frozen=True)
class AbsenceRule:
    """Answers with one of `statuses` whose body matches `words` (any body where there are none) mean `absence`."""

    absence: Absence
    statuses: frozenset[int]
    words: re.Pattern[str] | None = None

    def matches(self, status: int, body: str) -> bool:
        """Whether the rule speaks of such an answer."""
        return status in self.statuses and (self.words is None or self.words.search(body) is not None)


DEFAULT_RULES = (
    AbsenceRule(Absence.LIMITED, frozenset({429})),
    AbsenceRule(Absence.LIMITED, frozenset({403, 503}), LIMIT_WORDS),
    AbsenceRule(Absence.GONE, frozenset({404, 410, 451})),
    AbsenceRule(Absence.HIDDEN, frozenset({401, 403})),
)
"""What holds where an upstream has no rules of its own: a bad request, like a fault of the server, says nothing of the thing."""


class AbsentError(Exception):
    """An item could not be had; `absence` says what that means of it."""

    def __init__(self, absence: Absence, reason: str) -> None:
        super().__init__(reason)
        self.absence = absence


def absence_of(status: int, body: str, rules: Iterable[AbsenceRule] = ()) -> Absence:
    """What an answer with this status and body says of the thing asked for: the first matching rule, those of the upstream first.

    >>> absence_of(403, "You have exceeded a secondary rate limit")
    <Absence.LIMITED: 'limited'>
    """
    matching = (rule.absence for rule in (*rules, *DEFAULT_RULES) if rule.matches(status, body))
    return next(matching, Absence.UNKNOWN)


def absent(status: int, body: str, rules: Iterable[AbsenceRule] = ()) -> AbsentError:
    """The same as an error that an item's work may raise (`connectors.items`)."""
    verdict = absence_of(status, body, rules)
    words = " ".join(body.split())[:_SHOWN]
    return AbsentError(verdict, f"{status}, {verdict.value}" + (f": {words}" if words else ""))
