"""Are the stores reachable and migrated: the ledger, Dagster's, SQLMesh's state, the warehouse. Nothing is made or changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing

import dagster as dg

from oso_dagster.orchestration.diagnosis.finding import Finding, Question, State
from oso_dagster.orchestration.resources import warehouse_of
from oso_dagster.settings import Settings

_PATIENCE_SECONDS = 5
_MIGRATE = "run `oso migrate`"
_WORLD = "set OSO_WORLD={}, or point OSO_RELIABILITY_URL at a store of its own"


def ledger(settings: Settings) -> Iterator[Finding]:
    """The reliability store: whether it answers, has the newest schema, and is of this world."""
    subject = "reliability store"
    if settings.reliability_url is None and not (settings.world_dir / "reliability.db").exists():
        yield Finding(Question.REACHABLE, subject, State.OFF, "not made yet: the first run makes it")
        return
    from sqlalchemy import select  # noqa: PLC0415  (loads when used)

    from oso_dagster.reliability.database import Database  # noqa: PLC0415
    from oso_dagster.reliability.tables import identity  # noqa: PLC0415

    with closing(Database(settings.reliability_store_url)) as database:
        revision, newest = database.revision(), database.newest_revision()
        world = None
        if revision is not None:
            with database.reading() as connection:
                world = connection.execute(select(identity.c.world)).scalar_one_or_none()
    yield Finding(Question.REACHABLE, subject, State.OK, database.address)
    if revision == newest:
        yield Finding(Question.MIGRATED, subject, State.OK, f"revision {revision}")
    else:
        yield Finding(Question.MIGRATED, subject, State.ERROR, f"at revision {revision or 'none'}, not {newest}", _MIGRATE)
    if world is not None and world != settings.world.value:
        yield Finding(Question.CONFIGURED, subject, State.ERROR, f"holds the {world} world", _WORLD.format(world))


def dagster_storage(settings: Settings, instance: dg.DagsterInstance) -> Iterator[Finding]:
    """Dagster's runs, events and schedules: whether they answer and have the schema of the installed version."""
    stores = {
        "Dagster's runs": instance.run_storage,
        "Dagster's events": instance.event_log_storage,
        "Dagster's schedules": instance.schedule_storage,
    }
    for subject, store in stores.items():
        ask = getattr(store, "alembic_version", None)
        if ask is None:
            yield Finding(Question.MIGRATED, subject, State.OFF, "keeps no version of its schema")
            continue
        revision, newest = ask()
        if revision == newest:
            yield Finding(Question.MIGRATED, subject, State.OK, f"revision {revision}, in {settings.dagster_home}")
        else:
            yield Finding(Question.MIGRATED, subject, State.ERROR, f"at revision {revision}, not {newest}", _MIGRATE)


def warehouse(settings: Settings) -> Iterator[Finding]:
    """The warehouse: whether it can be read now, and how many tables it has."""
    if not settings.warehouse_path.exists():
        yield Finding(Question.REACHABLE, "warehouse", State.OFF, "not made yet: load something with `oso run`")
        return
    with warehouse_of(_brief(settings)).read() as connection:
        query = "SELECT count(*) FROM duckdb_tables() WHERE NOT internal"
        tables = connection.execute(query).fetchall()[0][0]
    size = settings.warehouse_path.stat().st_size / 1024**2
    yield Finding(Question.REACHABLE, "warehouse", State.OK, f"{tables} tables, {size:,.0f} MiB, {settings.warehouse_path}")


def sqlmesh_state(settings: Settings) -> Iterator[Finding]:
    """SQLMesh's state: whether it answers and is of the installed version."""
    subject = "SQLMesh's state"
    if settings.sqlmesh_state_url is None and not settings.sqlmesh_state_path.exists():
        yield Finding(Question.REACHABLE, subject, State.OFF, "not made yet: the first run of `transform` makes it")
        return
    from sqlmesh.utils.errors import SQLMeshError  # noqa: PLC0415  (SQLMesh loads when used)

    from oso_dagster.orchestration.models.project_place import project_of  # noqa: PLC0415
    from oso_dagster.sqlmesh_assets.context import open_context  # noqa: PLC0415

    with _undisturbed(settings), closing(open_context(project_of(settings), connected=True, load=False)) as context:
        versions = context.state_reader.get_versions(validate=False)
        yield Finding(Question.REACHABLE, subject, State.OK, "answers")
        try:
            context.state_reader.get_versions(validate=True)
        except SQLMeshError as error:
            yield Finding(Question.MIGRATED, subject, State.ERROR, str(error), _MIGRATE)
        else:
            yield Finding(Question.MIGRATED, subject, State.OK, f"SQLMesh {versions.sqlmesh_version}")


def _undisturbed(settings: Settings) -> AbstractContextManager[None]:
    """The lock of the files that SQLMesh works in, for which a run in progress is waited a few seconds only."""
    return warehouse_of(_brief(settings)).lock()


def _brief(settings: Settings) -> Settings:
    return settings.model_copy(update={"lock_timeout_seconds": _PATIENCE_SECONDS})
