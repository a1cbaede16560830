"""GraphQL over the REST client: an `errors` array is an error, whatever the status says; paging is `pages`'.

What is not asked for does not come: new fields are found in the endpoint's schema (introspection), where it shows that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from oso_dagster.connectors.answers import AnswerError, take, take_list
from oso_dagster.connectors.http.rest import Client
from oso_dagster.connectors.undeclared import Known
from oso_dagster.domain.catalogue.loading import UNKNOWN_FIELDS, LoadFacts

NEW_FIELDS = "# new fields"
"""A comment in a query, in whose place new fields are asked for (`asking`)."""

_SHOWN = 3
_REASON = 200
_REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN})
_PLAIN = frozenset({"SCALAR", "ENUM"})
_TYPE = """
query ($type: String!) {
  __type(name: $type) {
    fields(includeDeprecated: true) { name isDeprecated deprecationReason args { name } type { kind ofType { kind } } }
  }
}"""


class GraphqlError(AnswerError):
    """The endpoint reports errors; `codes` are what it calls them, where it does (`Forbidden`)."""

    def __init__(self, message: str, codes: frozenset[str]) -> None:
        super().__init__(message)
        self.codes = codes


@dataclass(frozen=True)
class News:
    """Fields of a type that nobody declared: those with plain values, all others, and why they could not be found, if so."""

    plain: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    schema_error: str | None = None

    def facts(self, *, requested: bool, also: Iterable[str] = ()) -> LoadFacts:
        """The facts of a load about them; plain ones are reported unless they were `requested`. `also` is more to report."""
        unknown = {*self.others, *also, *(() if requested else self.plain)}
        return {UNKNOWN_FIELDS: sorted(unknown)} | ({"schema_untold": self.schema_error} if self.schema_error else {})


def asking(query: str, names: Iterable[str]) -> str:
    """The query that asks for `names` as well, where it says `NEW_FIELDS`."""
    return query.replace(NEW_FIELDS, " ".join(names))


@dataclass(frozen=True)
class GraphqlEndpoint:
    """A GraphQL endpoint and the client that asks it."""

    client: Client
    url: str

    def ask(self, query: str, variables: Mapping[str, Any]) -> Any:
        """The `data` of an answer.

        Raises GraphqlError when the answer holds errors, AnswerError when the query is refused or there is no data, and what
        `Client.post` raises.
        """
        answer = self.client.post(self.url, {"query": query, "variables": dict(variables)}, accept={HTTPStatus.BAD_REQUEST})
        if answer.status == HTTPStatus.BAD_REQUEST:  # it names the field that is no more
            raise AnswerError(f"the endpoint refuses the query (400 Bad Request): {' '.join(answer.message.split())[:300]}")
        document = answer.document
        if isinstance(document, Mapping) and document.get("errors"):
            raise GraphqlError(f"the endpoint reports errors: {_messages(document['errors'])}", _codes(document["errors"]))
        data = take(document, "data")
        if data is None:
            raise AnswerError("the answer has neither data nor errors")
        return data

    def news(self, type_: str, known: Known) -> News:
        """What the type has that is not `known`, deprecated fields excepted; an endpoint need not show its schema.

        A deprecated field that is read by its name is a notice of upstream's.

        Raises as `ask`, but for an endpoint that refuses this one question.
        """
        answer = self.client.post(self.url, {"query": _TYPE, "variables": {"type": type_}}, accept=_REFUSED)
        if answer.status in _REFUSED:
            return News(schema_error=f"the endpoint answers {answer.status} when asked for its schema")
        if isinstance(answer.document, Mapping) and answer.document.get("errors"):
            return News(schema_error=f"asked for its schema, the endpoint reports: {_messages(answer.document['errors'])}")
        if take(answer.document, "data", "__type") is None:
            return News(schema_error=f"the schema has no type {type_}")
        fields = {take(entry, "name"): entry for entry in take_list(answer.document, "data", "__type", "fields")}
        if not fields:
            return News(schema_error=f"the schema lists no field of the type {type_}")
        deprecated = {name: entry for name, entry in fields.items() if entry.get("isDeprecated")}
        for name in sorted(deprecated.keys() & known.names):
            reason = " ".join(str(deprecated[name].get("deprecationReason") or "without a reason").split())[:_REASON]
            host, words = urlsplit(self.url).netloc, f"the field {type_}.{name}, which is read, is deprecated: {reason}"
            self.client.notes.announce(host, words)
        new = known.unknown(fields.keys() - deprecated.keys())
        plain = [name for name in new if _is_plain(fields[name])]
        return News(tuple(plain), tuple(name for name in new if name not in plain))


def _is_plain(field: Any) -> bool:
    """Whether a field holds one value, and is had without arguments."""
    type_ = take(field, "type")
    kind = take(type_, "ofType", "kind") if take(type_, "kind") == "NON_NULL" else type_["kind"]
    return kind in _PLAIN and not take(field, "args")


def _codes(errors: Any) -> frozenset[str]:
    """What the errors are called, each that is called something; an error without a name has an empty one."""
    listed = errors if isinstance(errors, list) else [errors]
    extensions = [error.get("extensions") if isinstance(error, Mapping) else None for error in listed]
    return frozenset(str(extension.get("code", "")) if isinstance(extension, Mapping) else "" for extension in extensions)


def _messages(errors: Any) -> str:
    listed = errors if isinstance(errors, list) else [errors]
    words = [str(error.get("message", error)) if isinstance(error, Mapping) else str(error) for error in listed]
    rest = f" (and {len(words) - _SHOWN} more)" if len(words) > _SHOWN else ""
    return "; ".join(words[:_SHOWN])[:300] + rest
