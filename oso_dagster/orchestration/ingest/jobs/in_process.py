"""Jobs run in this very process, one run after the other, on a persistent instance: for the command line.

Which runs a load is made of is decided in `domain.due.cadence`; what is materialized already is asked of Dagster's
instance.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import redirect_stderr
from datetime import UTC, datetime, timedelta
from io import StringIO
from uuid import uuid4

import dagster as dg

from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import Source
from oso_dagster.domain.due.run_limits import RunLimit, limit_of_job
from oso_dagster.orchestration import labels
from oso_dagster.orchestration.ingest.jobs.limit_tags import limit_tags
from oso_dagster.orchestration.ingest.jobs.schedules import partition_tags
from oso_dagster.orchestration.ingest.jobs.under_way import PARTITION_TAG

REPOSITORY_TAG = ".dagster/repository"
REPOSITORY = "__repository__@oso_dagster"
"""The code location of `workspace.yaml`: by this tag Dagster's home page and the page of a job find the runs of its jobs."""


class Runner:
    """Runs the jobs of `definitions` on `instance`, one at a time. The definitions may be replaced between two of them."""

    def __init__(self, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self.definitions = definitions
        self.instance = instance
        self.running: str | None = None
        """The id of the run that is under way."""
        self._ends: tuple[float, timedelta] | None = None

    def run(
        self, name: str, windows: Sequence[Window] = (), due_at: datetime | None = None, limit: RunLimit | None = None
    ) -> list[str]:
        """Run a job once, for `windows` of its partitions, which follow each other; the messages of what failed.

        What is due is judged as of `due_at`. Past its `limit`, by default that of its name, the run is `overdue`.
        """
        limit = limit or limit_of_job(name)
        tags = {REPOSITORY_TAG: REPOSITORY} | (partition_tags(windows) if windows else {}) | limit_tags(limit)
        tags |= {labels.DUE_AT_TAG: due_at.isoformat()} if due_at else {}
        for talker in ("dagster", "sqlmesh"):  # their messages are in the log of the run
            logging.getLogger(talker).setLevel(logging.CRITICAL)
        self.running = str(uuid4())
        self._ends = (time.monotonic() + limit.maximum.total_seconds(), limit.maximum)
        try:
            with redirect_stderr(StringIO()) as output:
                result = self.definitions.resolve_job_def(name).execute_in_process(
                    instance=self.instance,
                    raise_on_error=False,
                    run_id=self.running,
                    partition_key=tags.pop(PARTITION_TAG, None),
                    tags=tags,
                    run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                )
        finally:
            self.running = self._ends = None
        if result.success:
            return []
        return failures_of(result) or [f"{name}: {output.getvalue().strip()}"]

    def cancel(self, why: str) -> None:
        """Tell the instance that the run under way, whose thread is about to end with its process, was canceled."""
        run = self.instance.get_run_by_id(self.running) if self.running else None
        if run is not None and not run.is_finished:
            self.instance.report_run_canceled(run, why)

    def overdue(self) -> timedelta | None:
        """The maximum of the run under way, where it takes longer."""
        ends = self._ends
        return ends[1] if ends is not None and time.monotonic() > ends[0] else None

    def fail(self, why: str) -> None:
        """The same of a run that has failed by this."""
        run = self.instance.get_run_by_id(self.running) if self.running else None
        if run is not None and not run.is_finished:
            self.instance.report_run_failed(run, why)


def last_loads(instance: dg.DagsterInstance, sources: Sequence[Source]) -> dict[str, datetime]:
    """When each table was last materialized, by `source/table`; those that never were are left out."""
    keys = [labels.asset_key(source, table) for source in sources for table in source.tables]
    events = instance.get_latest_materialization_events(keys)
    return {key.to_user_string(): datetime.fromtimestamp(event.timestamp, UTC) for key, event in events.items() if event}


def failures_of(result: dg.ExecuteInProcessResult) -> list[str]:
    """One line per failed step: the innermost error's message, without its trace."""
    return [_words(event) for event in result.all_events if event.is_step_failure]


def _words(event: dg.DagsterEvent) -> str:
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    message = error.message.strip() if error is not None else event.message or "no reason was given"
    return message.removeprefix("dagster._core.definitions.events.Failure: ")
