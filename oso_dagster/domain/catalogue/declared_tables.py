"""The tables of many sources, by the names of their assets."""

from __future__ import annotations

from collections.abc import Iterable

from oso_dagster.domain.catalogue.source import Source, Table
from oso_dagster.domain.catalogue.table_names import asset_name


def by_asset(sources: Iterable[Source]) -> dict[str, tuple[Source, Table]]:
    """Every table that is still loaded with its source, by the name of its asset, in the order of declaration.

    Those of retired sources are left out: nothing is promised of them, nothing is measured.
    """
    return {
        asset_name(source.name, table.name): (source, table)
        for source in sources
        if source.retired is None
        for table in source.tables
    }
