"""A Dagster event log of the size of a month, made in seconds: Dagster's own events of two small runs, varied and inserted.

36 runs an hour of 14 assets each. Every fourteenth asset fails now and then; a failed run is retried by itself once, and two
retries of three succeed. Logs of whole runs are written for those that failed and for the newest hour: of the others, only
the events that Dagster keeps for all runs together.
"""

from __future__ import annotations

import csv
import json
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from io import StringIO
from pathlib import Path
from random import Random
from uuid import UUID

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster._core.snap import ExecutionPlanSnapshot
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage

ASSETS, PER_RUN, FAILING = 500, 14, 0.03
RUN, AT, SECONDS = "01234567-89ab-cdef-0123-456789abcdef", "2002-01-01 00:00:00.000000", 1009843200.0
COLUMNS = ("run_id", "event", "dagster_event_type", "timestamp", "step_key", "asset_key", "partition")
RECORD = (
    "run_id",
    "snapshot_id",
    "pipeline_name",
    "status",
    "run_body",
    "create_timestamp",
    "update_timestamp",
    "start_time",
    "end_time",
)
MIRRORED = {"ASSET_MATERIALIZATION_PLANNED", "ASSET_MATERIALIZATION", "PIPELINE_START", "PIPELINE_SUCCESS", "PIPELINE_FAILURE"}
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
NAMES = [f"t{number:03}" for number in range(ASSETS)]

Row = tuple[object, ...]


@dataclass
class Template:
    """The events of one real run, in its time and under its name, as rows; its record, and its plan."""

    rows: list[Row]
    record: Row
    plan: ExecutionPlanSnapshot


def job_of(names: list[str], failing: str | None) -> dg.JobDefinition:
    """A job of plain assets; one of them may fail."""

    def asset_of(name: str) -> dg.AssetsDefinition:
        @dg.asset(key=["shop", name])
        def _asset() -> dg.MaterializeResult:
            if name == failing:
                raise ValueError("the till is stuck")
            return dg.MaterializeResult(metadata={"dagster/row_count": 10})

        return _asset

    jobs = [dg.define_asset_job("ingest", selection="*")]
    assets = [asset_of(name) for name in names]
    return dg.Definitions(assets=assets, jobs=jobs, executor=dg.in_process_executor).resolve_job_def("ingest")


def template_of(failing: str | None, names: list[str]) -> Template:
    """Run `names` once, really."""
    with tempfile.TemporaryDirectory() as folder, dg.instance_for_test(temp_dir=folder) as instance:
        job = job_of(names, failing)
        created = instance.create_run_for_job(job, run_id=RUN, run_config=QUIET)
        execute_run(InMemoryJob(job), created, instance, raise_on_error=False)
        with closing(sqlite3.connect(instance.event_log_storage.path_for_shard(RUN))) as shard:
            rows = shard.execute(f"SELECT {', '.join(COLUMNS)} FROM event_logs ORDER BY id").fetchall()
        with closing(sqlite3.connect(Path(folder) / "history" / "runs.db")) as runs:
            record = runs.execute(f"SELECT {', '.join(RECORD)} FROM runs").fetchone()
        plan = instance.get_execution_plan_snapshot(created.execution_plan_snapshot_id)
    return Template([_without_time(row) for row in rows], record, plan)


def _without_time(row: Row) -> Row:
    event = json.loads(str(row[1]))
    event["timestamp"] = SECONDS
    return (RUN, json.dumps(event), row[2], AT, *row[4:])


