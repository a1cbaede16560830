"""What assets work with, made from the settings when it is used: the definitions themselves open nothing."""

from __future__ import annotations

from oso_dagster.settings import Profile, Settings, SettingsError
from oso_dagster.warehouse.base import Warehouse


def warehouse_of(settings: Settings) -> Warehouse:
    """The warehouse of the settings' profile and world."""
    if settings.profile is not Profile.EMBEDDED:
        raise SettingsError(f"OSO_PROFILE={settings.profile.value}: only the embedded profile is built so far; unset it")
    from oso_dagster.warehouse.duckdb import DuckDBWarehouse  # noqa: PLC0415  (duckdb and dlt load when used)

    return DuckDBWarehouse(
        settings.warehouse_path,
        world=settings.world.value,
        cache=settings.cache_dir,
        lock_timeout_seconds=settings.lock_timeout_seconds,
    )
