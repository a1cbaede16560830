"""`POST /graphql`: one document, read-only, within what a key may ask."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from ariadne import graphql
from graphql import GraphQLError, GraphQLResolveInfo, GraphQLSchema, parse
from graphql.language import DocumentNode, FieldNode, FragmentSpreadNode, OperationDefinitionNode, SelectionSetNode
from graphql.validation import ValidationRule
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from oso_dagster.serving.endpoints.door import SURROGATE, Door, body_of, caller_of, judged
from oso_dagster.serving.endpoints.errors import headers_of
from oso_dagster.serving.endpoints.streaming import in_thread
from oso_dagster.serving.failures import Outcome, RefusedError
from oso_dagster.serving.graphql.asking import Asking, TooMuchError
from oso_dagster.serving.graphql.schema import schema_of
from oso_dagster.serving.graphql.shape import shapes_of

_MOST_TOKENS = 4_000
_DEEPEST = 16
"""Fields within fields: one level more than tools need that ask what the schema is."""

log = logging.getLogger("oso_dagster.serving")
_silent = logging.getLogger("oso_dagster.serving.graphql.library")
_silent.setLevel(logging.CRITICAL + 1)  # uvicorn's configuration of logging enables what is disabled
"""For the library, which records what users do wrong as errors of ours."""

_LISTS = {"fields", "inputFields", "interfaces", "possibleTypes", "args"}
_MOST_LISTS = 3
"""Lists within lists of a schema's description: tools need as many."""


class GraphQL:
    """The endpoint."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._schema: GraphQLSchema | None = None

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        try:
            async with judged(self._door):
                return await self._answer(request)
        except RefusedError as refused:
            return _refused(refused)

    async def _answer(self, request: Request) -> Response:
        door = self._door
        caller = await caller_of(request, door)
        body = await _body(request)
        if self._schema is None:
            self._schema = schema_of(shapes_of(door.published))
        asking = Asking(door, request.receive)
        errors = _Errors()
        async with door.admission.room(caller):
            try:
                known, answer = await in_thread(_executed, self._schema, body, asking, errors)
            finally:
                await asking.end()
        for outcome in (Outcome.UNEXPECTED, Outcome.OVERLOAD, Outcome.CANCELED):
            if worst := next((refused for refused in errors.refused if refused.outcome is outcome), None):
                raise worst
        headers = door.headers(sorted(asking.tables), sorted(asking.literals))
        if "errors" in answer:
            raise _RefusedAnswerError(answer, 400 if not known or answer.get("data") is None else 200, headers)
        return await in_thread(lambda: JSONResponse(answer, headers=headers))


def _executed(schema: GraphQLSchema, body: dict[str, Any], asking: Asking, errors: _Errors) -> tuple[bool, dict[str, Any]]:
    """Parse, validate and answer, in a thread with a loop of its own: a document can cost seconds. Raises RefusedError."""
    asking.begin()
    executing = graphql(
        schema,
        body,
        context_value=asking,
        query_parser=_parsed,
        validation_rules=[_Depth],
        error_formatter=errors,
        logger=_silent,
        middleware=[_weighed],
    )
    try:
        return asyncio.run(executing)
    except TooMuchError as error:
        raise RefusedError(str(error), Outcome.USER) from None


def _weighed(resolve: Any, source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    value = resolve(source, info, **arguments)
    info.context.weigh(value)
    return value


class _RefusedAnswerError(RefusedError):
    """An answer with errors that are the user's: what there is of data stands beside them, as GraphQL has it."""

    def __init__(self, answer: dict[str, Any], status: int, headers: dict[str, str]) -> None:
        super().__init__("the request has errors", Outcome.USER, status=status)
        self.answer, self.headers = answer, headers


def _refused(refused: RefusedError) -> Response:
    if isinstance(refused, _RefusedAnswerError):
        return JSONResponse(refused.answer, status_code=refused.status, headers=refused.headers)
    error = {"message": refused.message, "extensions": {"class": refused.outcome.value}}
    return JSONResponse({"errors": [error]}, status_code=refused.status, headers=headers_of(refused))


async def _body(request: Request) -> dict[str, Any]:
    body = await body_of(request)
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        values = None
    if SURROGATE.search(json.dumps(values, ensure_ascii=False)):
        raise RefusedError("the request holds half of a character, a lone surrogate, which is no text", Outcome.USER)
    if not isinstance(values, dict) or not isinstance(values.get("query"), str):
        raise RefusedError('the body is JSON: {"query": "{ projectsV1 { nodes { projectName } } }"}', Outcome.USER)
    return values


def _parsed(_: Any, data: dict[str, Any]) -> DocumentNode:
    try:
        return parse(data["query"], max_tokens=_MOST_TOKENS)
    except RecursionError:
        raise GraphQLError("the document is nested too deeply") from None


class _Depth(ValidationRule):
    """Refuses what is nested more deeply than anyone needs; fragments count where they are spread."""

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        """Look at one operation."""
        deep, lists = self._measured(node.selection_set, {})
        if deep > _DEEPEST or lists > _MOST_LISTS:
            self.report_error(GraphQLError(f"the document is nested more than {_DEEPEST} deep, or asks for lists within lists"))

    def _measured(self, selections: SelectionSetNode | None, known: dict[str, tuple[int, int]]) -> tuple[int, int]:
        """How many fields lie within each other, and lists of the schema's description; each fragment is measured once."""
        deepest = longest = 0
        for selection in selections.selections if selections is not None else ():
            if isinstance(selection, FieldNode):
                deep, lists = self._measured(selection.selection_set, known)
                deep, lists = deep + 1, lists + (selection.name.value in _LISTS)
            elif isinstance(selection, FragmentSpreadNode):
                deep, lists = self._of_fragment(selection.name.value, known)
            else:
                deep, lists = self._measured(getattr(selection, "selection_set", None), known)
            deepest, longest = max(deepest, deep), max(longest, lists)
        return deepest, longest

    def _of_fragment(self, name: str, known: dict[str, tuple[int, int]]) -> tuple[int, int]:
        if name not in known:
            known[name] = (0, 0)  # for a fragment within itself, which another rule refuses
            fragment = self.context.get_fragment(name)
            known[name] = self._measured(fragment.selection_set if fragment else None, known)
        return known[name]


class _Errors:
    """Errors as the client has them; what nobody foresaw gives nothing away and ends the request. `refused` are those of ours."""

    def __init__(self) -> None:
        self.refused: list[RefusedError] = []

    def __call__(self, error: GraphQLError, _: bool) -> dict[str, Any]:
        """Format one."""
        original = error.original_error
        while isinstance(original, GraphQLError):
            original = original.original_error
        if isinstance(original, RecursionError):
            original = RefusedError("the request is nested too deeply", Outcome.USER)
        elif original is not None and not isinstance(original, (RefusedError, ValueError)):
            log.error("a request of GraphQL failed", exc_info=original)
            original = RefusedError("the request failed for a reason that is not its own", Outcome.UNEXPECTED)
        if isinstance(original, RefusedError):
            self.refused.append(original)
            return {**error.formatted, "message": original.message, "extensions": {"class": original.outcome.value}}
        return {**error.formatted, "extensions": {"class": Outcome.USER.value}}