@dataclass
class Generator:
    """Writes hours into the storage of `instance`; `runs` and `planned` say what was written."""

    instance: dg.DagsterInstance
    dice: Random = field(default_factory=lambda: Random(1))
    runs: int = 0
    planned: int = 0
    retries: int = 0

    @cached_property
    def good(self) -> Template:
        """A run of fourteen assets that succeeded."""
        return template_of(None, NAMES[:PER_RUN])

    @cached_property
    def bad(self) -> Template:
        """The same with one that failed."""
        return template_of(NAMES[0], NAMES[:PER_RUN])

    @cached_property
    def retry(self) -> dict[bool, Template]:
        """A run of the one asset that failed, by whether it fails again."""
        return {fails: template_of(NAMES[0] if fails else None, NAMES[:1]) for fails in (False, True)}

    def write(self, begin: datetime, hours: int, *, logs: bool = False) -> None:
        """`hours` hours from `begin` on; with `logs` the logs of good runs too."""
        records, tags, events, whole = [], [], [], []
        for hour in range(hours):
            at = begin + timedelta(hours=hour)
            for start in range(0, ASSETS, PER_RUN):
                names = NAMES[start : start + PER_RUN]
                fails = self.dice.random() < FAILING * len(names)
                chosen = self.dice.sample(names, len(names))  # the first one fails
                first = self._run(self.bad if fails else self.good, chosen, at, records, events, whole if fails or logs else None)
                if fails:
                    again = self.dice.random() < 1 / 3
                    later = at + timedelta(minutes=5)
                    second = self._run(self.retry[again], chosen[:1], later, records, events, whole if again or logs else None)
                    self.retries += 1
                    tags += [(first, "dagster/will_retry", "true"), (first, "dagster/auto_retry_run_id", second)]
                    tags += [(second, "dagster/parent_run_id", first), (second, "dagster/root_run_id", first)]
                    tags += [(second, "dagster/retry_number", "1"), (second, "dagster/will_retry", "false")]
        for template in (self.good, self.bad, *self.retry.values()):
            self.instance.run_storage.add_execution_plan_snapshot(template.plan)
        if isinstance(self.instance.event_log_storage, SqliteEventLogStorage):
            self._to_files(records, tags, events, whole)
        else:
            self._to_server(records, tags, [*events, *(row for rows in whole for row in rows if row[2] not in MIRRORED)])

    def _run(self, template, names, at, records, events, whole) -> str:
        run_id = str(UUID(int=self.dice.getrandbits(128), version=4))
        time_text, seconds = at.strftime("%Y-%m-%d %H:%M:%S.%f"), str(at.timestamp())
        slots = dict(zip(NAMES, names, strict=False))
        rows = []
        for _, event, kind, _, step, key, partition in template.rows:
            slot = step[-4:] if step else NAMES[0] if kind == "PIPELINE_FAILURE" else None  # the first one has failed
            if (kind in MIRRORED or whole is not None) and (slot is None or slot in slots):
                text = event.replace(RUN, run_id).replace("1009843200.0", seconds)
                name = slots[slot] if slot else ""
                named = [part and slot and part.replace(slot, name) for part in (step, key)]
                rows.append((run_id, text.replace(slot, name) if slot else text, kind, time_text, *named, partition))
        events += [row for row in rows if row[2] in MIRRORED]
        if whole is not None:
            whole.append(rows)
        _, _, job, status, body, *_ = template.record
        ended = (at + timedelta(seconds=60)).strftime("%Y-%m-%d %H:%M:%S.%f")
        records.append(
            (run_id, None, job, status, body.replace(RUN, run_id), time_text, ended, at.timestamp(), at.timestamp() + 60)
        )
        self.runs, self.planned = self.runs + 1, self.planned + len(names)
        return run_id

    def _to_files(self, records, tags, events, whole) -> None:
        storage = self.instance.event_log_storage
        folder = Path(storage.path_for_shard("index")).parent
        with closing(sqlite3.connect(folder.parent / "runs.db")) as runs:
            _insert(runs, "runs", RECORD, records)
            _insert(runs, "run_tags", ("run_id", "key", "value"), tags)
        with closing(sqlite3.connect(folder / "index.db")) as index:
            _insert(index, "event_logs", COLUMNS, events)
            self._asset_keys(index.execute)
            index.commit()
        for rows in whole:
            shard = folder / f"{rows[0][0]}.db"
            shard.write_bytes(self._empty_log)
            with closing(sqlite3.connect(shard)) as log:
                log.execute("PRAGMA journal_mode=OFF")
                _insert(log, "event_logs", COLUMNS, rows)

    @cached_property
    def _empty_log(self) -> bytes:
        """The file of a run's log as Dagster makes it, without its events."""
        storage = self.instance.event_log_storage
        with storage.run_connection(RUN):
            pass
        empty = Path(storage.path_for_shard(RUN))
        with closing(sqlite3.connect(empty)) as log:
            log.execute("PRAGMA journal_mode=DELETE")
        content = empty.read_bytes()
        empty.unlink()
        return content

    def _to_server(self, records, tags, events) -> None:
        with self.instance.run_storage.connect() as connection:
            _copy(connection, "runs", RECORD, records)
            _copy(connection, "run_tags", ("run_id", "key", "value"), tags)
        with self.instance.event_log_storage.index_connection() as connection:
            _copy(connection, "event_logs", COLUMNS, events)
            self._asset_keys(connection.exec_driver_sql)
        with self.instance.event_log_storage.index_connection() as connection:
            for table in ("runs", "run_tags", "event_logs"):
                connection.exec_driver_sql(f"ANALYZE {table}")

    def _asset_keys(self, execute) -> None:
        for name in NAMES:
            key = f'["shop", "{name}"]'
            execute(
                "INSERT INTO asset_keys (asset_key, last_materialization_timestamp) "
                f"SELECT '{key}', '{datetime.now(UTC):%Y-%m-%d %H:%M:%S}' "
                f"WHERE NOT EXISTS (SELECT 1 FROM asset_keys WHERE asset_key = '{key}')"
            )


def _insert(connection: sqlite3.Connection, table: str, columns: tuple[str, ...], rows: list[Row]) -> None:
    connection.execute("PRAGMA synchronous=OFF")
    marks = ", ".join("?" * len(columns))
    connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)
    connection.commit()


def _copy(connection, table: str, columns: tuple[str, ...], rows: list[Row]) -> None:
    file = StringIO()
    csv.writer(file).writerows(rows)
    file.seek(0)
    cursor = connection.connection.cursor()
    cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN WITH (FORMAT csv)", file)
    cursor.close()
