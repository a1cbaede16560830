"""Which of the fields that are asked for in GitHub's GraphQL API are deprecated there: the schema says so, and until when.

GitHub announces removals in `deprecationReason` some months ahead ("… Removal on 2026-07-01 UTC.", docs.github.com, "Breaking
changes"). One query of introspection a run, after everything else; an endpoint that does not answer it says nothing.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from oso_dagster.connectors.answers import take, take_list
from oso_dagster.connectors.github.core.changes import ThingKind
from oso_dagster.connectors.http.rest import Client, RateLimitedError, RestError
from oso_dagster.domain.catalogue.loading import LoadFacts

_WORD = re.compile(r"\b[A-Za-z]\w*\b")
_OF_THING = re.compile(r"fragment thing on (\w+)")
_LONGEST = 200


def note_deprecated(client: Client, url: str, kind: ThingKind, facts: LoadFacts) -> None:
    """Announce in the notes of `client` each deprecated field that `kind` asks for; what failed becomes a fact."""
    asked = kind.connection + kind.fragment
    thing = _OF_THING.search(kind.fragment)
    types, words = ["Repository", *([thing[1]] if thing else []), "Actor", "User"], set(_WORD.findall(asked))
    fields = "{ name fields(includeDeprecated: true) { name isDeprecated deprecationReason } }"
    query = "query { " + " ".join(f't{number}: __type(name: "{name}") {fields}' for number, name in enumerate(types)) + " }"
    try:
        answer = client.post(url, {"query": query})
        with client.trusting(url):
            for number, name in enumerate(types):
                type_ = take(answer.document, "data", f"t{number}")
                for field in take_list(type_, "fields") if type_ is not None else ():
                    if take(field, "isDeprecated") and take(field, "name") in words:
                        reason = " ".join(str(field.get("deprecationReason") or "without a reason").split())[:_LONGEST]
                        text = f"the field {name}.{field['name']}, which is asked for, is deprecated: {reason}"
                        client.notes.announce(urlsplit(url).netloc, text)
    except (RestError, RateLimitedError) as error:
        facts["schema_untold"] = str(error)[:_LONGEST]
