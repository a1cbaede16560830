"""Keeps the ledger up to date with Dagster's event log: incremental, idempotent, by any number of processes.

Two steps. *Discover*: runs with new asset events, by id cursor with an overlap (ids may commit out of order). *Read*: every
run that is not settled is read whole and its attempts are classified; a run is settled when nothing about it can change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import dagster as dg

from oso_dagster.domain.garbage_collector import no_collections
from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.orchestration.ledger import asset_events, dagster_tables, event_pages
from oso_dagster.orchestration.ledger.asset_events import RunAssets
from oso_dagster.orchestration.ledger.required_proofs import Proofs
from oso_dagster.orchestration.ledger.run_reader import RunReader
from oso_dagster.orchestration.ledger.run_steps import RunLogs
from oso_dagster.reliability.ledger.ledger import Cursor, Ledger

OVERLAP = 1_000
"""Events that are read again at each fill: on PostgreSQL a lower id may become visible after a higher one."""

_RUNS_AT_ONCE = 4_000
"""Read, and written in one transaction: some forty thousand attempts."""


@dataclass(frozen=True)
class FillReport:
    """What one fill did: runs found in the log, runs read, rows handed to the ledger."""

    discovered: int
    runs_read: int
    attempts: int


@dataclass(frozen=True)
class LedgerFill:
    """Fills `ledger` from `instance`. `labels` names every asset that is measured.

    What happened to an asset that this process does not know is recorded without a label, and counts once a process knows it: a
    model may be added while an older process still records. The platform's own assets leave no trace.
    """

    instance: dg.DagsterInstance
    ledger: Ledger
    labels: Mapping[str, Label]
    secrets: Collection[str] = ()
    proofs: Proofs = field(default_factory=Proofs)

    def run(self, now: datetime) -> FillReport:
        """Bring the ledger up to date."""
        reader = RunReader(self.instance, self.ledger, self.labels, self.secrets, self.proofs, now, RunLogs(self.instance))
        order, read_ids, attempts = dict[str, int](), set[str](), 0
        # What was discovered is read before the search goes on: a server writes one part while the next one is read.
        with no_collections(), dagster_tables.few_connections(), self.ledger.recording() as record:
            storage = asset_events.storage_id(self.instance)
            start = self._start(self.ledger.cursor(storage))
            # Asked behind the cursor: of a run that is known by then, the log may hold more than is read from there.
            before = set(self.ledger.unsettled())
            for new, ended in self._discover(storage, start, reader.silent, now):
                of_new = {run_id: assets for run_id, assets in ended.items() if run_id not in before}
                order.update((run_id, place) for place, run_id in enumerate(new, len(order)))
                waiting = [run_id for run_id in self.ledger.unsettled() if run_id not in read_ids]
                # In the order of the log: it is read from front to back, and a retry comes after what it retries.
                waiting.sort(key=lambda run_id: order.get(run_id, -1))
                for start in range(0, len(waiting), _RUNS_AT_ONCE):
                    batch = reader.read(waiting[start : start + _RUNS_AT_ONCE], of_new)
                    record(batch.runs, batch.attempts, batch.good)
                    attempts += len(batch.attempts) + len(batch.good)
                read_ids.update(waiting)
        self.ledger.label(self.labels)
        return FillReport(len(order), len(read_ids), attempts)

    def _discover(
        self, storage: str, start: int, silent: Collection[str], now: datetime
    ) -> Iterator[tuple[list[str], dict[str, RunAssets]]]:
        """The runs with events behind `start`, page by page in the order of the log, and what those made that ended in the page.

        At least one page, which may be empty.
        """
        discovered = set[str]()
        for page in event_pages.pages_after(self.instance, start, silent):
            # A run goes on from page to page, and its row may be written just now: asked for again, it would be waited for.
            new = [run_id for run_id in page.run_ids if run_id not in discovered]
            self.ledger.discover(storage, Cursor(page.last, page.anchor), sorted(new), now)
            discovered.update(new)
            yield new, page.ended
        if not discovered:
            yield [], {}

    def _start(self, cursor: Cursor | None) -> int:
        """Where to read from: SQLite gives the ids of deleted events out again, so a log without our anchor is read anew."""
        if cursor is None:
            return 0
        unbroken = event_pages.event_fingerprint_at(self.instance, cursor.position) == cursor.anchor
        return max(0, cursor.position - OVERLAP) if unbroken else 0
