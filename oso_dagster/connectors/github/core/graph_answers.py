"""An answer of GitHub's GraphQL API about many repositories at once: which came, which did not and why, what it cost.

Errors name the alias that they are about (`path`), with a `type`: NOT_FOUND and FORBIDDEN are of one repository, RATE_LIMITED of
the token. An error without a path is of the whole query: GitHub ends one that takes over ten seconds; one of
fewer repositories does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from oso_dagster.connectors.answers import AnswerError, take
from oso_dagster.connectors.github.absence_rules import GITHUB_RULES
from oso_dagster.connectors.http.absence import LIMIT_WORDS, AbsentError, absence_of
from oso_dagster.connectors.http.rest import Client, RateLimitedError, RestError
from oso_dagster.domain.catalogue.truth import Absence

_STATUS = {"NOT_FOUND": HTTPStatus.NOT_FOUND, "FORBIDDEN": HTTPStatus.FORBIDDEN}
_TOO_MUCH = re.compile(r"timed? ?out|something went wrong|resource limits|took too long", re.IGNORECASE)
_UNAVAILABLE = frozenset({502, 504})
_SHOWN = 200


class TooMuchError(Exception):
    """The query was too much for the endpoint: ask for fewer repositories at once."""


@dataclass
class GraphAnswer:
    """What came of each alias, an error of each that did not, and the points that the query cost."""

    repositories: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    errors: dict[str, Exception] = field(default_factory=dict)
    cost: int = 1


def ask(client: Client, url: str, query: str, values: Mapping[str, Any], aliases: list[str]) -> GraphAnswer:
    """Send one query. Raises TooMuchError, RateLimitedError, and what `Client.post` raises."""
    answer = client.post(url, {"query": query, "variables": dict(values)}, accept=_UNAVAILABLE)
    if answer.status in _UNAVAILABLE:
        raise TooMuchError(f"{url}: the server answers {answer.status}")
    with client.trusting(url):
        return read(answer.document, aliases)


def read(document: Any, aliases: list[str]) -> GraphAnswer:
    """Take an answer apart. Raises AnswerError for what is no answer of GraphQL, and TooMuchError and RateLimitedError."""
    errors = document.get("errors") or [] if isinstance(document, Mapping) else []
    by_alias: dict[str, Exception] = {}
    for error in errors:
        kind, message = str(error.get("type", "")), str(error.get("message", error))[:_SHOWN]
        path = error.get("path") or []
        if kind == "RATE_LIMITED" or (not path and LIMIT_WORDS.search(message)):
            raise RateLimitedError(f"GitHub's GraphQL API: {message}", 0.0)
        if path and path[0] in aliases:
            by_alias[path[0]] = _of_one(kind, message)
        elif _TOO_MUCH.search(message):
            raise TooMuchError(message)
        else:
            raise AnswerError(f"the endpoint reports errors: {message}")
    data = take(document, "data")
    if data is None:
        raise AnswerError("the answer has neither data nor errors")
    answer = GraphAnswer(errors=by_alias)
    limit = data.get("rateLimit")
    answer.cost = int(take(limit, "cost")) if limit else 1
    for alias in aliases:
        repository = take(data, alias)
        if alias not in by_alias and repository is None:
            by_alias[alias] = AbsentError(Absence.UNKNOWN, "null without a reason")
        elif alias not in by_alias:
            answer.repositories[alias] = repository
    return answer


def _of_one(kind: str, message: str) -> Exception:
    if kind in _STATUS:
        verdict = absence_of(_STATUS[kind], message, GITHUB_RULES)
        hidden = verdict is Absence.UNKNOWN and kind == "FORBIDDEN"
        return AbsentError(Absence.HIDDEN if hidden else verdict, f"{kind.lower()}: {message}")
    return RestError(f"GitHub's GraphQL API: {message}")
