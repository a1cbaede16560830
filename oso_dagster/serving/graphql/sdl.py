"""The schema as text, made of the shapes: one page per mart, filters by column, order, cursors, relations."""

from __future__ import annotations

import json
from collections.abc import Mapping

from oso_dagster.serving.deprecations import Deprecation
from oso_dagster.serving.graphql.shape import Relation, Shape

MOST_ROWS = 1_000
"""Rows of one page at most."""

DEFAULT_ROWS = 100

SCALARS = {
    "BigInt": "A whole number of up to 64 bits and more, as a number.",
    "Decimal": "An exact decimal number, as text.",
    "Date": "A day, `2026-11-30`.",
    "DateTime": "An instant, UTC, `2026-11-30T12:00:00+00:00`.",
    "JSON": "A list or an object, as the column has it.",
}
_COMPARED = ("String", "BigInt", "Decimal", "Date", "DateTime", "Int", "Float")

_FIXED = """
"What a filter says of one column; all of it has to hold. A missing value meets `isNull` alone, not even `neq`."
input {kind}Filter {{
  eq: {kind}
  neq: {kind}
  in: [{kind}!]
  isNull: Boolean{ordered}{text}
}}
"""
_ORDERED = "\n  lt: {kind}\n  lte: {kind}\n  gt: {kind}\n  gte: {kind}"
_TEXT = '\n  "A pattern in which % stands for any text and _ for one character."\n  like: String'

_SEMANTIC = """
enum Direction { ASC DESC }
type PageInfo { hasNextPage: Boolean!, "Give it as `after` to have the next page." endCursor: String }
type SemanticDataModel { name: String! }
type SemanticDimension { name: String!, description: String, query: String, columnName: String }
type SemanticMeasure { name: String!, description: String, operationType: String!, query: String! }
type SemanticRelationship {
  name: String, description: String, type: String!, sourceForeignKey: [String!]!, refKey: [String!]!,
  toSemanticModel: SemanticModel!
}
"A mart as `pyoso` 0.9 asks for it, to write SQL from."
type SemanticModel {
  name: String!, description: String, dataModel: SemanticDataModel!,
  dimensions: [SemanticDimension!]!, measures: [SemanticMeasure!]!, relationships: [SemanticRelationship!]!
}
"""


def schema_text(shapes: Mapping[str, Shape]) -> str:
    """The schema definition of all marts."""
    roots = [
        *(
            f"  {_described(shape.table.description)} {shape.name}{_arguments(shape)}: {shape.kind}Page!"
            f"{_deprecated(shape.table.deprecation)}"
            for shape in shapes.values()
        ),
        '  "The marts as `pyoso` 0.9 asks for them. There is one organisation, whose id is not looked at."',
        "  semanticModels(orgId: ID!, dataModelId: ID): [SemanticModel!]!",
    ]
    scalars = [f"{_described(text)} scalar {name}" for name, text in SCALARS.items()]
    filters = [
        _FIXED.format(
            kind=kind, ordered=_ORDERED.format(kind=kind) if kind in _COMPARED else "", text=_TEXT if kind == "String" else ""
        )
        for kind in (*_COMPARED, "Boolean")
    ]
    types = [_types(shape, shapes) for shape in shapes.values()]
    return "\n".join([*scalars, *filters, _SEMANTIC, *types, "type Query {", *roots, "}"])


def _types(shape: Shape, shapes: Mapping[str, Shape]) -> str:
    compared = [field for field in shape.fields if field.scalar != "JSON"]
    fields = [
        f"  {_described(field.column.description)} {field.name}: {field.scalar}{_deprecated(field.column.deprecation)}"
        for field in shape.fields
    ]
    relations = [_relation(relation, shapes[relation.target]) for relation in shape.relations]
    filters = [f"  {field.name}: {field.scalar}Filter" for field in compared]
    return f"""
{_described(shape.table.description)}
type {shape.kind} {{
{chr(10).join([*fields, *relations])}
}}
type {shape.kind}Page {{ nodes: [{shape.kind}!]!, pageInfo: PageInfo! }}
enum {shape.kind}Column {{ {" ".join(field.name for field in compared)} }}
input {shape.kind}Order {{ column: {shape.kind}Column!, direction: Direction! = ASC }}
"All that is said has to hold."
input {shape.kind}Filter {{
  and: [{shape.kind}Filter!]
  or: [{shape.kind}Filter!]
  not: {shape.kind}Filter
{chr(10).join(filters)}
}}"""


def _relation(relation: Relation, target: Shape) -> str:
    going = _deprecated(target.table.deprecation)
    if relation.many:
        return f"  {_described(target.table.description)} {relation.name}{_arguments(target)}: {target.kind}Page!{going}"
    return f'  "By {relation.column}; null where that id has no row." {relation.name}: {target.kind}{going}'


def _arguments(shape: Shape) -> str:
    order = f'"Rows that are equal in it come by their key; missing values come last." orderBy: [{shape.kind}Order!]'
    first = f'"At most {MOST_ROWS}." first: Int! = {DEFAULT_ROWS}'
    return f"(where: {shape.kind}Filter, {order}, {first}, after: String)"


def _deprecated(deprecation: Deprecation | None) -> str:
    return f" @deprecated(reason: {_described(deprecation.words)})" if deprecation else ""


def _described(text: str) -> str:
    return json.dumps(" ".join(text.split()) or "No description.", ensure_ascii=False)
