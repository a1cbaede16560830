"""A process that runs jobs for `worker_pool`, one at a time: `python -m oso_dagster.cli.workers.worker_process FD [loads]`.

FD is that of its connection; with `loads` it begins with the jobs that load sources, and reads no models for that.

It reports when it is ready and what it loads, and runs the jobs that it is sent. When the process that started it closes the
connection, or has ended, it ends at once, wherever the run is: readers keep the old rows, Dagster records the run as canceled.
"""

from __future__ import annotations

import gc
import os
import sys
from multiprocessing.connection import Connection
from threading import Thread
from typing import TYPE_CHECKING

from oso_dagster.cli.session.terminal import say
from oso_dagster.cli.workers.code_location import CodeLocation, import_code
from oso_dagster.cli.workers.job_list import all_jobs, backfill_text, ingest_jobs
from oso_dagster.cli.workers.worker_messages import LOADS, Begin, Call, Doing, Done, Order, Ready, Refused
from oso_dagster.domain.due.run_limits import limit_of_job, limit_of_load
from oso_dagster.domain.durations import duration
from oso_dagster.settings import SettingsError, read_settings
from oso_dagster.sources import catalogue

if TYPE_CHECKING:
    from oso_dagster.orchestration.ingest.jobs.in_process import Runner

_LOOK_SECONDS = 5
_YOUNG_OBJECTS = 10_000
"""New objects between two collections of garbage: Python's own 700 suit programs that make few."""


def work(connection: Connection, *, loads: bool = False) -> None:
    """Run the jobs that come over the connection until the other end closes it.

    With `loads` those that load sources are there first, and the others when one is asked for (`code_location`).
    """
    import dagster as dg  # noqa: PLC0415  (slow to load: while the world is made)

    gc.set_threshold(_YOUNG_OBJECTS)
    from oso_dagster.orchestration.ingest.jobs.in_process import Runner  # noqa: PLC0415

    import_code(loads=loads)
    if _receive(connection) is None:
        return
    settings = read_settings(catalogue())
    code = CodeLocation(settings, loads=loads)
    try:
        definitions = code.of(load=True)
    except SettingsError as error:
        connection.send(Refused(str(error)))
        return
    gc.freeze()  # definitions live as long as the process
    with dg.DagsterInstance.get() as instance:
        there = frozenset(job.name for job in definitions.resolve_all_job_defs())
        connection.send(Ready(there | all_jobs(settings).keys() if loads else there))
        runner = Runner(definitions, instance)
        while isinstance(order := _next_order(connection, runner), Order | Call):
            Thread(target=_perform, args=(connection, code, runner, order), daemon=True).start()
        if runner.running:  # nobody waits for it any more, and a thread cannot be ended
            runner.cancel("the process that started it has ended")
            os._exit(1)


def _next_order(connection: Connection, runner: Runner) -> Begin | Order | Call | None:
    """The next message; a run that reaches its maximum meanwhile has failed, and this process ends with it."""
    while not connection.poll(_LOOK_SECONDS):
        if maximum := runner.overdue():
            why = f"the run took longer than its maximum of {duration(maximum)}"
            runner.fail(why)
            say(why)  # the last line, which the worker pool reports
            os._exit(1)
    return _receive(connection)


def _receive(connection: Connection) -> Begin | Order | Call | None:
    """The next message; None when the other end has closed the connection."""
    try:
        message: Begin | Order | Call = connection.recv()
    except (EOFError, OSError):
        return None
    return message


def _perform(connection: Connection, code: CodeLocation, runner: Runner, order: Order | Call) -> None:
    """Every run that a job needs now, or a call."""
    failures: list[str] = []
    settings = code.settings
    try:
        if isinstance(order, Call):
            connection.send(order.function(settings))
            return
        job = ingest_jobs(settings).get(order.job)
        runner.definitions = code.of(load=job is not None)
        if job is None or job.partitions is None:
            limit = limit_of_job(order.job) if job is None else limit_of_load(job)
            failures += runner.run(order.job, due_at=order.partitions.began, limit=limit)
        else:
            from oso_dagster.orchestration.ingest.jobs.present import present_partitions  # noqa: PLC0415  (Dagster is slow to load)

            wanted = order.partitions.of(job, present_partitions(settings, job, runner.instance).kept)
            connection.send(Doing(backfill_text(wanted)))
            for windows in wanted.runs:
                failures += runner.run(order.job, windows, order.partitions.began, limit_of_load(job, len(windows)))
        connection.send(Done(tuple(failures)))
    except SettingsError as error:
        connection.send(Refused(str(error)))
    except Exception as error:  # noqa: BLE001  (reported to the worker pool)
        connection.send(Done((*failures, f"{order.job}: {type(error).__name__}: {error}")))


if __name__ == "__main__":
    work(Connection(int(sys.argv[1])), loads=LOADS in sys.argv[2:])
