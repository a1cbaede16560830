"""A store that an older version filled says the same after its upgrade."""

from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text

from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.reliability import migrations
from oso_dagster.reliability.database import VERSION_TABLE, Database
from oso_dagster.reliability.store import Store
from tests.support.histories import EPOCH, attempts_by_brute_force, families_by_brute_force, history
from tests.support.postgres import ENGINES, address

CORE = history(Random(3), 60)
MODELS = history(Random(4), 60, label=Label.SQLMESH, prefix="m")
RUN = "INSERT INTO runs VALUES (:run_id, :family, 'failed', :will_retry, true, :at)"
ATTEMPT = (
    "INSERT INTO attempts (run_id, asset, partition, report, label, outcome, started, ended, cause) "
    "VALUES (:run_id, :asset, :partition, '', :label, :outcome, :started, :ended, '')"
)


@pytest.fixture(params=ENGINES)
def url(request, tmp_path):
    return address(request, tmp_path)


def upgrade(database, revision):
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with database.writing() as connection:
        config.attributes.update(connection=connection, version_table=VERSION_TABLE)
        command.upgrade(config, revision)


def as_kept(at, dialect):
    return at if at is None or dialect == "postgresql" else at.isoformat(timespec="microseconds")


def test_attempts_that_were_recorded_before_they_were_judged_are_judged_by_the_upgrade(url):
    database = Database(url)
    upgrade(database, "0002")
    with database.writing() as connection:
        kept = connection.dialect.name
        runs = {attempt.run_id: attempt for attempt in CORE + MODELS}
        for attempt in runs.values():
            values = {
                "run_id": attempt.run_id,
                "family": attempt.family,
                "will_retry": attempt.will_retry,
                "at": as_kept(EPOCH, kept),
            }
            connection.execute(text(RUN), values)
        for attempt in CORE + MODELS:
            values = {
                "run_id": attempt.run_id,
                "asset": attempt.asset,
                "partition": attempt.partition or "",
                "label": attempt.label.value,
            }
            times = {"started": as_kept(attempt.started, kept), "ended": as_kept(attempt.ended, kept)}
            connection.execute(text(ATTEMPT), values | times | {"outcome": attempt.outcome.value})
    database.close()
    now = EPOCH + timedelta(days=4)
    with Store.open(url, "sandbox") as store:
        tallied = {label: store.tallying.tally(label, EPOCH, now) for label in (Label.CORE, Label.SQLMESH)}
    sums = {label: {tally.asset: (tally.good, tally.valid) for tally in tallies} for label, tallies in tallied.items()}
    assert sums[Label.CORE] == families_by_brute_force(CORE, EPOCH, now)
    assert sums[Label.SQLMESH] == attempts_by_brute_force(MODELS, EPOCH, now)


def test_the_newest_revision_is_the_last_file_of_the_migrations_as_alembic_orders_them():
    assert ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head() == Database("sqlite://").newest_revision()


def test_a_store_of_the_newest_schema_is_opened_without_alembic(url, monkeypatch):
    Database(url).migrate()
    monkeypatch.setattr(command, "upgrade", lambda *_: pytest.fail("nothing is to be upgraded"))
    Database(url).migrate()
    with Database(url).writing() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '0001'"))
    with pytest.raises(pytest.fail.Exception, match="nothing is to be upgraded"):
        Database(url).migrate()
