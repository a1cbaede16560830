"""What the families that speak GraphQL share: a schema against which queries are checked for real, over a document on disk.

They are Apollo's: an error of a resolver is 200 with `data` null and its code in `extensions` (apollographql.com, "Error
handling" of Apollo Server), which the fault `success_false` answers to every query.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from oso_dagster.sandbox.protocols import web_api
from oso_dagster.sandbox.protocols.source_faults import fault_of

_FAILED = {"data": None, "errors": [{"message": "Internal server error", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}

Resolver = Callable[..., Any]
"""From the document and a field's arguments to its value: plain lists, objects and scalars."""


def serve(
    folder: Path,
    schema: str,
    roots: Mapping[str, Resolver],
    damages: Mapping[str, web_api.Damage] | None = None,
    former: str | None = None,
) -> Starlette:
    """An application that answers POSTed queries at `/graphql` from the document in `folder`; `roots` are the query's fields.

    `former` is the schema as it was before, which the fault of that name answers by.
    """
    from graphql import build_schema, graphql_sync  # noqa: PLC0415  (the server alone needs it)

    built, before = build_schema(schema), build_schema(former or schema)

    async def answer(request: Request) -> Response:
        kind = fault_of(request.scope)
        if kind == "success_false":
            return JSONResponse(_FAILED)
        body = await request.json()
        document = web_api.damaged(folder, kind, damages or {})
        root = {name: _field(resolver, document) for name, resolver in roots.items()}
        result = graphql_sync(before if kind == "former" else built, body["query"], root, variable_values=body.get("variables"))
        errors = {"errors": [error.formatted for error in result.errors]} if result.errors else {}
        return JSONResponse({"data": result.data} | errors, 200 if result.data is not None else 400)

    return Starlette(routes=[Route("/graphql", answer, methods=["POST"])])


def _field(resolver: Resolver, document: Any) -> Callable[..., Any]:
    return lambda _info, **arguments: resolver(document, **arguments)
