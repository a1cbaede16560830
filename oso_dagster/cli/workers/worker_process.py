"""A process that runs jobs for `worker_pool`, one at a time: `python -m oso_dagster.cli.workers.worker_process CONNECTION_FD`.

It says when it is ready and what it does, and does what it is told to. When whoever started it hangs up, or is gone, it ends at
once, wherever the run stands: the rows that readers see are the old ones, and Dagster is told that the run was canceled.
"""

from __future__ import annotations

import os
import sys
from multiprocessing.connection import Connection
from threading import Thread
from typing import TYPE_CHECKING

from oso_dagster.cli.workers.job_list import loads, told
from oso_dagster.cli.workers.worker_messages import Begin, Doing, Done, Order, Ready, Refused
from oso_dagster.settings import Settings, SettingsError, read_settings
from oso_dagster.sources import catalogue

if TYPE_CHECKING:
    from oso_dagster.orchestration.ingest.in_process import Runner


def work(connection: Connection) -> None:
    """Serve whoever holds the other end until they hang up."""
    import dagster as dg  # noqa: PLC0415  (slow to load: while the world is made)

    from oso_dagster.definitions import build  # noqa: PLC0415
    from oso_dagster.orchestration.ingest.in_process import Runner  # noqa: PLC0415

    if _heard(connection) is None:
        return
    settings = read_settings(catalogue())
    try:
        definitions = build(settings)
    except SettingsError as error:
        connection.send(Refused(str(error)))
        return
    with dg.DagsterInstance.get() as instance:
        connection.send(Ready(frozenset(job.name for job in definitions.resolve_all_job_defs())))
        runner = Runner(definitions, instance)
        while isinstance(order := _heard(connection), Order):
            Thread(target=_perform, args=(connection, settings, runner, order), daemon=True).start()
        if runner.running:  # nobody waits for it any more, and a thread cannot be ended
            runner.cancel("whoever started it has ended")
            os._exit(1)


def _heard(connection: Connection) -> Begin | Order | None:
    """What came; None when the other end has hung up."""
    try:
        message: Begin | Order = connection.recv()
    except (EOFError, OSError):
        return None
    return message


def _perform(connection: Connection, settings: Settings, runner: Runner, order: Order) -> None:
    """Every run that a job needs now."""
    failures: list[str] = []
    try:
        job = loads(settings).get(order.job)
        if job is None or job.partitions is None:
            failures += runner.run(order.job)
        else:
            wanted = order.asked.of(job, runner.present(job))
            connection.send(Doing(told(wanted)))
            for windows in wanted.runs:
                failures += runner.run(order.job, windows)
        connection.send(Done(tuple(failures)))
    except SettingsError as error:
        connection.send(Refused(str(error)))
    except Exception as error:  # noqa: BLE001  (told to whoever waits for it)
        connection.send(Done((*failures, f"{order.job}: {type(error).__name__}: {error}")))


if __name__ == "__main__":
    work(Connection(int(sys.argv[1])))
