"""The reliability store: opened, brought to the newest schema, and bound to one world.

`ledger` holds attempts, `samples` what others report, `comparisons` second counts, `results` what evaluation found; the methods
here are what readers such as the status page need.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from sqlalchemy import select

from oso_dagster.domain.objectives.attempts import Attempt, Label
from oso_dagster.domain.objectives.freshness import Freshness
from oso_dagster.reliability.alerts.channel_states import Channels
from oso_dagster.reliability.alerts.heartbeat_rows import Heartbeats
from oso_dagster.reliability.alerts.incident_memory import Incidents
from oso_dagster.reliability.alerts.outbox import Outbox
from oso_dagster.reliability.alerts.sprints import Sprints
from oso_dagster.reliability.database import Database, insert_into
from oso_dagster.reliability.ledger.comparisons import Comparisons
from oso_dagster.reliability.ledger.counted_events import Events
from oso_dagster.reliability.ledger.daily_rollup import DailyRollup
from oso_dagster.reliability.ledger.ledger import Ledger
from oso_dagster.reliability.ledger.maintenance_windows import Maintenances
from oso_dagster.reliability.ledger.samples import Samples
from oso_dagster.reliability.ledger.tallying import Tallying
from oso_dagster.reliability.probe_results import ProbeResults
from oso_dagster.reliability.public_notices import PublicNotices
from oso_dagster.reliability.query_ends import QueryEnds
from oso_dagster.reliability.results import Results, VerdictRow
from oso_dagster.reliability.tables import identity


class WrongWorldError(Exception):
    """The store was made in another world; its history must not be mixed with this one's."""


@dataclass(frozen=True)
class FreshnessRow:
    """One asset ready to be shown: its last good materialization, the rows it had, and whether it is as fresh as promised."""

    asset: str
    last_good: datetime | None
    rows: int | None
    within: timedelta | None
    freshness: Freshness | None
    evaluated_at: datetime


class Store:
    """The reliability store of one world. Use `Store.open`; it may be used as a context manager."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ledger = Ledger(database)
        self.results = Results(database)
        self.samples = Samples(database)
        self.comparisons = Comparisons(database)
        self.maintenance = Maintenances(database)
        self.tallying = Tallying(database)
        self.rollup = DailyRollup(database)
        self.events = Events(database, self.samples)
        self.sprints = Sprints(database)
        self.incidents = Incidents(database)
        self.heartbeats = Heartbeats(database)
        self.outbox = Outbox(database)
        self.channels = Channels(database)
        self.query_ends = QueryEnds(database)
        self.probe_results = ProbeResults(database)
        self.public_notices = PublicNotices(database)

    @classmethod
    def open(cls, url: str, world: str) -> Self:
        """Open (and create or migrate) the store at an SQLAlchemy URL. Raises WrongWorldError for another world's store."""
        store = cls(Database(url))
        store.migrate()
        store._bind(world)
        return store

    def migrate(self) -> None:
        """Upgrade the schema to the newest revision."""
        self.database.migrate()

    def latest_verdicts(self, until: datetime | None = None) -> list[VerdictRow]:
        """The newest verdict, up to `until`, of every objective ever evaluated."""
        return self.results.latest_verdicts(until)

    def attempts(
        self, label: Label | None = None, since: datetime | None = None, assets: Collection[str] | None = None
    ) -> list[Attempt]:
        """Attempts of a label that ended after `since` or have not ended, oldest first."""
        return self.ledger.attempts(label, since, assets)

    def freshness(self) -> list[FreshnessRow]:
        """Every source asset that was ever evaluated, by name."""
        good = self.ledger.last_good()
        return [
            FreshnessRow(
                asset=row.asset,
                last_good=good[row.asset].at if row.asset in good else None,
                rows=good[row.asset].rows if row.asset in good else None,
                within=row.within,
                freshness=row.freshness,
                evaluated_at=row.evaluated_at,
            )
            for row in self.results.freshness()
        ]

    def close(self) -> None:
        """Give back all connections."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _bind(self, world: str) -> None:
        with self.database.writing() as connection:
            connection.execute(insert_into(connection, identity).values(id=1, world=world).on_conflict_do_nothing())
            stored = connection.execute(select(identity.c.world)).scalar_one()
        if stored != world:
            raise WrongWorldError(
                f"{self.database.address} holds the {stored} world, not {world}: "
                f"set OSO_WORLD={stored}, or point OSO_RELIABILITY_URL at a store of its own"
            )
