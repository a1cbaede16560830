"""`oso migrate`, `oso backup`, `oso restore`: upgrades of every store, and copies of the only history there is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oso_dagster.cli.instance import enter
from oso_dagster.settings import read_settings
from oso_dagster.sources import catalogue


def migrate() -> None:
    """Upgrade Dagster's, SQLMesh's and our own store to what this version of the platform needs. Twice changes nothing.

    Example: `oso migrate`
    """
    import dagster as dg  # noqa: PLC0415  (slow to load)

    from oso_dagster.orchestration.upgrading import upgrade_sqlmesh  # noqa: PLC0415
    from oso_dagster.reliability.store import Store  # noqa: PLC0415

    settings = read_settings(catalogue())
    enter(settings)
    Store.open(settings.reliability_store_url, settings.world.value).close()
    typer.echo("the reliability store is up to date")
    with dg.DagsterInstance.get() as instance:
        instance.upgrade(lambda _said: None)
    typer.echo("Dagster's storage is up to date")
    typer.echo(upgrade_sqlmesh(settings))


def backup(
    target: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")],
) -> None:
    """Copy the ledger, the samples and every verdict into one file, while the platform runs.

    Example: `oso backup reliability-2026-03-01.db`
    """
    from oso_dagster.reliability.backup import BackupError, copy_out  # noqa: PLC0415

    settings = read_settings(catalogue())
    try:
        rows = copy_out(settings.reliability_store_url, settings.world.value, target)
    except BackupError as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo(f"{rows:,} rows in {target}")


def restore(source: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A file that `oso backup` wrote.")]) -> None:
    """Fill an empty store of the same world from a backup; one that holds history is refused.

    Example: `OSO_RELIABILITY_URL=postgresql+psycopg2://… oso restore reliability-2026-03-01.db`
    """
    from oso_dagster.reliability.backup import BackupError, copy_in  # noqa: PLC0415
    from oso_dagster.reliability.store import WrongWorldError  # noqa: PLC0415

    settings = read_settings(catalogue())
    try:
        rows = copy_in(source, settings.reliability_store_url, settings.world.value)
    except (BackupError, WrongWorldError) as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo(f"{rows:,} rows from {source}")
