"""`/openapi.json`: what the door answers, for tools."""

from __future__ import annotations

from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from oso_dagster.serving.endpoints.forms import FORMS


async def openapi(_: Request) -> Response:
    """The description."""
    return JSONResponse(described())


@cache
def described() -> dict[str, Any]:
    """The door as OpenAPI 3.1 describes it."""
    query = {"query": {"type": "string", "description": "One SELECT, or SHOW, DESCRIBE, EXPLAIN."}}
    dialect = {"dialect": {"enum": ["trino", "duckdb"], "default": "trino"}}
    analytics = {"includeAnalytics": {"type": "boolean", "default": False}}
    forms = {form.media.split(";")[0]: {"schema": {"type": "string"}} for form in FORMS}
    state = {
        "type": "object", "required": ["id", "status"],
        "properties": {
            "id": {"type": "string"}, "url": {"type": "string", "format": "uri"},
            "status": {"enum": ["queued", "running", "completed", "failed", "canceled"]},
        },
    }  # fmt: skip
    kinds = {"enum": ["user", "unexpected", "overload", "canceled"]}
    identified = [{"name": "id", "in": "query", "required": True, "schema": {"type": "string"}}]
    token = [{"name": "token", "in": "path", "required": True, "schema": {"type": "string"}}]
    lines = {"application/jsonl": {"schema": {"type": "string"}}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "The public door", "version": "1",
            "description": "Read-only SQL and GraphQL over what Open Source Observer publishes. The header X-OSO-Provenance says "
            "how old, how complete and how stable the tables of an answer are.",
        },
        "security": [{}, {"key": []}],
        "paths": {
            "/sql": {"post": _operation("Ask by SQL", forms, _body(query | dialect | analytics))},
            "/async-sql": {
                "post": _operation("Begin a query", _json(state), _body(query | dialect)),
                "get": _operation("How far a query is", _json(state), parameters=identified),
                "delete": _operation("Give a query up", _json(state), parameters=identified, status="202"),
            },
            "/async-sql/{token}": {"get": _operation("The rows of a finished query", lines, parameters=token)},
            "/graphql": {
                "post": _operation("Ask the marts by GraphQL", _json({"type": "object"}), _body(
                    {
                        "query": {"type": "string"}, "variables": {"type": ["object", "null"]},
                        "operationName": {"type": ["string", "null"]},
                    }
                ), refusal="GraphQLErrors")
            },
            "/health": {"get": _operation("Whether it is up", _json({"type": "object"}))},
            "/openmetrics": {"get": _operation("Counters for Prometheus", {"application/openmetrics-text": {}})},
        },
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "`oso keys create NAME`"}},
            "responses": {
                name: {"description": "Why there is no answer", "content": _json({"$ref": f"#/components/schemas/{name}"})}
                for name in ("Refusal", "GraphQLErrors")
            },
            "schemas": {
                "Refusal": {
                    "type": "object", "required": ["error", "class"],
                    "properties": {"error": {"type": "string"}, "class": kinds},
                },
                "GraphQLErrors": {
                    "type": "object", "required": ["errors"],
                    "properties": {
                        "data": {"type": ["object", "null"]},
                        "errors": {"type": "array", "items": {
                            "type": "object", "required": ["message", "extensions"],
                            "properties": {
                                "message": {"type": "string"},
                                "extensions": {"type": "object", "properties": {"class": kinds}},
                            },
                        }},
                    },
                },
            },
        },
    }  # fmt: skip


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _body(properties: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": _json({"type": "object", "required": ["query"], "properties": properties})}


def _operation(
    summary: str,
    content: dict[str, Any],
    body: dict[str, Any] | None = None,
    parameters: list[Any] | None = None,
    status: str = "200",
    refusal: str = "Refusal",
) -> dict[str, Any]:
    refused = {"$ref": f"#/components/responses/{refusal}"}
    responses = {status: {"description": "The answer", "content": content}, "default": refused}
    operation: dict[str, Any] = {"summary": summary, "responses": responses}
    operation |= {"requestBody": body} if body else {}
    return operation | ({"parameters": parameters} if parameters else {})
