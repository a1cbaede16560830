"""A few processes that run jobs side by side: hired, given work in an order that respects what waits for what, dismissed.

Which job waits for which is decided in `domain.catalogue.cadence`; what a worker does is `worker`'s.
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
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import IO, Any, Protocol

from oso_dagster.cli.workers.job_list import Asked
from oso_dagster.cli.workers.worker_messages import Begin, Doing, Done, Order, Ready, Refused
from oso_dagster.settings import PROJECT_ROOT, SettingsError

_STOP_SECONDS = 3


class WorkersDiedError(Exception):
    """No process is left that could run a job; the message says what the last one said."""


class Board(Protocol):
    """Who is shown how the work goes on."""

    def loaded(self) -> None:
        """The code location is loaded."""

    def began(self, job: str) -> None:
        """A worker has begun a job."""

    def said(self, job: str, words: str) -> None:
        """What the job loads."""

    def ended(self, job: str) -> None:
        """The job has ended, well or not."""


@dataclass(eq=False)
class Worker:
    """One process, and what it is at: nothing while `job` is None. It is ready once its code location is loaded."""

    process: subprocess.Popen[bytes]
    connection: Connection
    log: IO[bytes]
    ready: bool = False
    job: str | None = None

    def told(self) -> str:
        """The last line that it wrote, and how it ended."""
        self.log.seek(0)
        lines = [line.strip() for line in self.log.read().decode(errors="replace").splitlines()]
        last = next((line for line in reversed(lines) if line), "it said nothing")
        return f"its process ended with {self.process.wait()}: {last}"


@contextmanager
def hired(count: int) -> Iterator[list[Worker]]:
    """So many workers, who load what they need meanwhile; at the end of the block they and all they started are gone."""
    workers: list[Worker] = []
    with dismissed(workers):
        workers.extend(_hire() for _ in range(count))
        yield workers


@contextmanager
def dismissed(workers: list[Worker]) -> Iterator[None]:
    """At the end of the block the workers are gone: before what they work with, where that began after them.

    They are hung up on: one without a job ends by itself, one with a job cancels its run first. None is waited for long.
    """
    try:
        yield
    finally:
        for worker in workers:
            worker.connection.close()
        until = time.monotonic() + _STOP_SECONDS
        while workers:
            _end(workers.pop(), until)


def work(workers: Sequence[Worker], waits: Mapping[str, frozenset[str]], asked: Asked, board: Board) -> list[str]:
    """Have every job of `waits` run, each once those that it waits for have ended, well or not; what failed, in words.

    Raises SettingsError for jobs that are not there, or that cannot be run as asked; WorkersDiedError.
    """
    for worker in workers:
        with suppress(OSError):  # one that died is met below
            worker.connection.send(Begin())
    work = _Work(dict(waits), asked, board, list(workers))
    while work.open or work.under_way:
        work.give()
        work.hear()
    return [failure for job in waits for failure in work.failures.get(job, ())]


@dataclass
class _Work:
    open: dict[str, frozenset[str]]
    asked: Asked
    board: Board
    workers: list[Worker]
    ended: set[str] = field(default_factory=set)
    failures: dict[str, Sequence[str]] = field(default_factory=dict)

    @property
    def under_way(self) -> bool:
        return any(worker.job for worker in self.workers)

    def give(self) -> None:
        """A job that waits for nothing to each worker that is free."""
        for worker in self.workers:
            job = next((job for job, waits in self.open.items() if waits <= self.ended), None)
            if worker.ready and worker.job is None and job is not None:
                del self.open[job]
                worker.job = job
                self.board.began(job)
                with suppress(OSError):  # it has died, which `hear` meets
                    worker.connection.send(Order(job, self.asked))

    def hear(self) -> None:
        """What the workers say next."""
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
                if unknown := [job for job in (*self.open, *self.ended) if job not in jobs]:
                    raise SettingsError(f"no job is called {', '.join(unknown)}; there are {', '.join(sorted(jobs))}")
            case Doing(words):
                self.board.said(str(worker.job), words)
            case Done(failures):
                self._end(worker, failures)
            case Refused(why):
                raise SettingsError(why)

    def _end(self, worker: Worker, failures: Sequence[str]) -> None:
        job, worker.job = str(worker.job), None
        self.ended.add(job)
        self.failures[job] = failures
        self.board.ended(job)

    def _lose(self, worker: Worker) -> None:
        """One has died: its job has failed, the others go on."""
        self.workers.remove(worker)
        told = worker.told()
        if worker.job is not None:
            self._end(worker, [f"{worker.job}: {told}"])
        if not self.workers and self.open:
            raise WorkersDiedError(f"{', '.join(self.open)} cannot be run: {told}")


def _hire() -> Worker:
    ours, theirs = Pipe()
    log = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the worker)
    process = subprocess.Popen(
        [sys.executable, "-m", "oso_dagster.cli.workers.worker_process", str(theirs.fileno())],
        cwd=PROJECT_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        pass_fds=[theirs.fileno()],
        start_new_session=True,  # Ctrl-C reaches us, and we end it
    )
    theirs.close()
    return Worker(process, ours, log)


def _end(worker: Worker, until: float) -> None:
    """See it end by itself, in time where it has something to leave in order; then end it and whatever it started."""
    with suppress(subprocess.TimeoutExpired):
        worker.process.wait(max(0, until - time.monotonic()) if worker.ready else 0)
    with suppress(ProcessLookupError):
        os.killpg(worker.process.pid, signal.SIGKILL)
    worker.process.wait()
    worker.log.close()
