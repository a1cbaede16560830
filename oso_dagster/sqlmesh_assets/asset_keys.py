"""The Dagster key of a model or table."""

import dagster as dg

from .asset_paths import asset_path


def asset_key(table: str) -> dg.AssetKey:
    """The key of `asset_path`."""
    return dg.AssetKey(asset_path(table))
