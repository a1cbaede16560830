"""Queries are checked against their schema, also where one of the same form was checked before."""

from __future__ import annotations

from typing import Any

from graphql import build_schema

from oso_dagster.sandbox.protocols.graphql_api import CheckedSchema

SCHEMA = "type Query { named(name: String!): String, numbered(number: Int!): Int }"
ROOT = {"named": lambda _info, name: name.upper(), "numbered": lambda _info, number: number + 1}


def data_and_errors(schema: CheckedSchema, query: str) -> tuple[Any, list[str]]:
    result = schema.answer(query, ROOT)
    return result.data, [error.message for error in result.errors or ()]


def test_queries_of_one_form_have_each_their_own_answer() -> None:
    schema = CheckedSchema(build_schema(SCHEMA))
    for name in ("a", "b", 'with \\"quotes\\"', "#"):
        text = name.replace("\\", "")
        assert data_and_errors(schema, f'{{ named(name: "{name}") }}') == ({"named": text.upper()}, [])


def test_what_is_no_query_or_fits_no_schema_is_refused_every_time() -> None:
    schema = CheckedSchema(build_schema(SCHEMA))
    assert data_and_errors(schema, '{ named(name: "a") }')[1] == []
    for query in ("{ named(name: 1) }", '{ numbered(number: "1") }', '{ gone(name: "a") }', '{ named(name: "a" }'):
        for _ in range(2):
            data, (error,) = data_and_errors(schema, query)
            assert data is None
            assert error
    assert data_and_errors(schema, "{ numbered(number: 1) }") == ({"numbered": 2}, [])
