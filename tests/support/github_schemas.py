"""GitHub's own schemas of its APIs, as `make schemas` fetches them: what a document must be, what a query may ask for."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema
from jsonschema import Draft4Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from oso_dagster.settings import PROJECT_ROOT

FOLDER = PROJECT_ROOT / ".cache" / "schemas"
_MISSING = "The schemas of GitHub's APIs are not there; `make schemas` fetches them"
_REFUSALS = {status: {"$ref": f"#/components/responses/{name}"} for status, name in (("403", "forbidden"), ("404", "not_found"))}
"""What every path may answer, whether that is listed or not."""
_BY_ID = re.compile(r"\A/repositories/\d+(?=/|\Z)")
"""A redirect leads there; GitHub documents what it says of `/repos/{owner}/{repo}` only."""


def require(name: str) -> Path:
    """A file of the schemas. Without it a test is skipped with the remedy, but in CI (`CI=true`) it fails."""
    if not (FOLDER / "ready").exists():
        if os.environ.get("CI") == "true":
            pytest.fail(_MISSING, pytrace=False)
        pytest.skip(_MISSING)
    return FOLDER / name


@cache
def graphql_schema() -> GraphQLSchema:
    """The published schema of the GraphQL API, as it is: 15.26.1 has two fields twice."""
    return build_schema(require("schema.graphql").read_text(), assume_valid_sdl=True, assume_valid=True)


@cache
def openapi() -> Mapping[str, Any]:
    """The published description of the REST API."""
    document: Mapping[str, Any] = json.loads(require("api.github.com.json").read_text())
    return document


def problems(method: str, path: str, status: int, document: Any) -> list[str]:
    """How an answer differs from what the description says of such a status; None for a body that is empty."""
    template, operation = _operation(method, path)
    answers = _REFUSALS | operation["responses"]
    if str(status) not in answers:
        return [f"{method} {template} has no answer {status}, only {', '.join(answers)}"]
    answer = answers[str(status)]
    answer = _at(answer["$ref"]) if "$ref" in answer else answer
    schema = answer.get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        return [] if document is None else [f"{method} {template} {status} has a body, which nothing is said of"]
    if template.endswith("/events") and status == 200:
        return [problem for event in document for problem in _of_event(event)]
    return [*_of(schema, document), *_made_up(schema, document)]


def parameters(method: str, path: str) -> set[str]:
    """The query parameters that a path takes."""
    _, operation = _operation(method, path)
    listed = [_at(entry["$ref"]) if "$ref" in entry else entry for entry in operation.get("parameters", ())]
    return {entry["name"] for entry in listed if entry["in"] == "query"}


def _operation(method: str, path: str) -> tuple[str, Mapping[str, Any]]:
    named = _BY_ID.sub("/repos/owner/name", path)
    for template, operations in openapi()["paths"].items():
        if _pattern(template).fullmatch(named) and method.lower() in operations:
            return template, operations[method.lower()]
    raise AssertionError(f"GitHub's description has no {method} {path}")


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(template)))


def _of_event(event: Any) -> Iterator[str]:
    """An event, with the payload of its own type: the schema lists all payloads, several of which fit one another."""
    schema = dict(_at("#/components/schemas/event"))
    schema["properties"] = schema["properties"] | {"payload": {"type": "object"}}
    yield from _of(schema, event)
    name = re.sub(r"(?<!\A)(?=[A-Z])", "-", event["type"]).lower()
    yield from _of({"$ref": f"#/components/schemas/{name}"}, event["payload"])


def _of(schema: Mapping[str, Any], document: Any) -> list[str]:
    validator = _Nullable({**schema, "components": openapi()["components"]}, format_checker=FormatChecker())
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in validator.iter_errors(document)]


def _made_up(schema: Mapping[str, Any], document: Any) -> list[str]:
    """Fields of a document, or of those in a list, that the schema does not know."""
    while "$ref" in schema or (isinstance(document, list) and schema.get("type") == "array"):
        if "$ref" in schema:
            schema = _at(schema["$ref"])
        else:
            schema, document = schema["items"], (document or [None])[0]
    known = schema.get("properties")
    return sorted(document.keys() - known.keys()) if known and isinstance(document, dict) else []


def _at(reference: str) -> Mapping[str, Any]:
    part: Any = openapi()
    for name in reference.removeprefix("#/").split("/"):
        part = part[name]
    return part  # type: ignore[no-any-return]


def _type(validator: Any, wanted: str, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    """OpenAPI 3.0 says `nullable` where JSON Schema has null among the types."""
    if not (instance is None and schema.get("nullable")):
        yield from Draft4Validator.VALIDATORS["type"](validator, wanted, instance, schema)


def _enum(validator: Any, wanted: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    if not (instance is None and schema.get("nullable")):
        yield from Draft4Validator.VALIDATORS["enum"](validator, wanted, instance, schema)


_Nullable = extend(Draft4Validator, {"type": _type, "enum": _enum})
