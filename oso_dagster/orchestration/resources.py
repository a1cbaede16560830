"""What assets work with, made from the settings when it is used: the definitions themselves open nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from oso_dagster.domain.catalogue.source import Source
from oso_dagster.orchestration.clock import utc_now
from oso_dagster.settings import Profile, Settings, SettingsError
from oso_dagster.warehouse.base import Warehouse


def warehouse_of(settings: Settings, cache: Path | None = None) -> Warehouse:
    """The warehouse of the settings' profile and world; it works in `cache`, by default in the settings' own."""
    if settings.profile is Profile.LAKEHOUSE:
        return _lakehouse(settings, cache or settings.cache_dir)
    from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse  # noqa: PLC0415  (duckdb and dlt load when used)

    return DuckDBWarehouse(
        settings.warehouse_path,
        world=settings.world.value,
        cache=cache or settings.cache_dir,
        lock_timeout_seconds=settings.lock_timeout_seconds,
        clock=utc_now,
    )


def _lakehouse(settings: Settings, cache: Path) -> Warehouse:
    try:
        from oso_dagster.warehouse.lakehouse.warehouse import LakehouseWarehouse  # noqa: PLC0415  (pyiceberg loads when used)
    except ModuleNotFoundError as error:
        raise SettingsError(f"OSO_PROFILE=lakehouse needs {error.name}: install oso_dagster[lakehouse]") from None
    return LakehouseWarehouse(
        settings.lakehouse_value("lakehouse_catalogue_url"),
        settings.lakehouse_value("lakehouse_store"),
        world=settings.world.value,
        cache=cache,
        lock_timeout_seconds=settings.lock_timeout_seconds,
        clock=utc_now,
    )


def _bigquery(source: Source, settings: Settings) -> Any:
    try:
        from oso_dagster.orchestration.bigquery_client import open_client  # noqa: PLC0415  (dagster-gcp loads when used)
    except ModuleNotFoundError as error:
        raise SettingsError(f"{source.name} needs {error.name}: install oso_dagster[gcp]") from None
    return open_client(source.name, settings.of_source(source))


_CLIENTS: Mapping[str, Callable[[Source, Settings], Any]] = {"bigquery": _bigquery}
"""What a source may name in `Source.clients`, and how it is built when an asset runs."""


def clients_of(source: Source, settings: Settings) -> dict[str, Any]:
    """The clients that a source asks for, ready to use. Raises SettingsError for one that nobody builds."""
    unknown = [name for name in source.clients if name not in _CLIENTS]
    if unknown:
        raise SettingsError(
            f"{source.name}: no client is called {', '.join(unknown)}; there are: {', '.join(_CLIENTS) or 'none'}"
        )
    return {name: _CLIENTS[name](source, settings) for name in source.clients}
