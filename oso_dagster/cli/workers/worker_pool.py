"""A few processes that run jobs side by side: started, given jobs in the order of their dependencies, stopped.

Which job waits for which is decided in `domain.due.cadence`; what a worker does is in `worker_process`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from types import MappingProxyType
from typing import IO, Any, Protocol

from oso_dagster.cli.workers.errands import Errand
from oso_dagster.cli.workers.guardian import mark_runs
from oso_dagster.cli.workers.job_list import PartitionRequest
from oso_dagster.cli.workers.worker_messages import LOADS, Begin, Call, Doing, Done, Order, Ready, Refused
from oso_dagster.settings import PROJECT_ROOT, SettingsError

_STOP_SECONDS = 3


class WorkersDiedError(Exception):
    """No process is left that could run a job; the message has the last line that one of them printed."""


class ProgressBoard(Protocol):
    """Shows the progress of the jobs."""

    def loaded(self) -> None:
        """The code location is loaded."""

    def job_started(self, job: str) -> None:
        """A worker has started the job."""

    def job_described(self, job: str, words: str) -> None:
        """What the job loads, in words."""

    def job_ended(self, job: str, *, failed: bool) -> None:
        """The job has ended, successfully or not."""


@dataclass(eq=False)
class Worker:
    """One process and its current job: none while `job` is None. It begins to load its code location once, and then is ready."""

    process: subprocess.Popen[bytes]
    connection: Connection
    log: IO[bytes]
    ready: bool = False
    begun: bool = False
    job: str | None = None

    def exit_report(self) -> str:
        """How its process ended, and the last line that it printed."""
        self.log.seek(0)
        lines = [line.strip() for line in self.log.read().decode(errors="replace").splitlines()]
        last = next((line for line in reversed(lines) if line), "it printed nothing")
        return f"its process ended with {self.process.wait()}: {last}"


@contextmanager
def started(count: int, *, loads: bool = False) -> Iterator[list[Worker]]:
    """Start `count` workers, which load the code location meanwhile; after the block they and their children have ended.

    The first one loads all of it; the others, and with `loads` that one too, the part that loads sources, which takes a fraction
    of the time, and the rest when a job needs it.
    """
    workers: list[Worker] = []
    with stopped(workers):
        workers.extend(_start(loads=loads or number > 0) for number in range(count))
        yield workers


@contextmanager
def stopped(workers: list[Worker]) -> Iterator[None]:
    """Stop the workers at the end of the block, which can be before the end of something that was started after them.

    Their connections are closed: a worker without a job ends by itself, one with a job cancels its run first, within seconds.
    The run of one that does not is marked: it ended with the command, and is no failure.
    """
    try:
        yield
    finally:
        at = datetime.now(UTC)
        for worker in workers:
            worker.connection.close()
        until, killed = time.monotonic() + _STOP_SECONDS, []
        while workers:
            worker = workers.pop()
            if _stop(worker, until) and worker.job is not None:
                killed.append(worker.process.pid)
        if killed:
            mark_runs(at, "the command", killed)


def work(
    workers: Sequence[Worker],
    waits: Mapping[str, frozenset[str]],
    partitions: PartitionRequest,
    board: ProgressBoard,
    errands: Mapping[str, Errand] = MappingProxyType({}),
) -> dict[str, Done]:
    """Run every job and errand of `waits`, each after those that it waits for have ended, successfully or not; how each ended.

    Of those that could start, the one that is named first does. Raises SettingsError for unknown jobs and for partitions that a
    job does not have; WorkersDiedError.
    """
    for worker in workers:
        if not worker.begun:
            worker.begun = True
            with suppress(OSError):  # a worker that died is found below
                worker.connection.send(Begin())
    work = _Work(dict(waits), partitions, board, list(workers), errands)
    while work.open or work.under_way:
        work.give()
        work.receive()
    return {job: work.done[job] for job in waits}


@dataclass
class _Work:
    open: dict[str, frozenset[str]]
    partitions: PartitionRequest
    board: ProgressBoard
    workers: list[Worker]
    errands: Mapping[str, Errand]
    done: dict[str, Done] = field(default_factory=dict)

    @property
    def under_way(self) -> bool:
        return any(worker.job for worker in self.workers)

    def give(self) -> None:
        """Give each free worker a job that waits for nothing."""
        for worker in self.workers:
            job = next((job for job, waits in self.open.items() if waits <= self.done.keys()), None)
            if worker.ready and worker.job is None and job is not None:
                del self.open[job]
                worker.job = job
                self.board.job_started(job)
                with suppress(OSError):  # it has died, which `receive` finds
                    worker.connection.send(self._order(job))

    def _order(self, job: str) -> Order | Call:
        return Call(job, self.errands[job].call) if job in self.errands else Order(job, self.partitions)

    def receive(self) -> None:
        """Wait for messages of the workers and act on them."""
        for connection in wait([worker.connection for worker in self.workers]):
            worker = next(worker for worker in self.workers if worker.connection is connection)
            try:
                message = worker.connection.recv()
            except (EOFError, OSError):
                message = None
            if message is None:
                self._lose(worker)
            else:
                self._take(worker, message)

    def _take(self, worker: Worker, message: Any) -> None:
        match message:
            case Ready(jobs):
                worker.ready = True
                self.board.loaded()
                if unknown := [job for job in (*self.open, *self.done) if job not in jobs and job not in self.errands]:
                    raise SettingsError(f"no job is called {', '.join(unknown)}; there are {', '.join(sorted(jobs))}")
            case Doing(words):
                self.board.job_described(str(worker.job), words)
            case Done():
                self._end(worker, message)
            case Refused(why):
                raise SettingsError(why)

    def _end(self, worker: Worker, done: Done) -> None:
        job, worker.job = str(worker.job), None
        self.done[job] = done
        self.board.job_ended(job, failed=bool(done.failures))

    def _lose(self, worker: Worker) -> None:
        """A worker has died: its job has failed, the others go on."""
        self.workers.remove(worker)
        report = worker.exit_report()
        if worker.job is not None:
            self._end(worker, Done((f"{worker.job}: {report}",)))
        if not self.workers and self.open:
            raise WorkersDiedError(f"{', '.join(self.open)} cannot be run: {report}")


def _start(*, loads: bool) -> Worker:
    ours, theirs = Pipe()
    options = [LOADS] if loads else []
    log = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the worker)
    process = subprocess.Popen(
        [sys.executable, "-m", "oso_dagster.cli.workers.worker_process", str(theirs.fileno()), *options],
        cwd=PROJECT_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        pass_fds=[theirs.fileno()],
        start_new_session=True,  # Ctrl-C reaches us, and we end it
    )
    theirs.close()
    return Worker(process, ours, log)


def _stop(worker: Worker, until: float) -> bool:
    """Wait for it to end by itself, if it is ready and may have a run to cancel; then kill it and its child processes.

    Whether it was killed.
    """
    with suppress(subprocess.TimeoutExpired):
        worker.process.wait(max(0, until - time.monotonic()) if worker.ready else 0)
    lived = worker.process.poll() is None
    with suppress(ProcessLookupError):
        os.killpg(worker.process.pid, signal.SIGKILL)
    worker.process.wait()
    worker.log.close()
    return lived
