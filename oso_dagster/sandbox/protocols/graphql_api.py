"""What the families that speak GraphQL share: a schema against which queries are checked for real, over a document on disk.

They are Apollo's: an error of a resolver is 200 with `data` null and its code in `extensions` (apollographql.com, "Error
handling" of Apollo Server), which the fault `success_false` answers to every query.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from oso_dagster.sandbox.protocols import web_api
from oso_dagster.sandbox.protocols.source_faults import fault_of

if TYPE_CHECKING:
    from graphql import ExecutionResult, GraphQLSchema

_FAILED = {"data": None, "errors": [{"message": "Internal server error", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}

Resolver = Callable[..., Any]
"""From the document and a field's arguments to its value: plain lists, objects and scalars."""


class CheckedSchema:
    """A schema against which queries are checked. One that differs from a valid one in its texts alone is not checked again.

    A text may stand where another does: all that the rules know of it is that it is one. To check a query takes longer than to
    answer it, and a round over many repositories asks the same of each.
    """

    _TEXT = re.compile(r'"(?:\\.|[^"\\])*"')

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._valid: set[str] = set()

    def answer(self, query: str, root: Any, variables: Any = None) -> ExecutionResult:
        """What GraphQL answers: the data, or the errors of the syntax, of the check or of the resolvers."""
        from graphql import ExecutionResult, GraphQLSyntaxError, execute_sync, parse, validate  # noqa: PLC0415

        try:
            document = parse(query)
        except GraphQLSyntaxError as error:
            return ExecutionResult(data=None, errors=[error])
        form = self._TEXT.sub('""', query)
        if form not in self._valid:
            if errors := validate(self._schema, document):
                return ExecutionResult(data=None, errors=errors)
            self._valid.add(form)
        return execute_sync(self._schema, document, root, variable_values=variables)


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
    from graphql import build_schema  # noqa: PLC0415  (the server alone needs it)

    built, before = CheckedSchema(build_schema(schema)), CheckedSchema(build_schema(former or schema))

    async def answer(request: Request) -> Response:
        kind = fault_of(request.scope)
        if kind == "success_false":
            return JSONResponse(_FAILED)
        body = await request.json()
        document = web_api.damaged(folder, kind, damages or {})
        root = {name: _field(resolver, document) for name, resolver in roots.items()}
        result = (before if kind == "former" else built).answer(body["query"], root, body.get("variables"))
        errors = {"errors": [error.formatted for error in result.errors]} if result.errors else {}
        return JSONResponse({"data": result.data} | errors, 200 if result.data is not None else 400)

    return Starlette(routes=[Route("/graphql", answer, methods=["POST"])])


def _field(resolver: Resolver, document: Any) -> Callable[..., Any]:
    return lambda _info, **arguments: resolver(document, **arguments)
