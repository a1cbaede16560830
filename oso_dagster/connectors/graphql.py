"""GraphQL over the REST client: an `errors` array is an error, whatever the status says; paging is `pages`'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oso_dagster.connectors.answers import AnswerError, take
from oso_dagster.connectors.rest import Client

_SHOWN = 3


@dataclass(frozen=True)
class Endpoint:
    """A GraphQL endpoint and the client that asks it."""

    client: Client
    url: str

    def ask(self, query: str, variables: Mapping[str, Any]) -> Any:
        """The `data` of an answer. Raises AnswerError when the answer holds errors or no data, and what `Client.post` raises."""
        document = self.client.post(self.url, {"query": query, "variables": dict(variables)}).document
        if isinstance(document, Mapping) and document.get("errors"):
            raise AnswerError(f"the endpoint reports errors: {_messages(document['errors'])}")
        data = take(document, "data")
        if data is None:
            raise AnswerError("the answer has no data, and says no error")
        return data


def _messages(errors: Any) -> str:
    listed = errors if isinstance(errors, list) else [errors]
    words = [str(error.get("message", error)) if isinstance(error, Mapping) else str(error) for error in listed]
    rest = f" (and {len(words) - _SHOWN} more)" if len(words) > _SHOWN else ""
    return "; ".join(words[:_SHOWN])[:300] + rest
