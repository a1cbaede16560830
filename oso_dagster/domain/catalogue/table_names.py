"""What a table is called: `source.table` where it is read and spoken of, `source/table` where it is an asset."""

from __future__ import annotations


def table_name(source: str, table: str) -> str:
    """Where a table lands and how messages name it; also of a nested one, `table__child`.

    >>> table_name("npm", "downloads")
    'npm.downloads'
    """
    return f"{source}.{table}"


def asset_name(source: str, table: str) -> str:
    """What the asset that lands a table is called in Dagster, in the ledger, in alerts and on the status page.

    >>> asset_name("npm", "downloads")
    'npm/downloads'
    """
    return f"{source}/{table}"
