"""The schema that runs: types of the shapes, each field answered by the engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ariadne import ObjectType, QueryType, make_executable_schema
from graphql import GraphQLResolveInfo, GraphQLSchema

from oso_dagster.serving.graphql.asking import Asking
from oso_dagster.serving.graphql.pages import wanted
from oso_dagster.serving.graphql.sdl import schema_text
from oso_dagster.serving.graphql.shape import Field, Relation, Shape
from oso_dagster.serving.graphql.values import plain, scalars


def schema_of(shapes: Mapping[str, Shape]) -> GraphQLSchema:
    """The schema of all marts; its context is an `Asking`."""
    query = QueryType()
    types: list[ObjectType] = [query]
    for shape in shapes.values():
        query.set_field(shape.name, _page(shape))
        kind = ObjectType(shape.kind)
        for field in shape.fields:
            kind.set_field(field.name, _value(field))
        for relation in shape.relations:
            kind.set_field(relation.name, _related(relation, shapes[relation.target]))
        types.append(kind)
    models = _semantic_models(shapes)
    query.set_field("semanticModels", lambda *_, **__: models)
    return make_executable_schema(schema_text(shapes), *types, *scalars())


def _page(shape: Shape) -> Any:
    async def resolve(_: object, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        asking: Asking = info.context
        return await asking.page(asking.once(info, lambda: wanted(shape, arguments)))

    return resolve


def _value(field: Field) -> Any:
    def resolve(row: Mapping[str, Any], _: GraphQLResolveInfo) -> Any:
        return plain(row[field.column.name])

    return resolve


def _related(relation: Relation, target: Shape) -> Any:
    async def resolve_many(row: Mapping[str, Any], info: GraphQLResolveInfo, **arguments: Any) -> Any:
        asking: Asking = info.context
        page = asking.once(info, lambda: wanted(target, arguments))
        return await asking.pages(page, relation.key, row[relation.column])

    async def resolve_one(row: Mapping[str, Any], info: GraphQLResolveInfo) -> Any:
        asking: Asking = info.context
        value = row[relation.column]
        return None if value is None else await asking.row(target, relation.key, value)

    return resolve_many if relation.many else resolve_one


def _semantic_models(shapes: Mapping[str, Shape]) -> list[dict[str, Any]]:
    """The marts as models of `oso_semantic`: columns, how many rows, and where ids lead."""
    models: dict[str, dict[str, Any]] = {
        name: {
            "name": name,
            "description": shape.table.description,
            "dataModel": {"name": name},
            "dimensions": [
                {
                    "name": field.column.name,
                    "description": field.column.description,
                    "query": None,
                    "columnName": field.column.name,
                }
                for field in shape.fields
            ],
            "measures": [{"name": "count", "description": "Rows.", "operationType": "COUNT", "query": "*"}],
        }
        for name, shape in shapes.items()
    }
    for name, shape in shapes.items():
        models[name]["relationships"] = [
            {
                "name": relation.column.removesuffix("_id"), "description": None, "type": "MANY_TO_ONE",
                "sourceForeignKey": [relation.column], "refKey": [relation.key], "toSemanticModel": models[relation.target],
            }
            for relation in shape.relations if not relation.many
        ]  # fmt: skip
    return list(models.values())
