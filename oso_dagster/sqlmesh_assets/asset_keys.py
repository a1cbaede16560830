"""The Dagster key of a model or table."""

import dagster as dg


def asset_key(table: str) -> dg.AssetKey:
    """`[schema, table]`: without the catalogue, which for DuckDB is the name of a file."""
    return dg.AssetKey(table.split("."))


def table_name(key: dg.AssetKey) -> str:
    """`schema.table` of the key."""
    return ".".join(key.path)
