"""What may be read by everyone: every model of the production environment, and every raw table that is declared public."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from oso_dagster.domain.catalogue.source import Source, Table
from oso_dagster.domain.catalogue.table_names import table_name
from oso_dagster.serving.deprecations import Deprecation
from oso_dagster.serving.published import Published, PublishedColumn, PublishedTable
from oso_dagster.sqlmesh_assets.manifest.contents import Manifest


def published_tables(
    sources: Sequence[Source], manifest: Manifest, announced: Mapping[str, Deprecation] = MappingProxyType({})
) -> Published:
    """The read model, with what is `announced` to go of the models.

    A model that reads a table which is not public is published all the same: it is what we made of it.
    """
    raw = [
        PublishedTable(
            source.name,
            physical,
            table.descriptions[physical],
            tuple(PublishedColumn(column.name, column.type_name, column.description) for column in columns),
        )
        for source in sources
        for table in source.tables
        if table.public
        for physical, columns in table.physical.items()
    ]
    models = [
        PublishedTable(
            model.layer,
            model.name.partition(".")[2],
            model.description,
            tuple(
                PublishedColumn(column.name, column.type, column.description, announced.get(f"{model.name}.{column.name}"))
                for column in model.columns
            ),
            model.upstream,
            tuple(column.strip('"') for column in model.grain),
            announced.get(model.name),
        )
        for model in manifest.models.values()
    ]
    return Published([*raw, *models])


def tables_of_asset(source: Source, table: Table) -> list[str]:
    """The full names of the tables that an asset lands."""
    return [table_name(source.name, physical) for physical in table.physical]
