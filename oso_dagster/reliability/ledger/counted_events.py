"""The single events behind an objective: what was counted, when, and why it was bad. For explanations and recovery dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.budget import Count
from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.domain.objectives.slo import Objective
from oso_dagster.reliability.database import Database
from oso_dagster.reliability.ledger.rollup_reader import Span, attempts_in
from oso_dagster.reliability.ledger.samples import Samples
from oso_dagster.reliability.ledger.tallying import inside
from oso_dagster.reliability.tables import attempts


@dataclass(frozen=True)
class CountedEvent:
    """One counted event; `asset` is the slice of a sample, which has no run."""

    asset: str
    count: Count
    cause: str = ""
    run_id: str = ""
    partition: str | None = None


class Events:
    """Reads events from the ledger and the samples."""

    def __init__(self, database: Database, samples: Samples) -> None:
        self._database = database
        self._samples = samples

    def of(self, objective: Objective, since: datetime, now: datetime, windows: Sequence[Maintenance] = ()) -> list[CountedEvent]:
        """What an objective with a window counts in (since, now], without what `windows` cover, oldest first."""
        label = objective.label
        events = self._sampled(objective, since, now) if label is None else self._counted(label, since, now)
        kept = [
            event
            for event in events
            if not any(window.covers(objective.service, objective.name, event.asset, event.count.at) for window in windows)
        ]
        return sorted(kept, key=lambda event: (event.count.at, event.asset))

    def _sampled(self, objective: Objective, since: datetime, now: datetime) -> list[CountedEvent]:
        samples = self._samples.all(objective.service, objective.name, since, now)
        return [CountedEvent(sample.slice, sample.count, sample.cause) for sample in samples]

    def _counted(self, label: Label, since: datetime, now: datetime) -> list[CountedEvent]:
        query = (
            select(attempts.c.asset, attempts.c.partition, attempts.c.run_id, attempts.c.cause)
            .add_columns(attempts.c.counted, attempts.c.counted_at)
            .where(*inside(label, since, now, (), set()))
        )
        with self._database.reading() as connection:
            kept = [
                CountedEvent(row.asset, Count(row.counted_at, row.counted, 1), row.cause, row.run_id, row.partition or None)
                for row in connection.execute(query)
            ]
            span = Span(since, now)
            old = list(attempts_in(connection, label, span)) if span.touches(connection) else []
        return kept + [
            CountedEvent(row["asset"], Count(row["counted_at"], row["counted"], 1), run_id=row["run_id"]) for row in old
        ]
