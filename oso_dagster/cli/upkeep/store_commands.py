"""`oso migrate`, `oso backup`, `oso restore`: upgrades of every store, and copies of the only history there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from oso_dagster.cli.session.chosen_world import settings_without_sources
from oso_dagster.cli.session.instance import enter
from oso_dagster.cli.session.terminal import refusal, say

_LEDGER, _DAGSTER, _SQLMESH, _KEYS = "reliability.db", "dagster", "sqlmesh", "serving.db"


def migrate() -> None:
    """Upgrade the stores of Dagster, SQLMesh and the platform for this version. Running it twice changes nothing.

    Example: `oso migrate`
    """
    import dagster as dg  # noqa: PLC0415  (slow to load)

    from oso_dagster.orchestration.public_door.keys_of_world import upgrade_keys  # noqa: PLC0415
    from oso_dagster.orchestration.upkeep.upgrading import upgrade_sqlmesh  # noqa: PLC0415
    from oso_dagster.reliability.store import Store  # noqa: PLC0415

    settings = settings_without_sources()
    enter(settings)
    Store.open(settings.reliability_store_url, settings.world.value).close()
    say("the reliability store is up to date")
    with dg.DagsterInstance.get() as instance:
        instance.upgrade(lambda _said: None)
    say("Dagster's storage is up to date")
    say(upgrade_sqlmesh(settings))
    say(upgrade_keys(settings))


def backup(
    target: Annotated[Path, typer.Argument(help="The folder to write; it must not exist.")],
) -> None:
    """Copy the ledger, Dagster's runs and events, SQLMesh's state and the door's keys into one folder, while all runs.

    All or nothing.

    Example: `oso backup copies/2026-03-01`
    """
    import dagster as dg  # noqa: PLC0415  (slow to load)

    from oso_dagster.orchestration.public_door.keys_of_world import copy_keys  # noqa: PLC0415
    from oso_dagster.orchestration.upkeep.copying import copy_dagster, copy_sqlmesh  # noqa: PLC0415
    from oso_dagster.reliability.backup import all_or_nothing, copy_out  # noqa: PLC0415

    settings = settings_without_sources()
    enter(settings)
    with _refusals(), all_or_nothing(target) as part:
        # The ledger first: one that is behind Dagster's events catches up, one that is ahead would look for what is not there.
        rows = copy_out(settings.reliability_store_url, settings.world.value, part / _LEDGER)
        copied = [f"{rows:,} rows of the ledger", copy_sqlmesh(settings, part / _SQLMESH)]
        with dg.DagsterInstance.get() as instance:
            copied.append(copy_dagster(instance, part / _DAGSTER))
        copied.append(copy_keys(settings, part / _KEYS))
    say("; ".join(copied) + f"; in {target}")


def restore(
    source: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A folder that `oso backup` wrote.")],
) -> None:
    """Fill empty stores of the same world from a backup; stores that already hold history are refused.

    The ledger goes from SQLite to PostgreSQL and back; Dagster's and SQLMesh's copies go back to the kind of store they are from.
    Keys of the door are added to those that are there.

    Example: `OSO_RELIABILITY_URL=postgresql+psycopg2://… oso restore copies/2026-03-01`
    """
    import dagster as dg  # noqa: PLC0415  (slow to load)

    from oso_dagster.orchestration.public_door.keys_of_world import restore_keys  # noqa: PLC0415
    from oso_dagster.orchestration.upkeep.copying import restore_dagster, restore_sqlmesh  # noqa: PLC0415
    from oso_dagster.reliability.backup import copy_in  # noqa: PLC0415

    if not (source / _LEDGER).exists():
        raise refusal(f"{source} is no backup: it has no {_LEDGER}")
    settings = settings_without_sources()
    enter(settings)
    done: list[str] = []
    with _refusals(done):
        done.append(f"{copy_in(source / _LEDGER, settings.reliability_store_url, settings.world.value):,} rows of the ledger")
        done.append(restore_sqlmesh(settings, source / _SQLMESH))
        with dg.DagsterInstance.get() as instance:
            done.append(restore_dagster(instance, source / _DAGSTER))
        done.append(restore_keys(settings, source / _KEYS))
    say("; ".join(done) + f"; from {source}")


@contextmanager
def _refusals(done: Sequence[str] = ()) -> Iterator[None]:
    """A refusal in plain words, with what was done before it."""
    from oso_dagster.reliability.backup import BackupError  # noqa: PLC0415
    from oso_dagster.reliability.store import WrongWorldError  # noqa: PLC0415

    try:
        yield
    except (BackupError, WrongWorldError) as error:
        raise refusal("; ".join([*(f"restored: {restored}" for restored in done), str(error)])) from None
