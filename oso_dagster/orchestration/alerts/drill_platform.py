"""A drill: a small platform of its own in which one core table fails, with real runs and the real round of alerting.

Its ledger begins with a month in which everything was loaded well; its store, warehouse and Dagster lie in a folder that is
thrown away. No clock is changed: rounds are asked for a later hour, as far ahead as the drill says. The story is `cli.drill`'s.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg

from oso_dagster.domain.catalogue.declared_tables import by_asset
from oso_dagster.domain.catalogue.source import Source, Table
from oso_dagster.domain.catalogue.table_names import asset_name
from oso_dagster.domain.objectives.attempts import Attempt, Label, Outcome, RunState
from oso_dagster.orchestration.alerts.alert_round import run_round
from oso_dagster.orchestration.clock import utc_now
from oso_dagster.orchestration.ingest.jobs.in_process import Runner
from oso_dagster.orchestration.ingest.table_assets import ingest_assets
from oso_dagster.orchestration.objectives.watched_platform import Platform
from oso_dagster.orchestration.watch.incident_round import send
from oso_dagster.reliability.ledger.ledger import Cursor, RunRow
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Profile, Settings

DAYS = 30
"""How many days of good loads the ledger begins with: the window of the objectives."""

AHEAD = timedelta(hours=3)
"""Partitions that become available so soon are there: a drill goes less far ahead, and is about one table only."""

_JOB = "drill"


@dataclass
class Drill:
    """The platform of a drill; `ahead` is how much later than the clock its rounds are asked for."""

    platform: Platform
    store: Store
    instance: dg.DagsterInstance
    definitions: dg.Definitions
    log: logging.Logger
    ahead: timedelta = field(default=timedelta(0))

    def now(self) -> datetime:
        """The hour that the rounds are asked for."""
        return utc_now() + self.ahead

    def load(self) -> list[str]:
        """Load the table in a run of its own; the messages of what failed."""
        return Runner(self.definitions, self.instance).run(_JOB)

    def round(self) -> int:
        """One round of alerting, as the sensor does it; how many messages were sent, those in the log included."""
        run_round(self.platform, self.store, self.instance, self.now())
        return send(self.platform.settings, self.store, self.log, self.now).sent


@contextmanager
def drilling(settings: Settings, sources: Sequence[Source], source: Source, good: datetime) -> Iterator[Drill]:
    """A platform under the home of `settings`, where the tables of `source` were last loaded at `good`, all others just now."""
    now = utc_now()
    assets = ingest_assets(settings, [source])
    job = dg.define_asset_job(_JOB, selection=dg.AssetSelection.assets(*assets))
    definitions = dg.Definitions(assets=assets, jobs=[job], executor=dg.in_process_executor)
    checks = [key for asset in assets for key in sorted(asset.check_keys)]
    home = settings.dagster_home
    home.mkdir(parents=True)
    (home / "dagster.yaml").touch()  # Dagster's own defaults, without its message that they are
    with (
        Store.open(settings.reliability_store_url, settings.world.value) as store,
        dg.DagsterInstance.local_temp(str(home)) as instance,
    ):
        store.results.remember_assets(by_asset(sources).keys(), now - DAYS * timedelta(days=1))
        _remember(store, [attempt for each in sources for attempt in history(each, good if each is source else now, now)], now)
        yield Drill(Platform(settings, sources, [], checks), store, instance, definitions, _silent_log())


def history(source: Source, newest: datetime, now: datetime) -> list[Attempt]:
    """Good loads of the tables of a source: of each day up to `newest`; of every partition that is available, or soon will be."""
    return [
        Attempt(
            run_id=f"past-{at:%Y%m%d}",
            asset=asset_name(source.name, table.name),
            partition=partition,
            label=Label(source.stability.value),
            outcome=Outcome.OK,
            family=f"past-{at:%Y%m%d}",
            started=at,
            ended=at,
            audited=True,
        )
        for table in source.tables
        for partition, at in _loads(table, newest, now)
    ]


def _loads(table: Table, newest: datetime, now: datetime) -> list[tuple[str | None, datetime]]:
    if table.partitions is not None:
        return [(window.key, newest) for window in table.partitions.available(now + AHEAD)]
    return [(None, newest - number * timedelta(days=1)) for number in range(DAYS)]


def _remember(store: Store, attempts: Sequence[Attempt], now: datetime) -> None:
    runs = sorted({attempt.run_id for attempt in attempts})
    store.ledger.discover("before the drill", Cursor(0, ""), runs, now)
    rows = [RunRow(run, run, RunState.SUCCEEDED, will_retry=False, settled=True) for run in runs]
    store.ledger.record(rows, attempts)


def _silent_log() -> logging.Logger:
    """The channel `log` of a drill, which prints nothing: the same messages go to Discord."""
    log = logging.getLogger("oso.drill")
    log.addHandler(logging.NullHandler())
    log.propagate = False
    return log


def thrown_away(settings: Settings, folder: Path, **more: object) -> Settings:
    """The settings with everything that they keep in `folder` instead, and without quiet hours."""
    own = {"home": folder, "profile": Profile.EMBEDDED, "reliability_url": None, "status_url": None, "discord_channels": None}
    alerting = {"alert_quiet_hours": "", "public_status_url": settings.status_address}
    return settings.model_copy(update=own | alerting | more)
