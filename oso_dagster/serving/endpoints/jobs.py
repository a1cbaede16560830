"""Queries that are asked for now and fetched later: each writes its rows to a file, which is kept for some minutes.

A job that nobody asks about is given up: `pyoso` asks every second, and one that was closed never does again.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from oso_dagster.serving.access.admission import Caller
from oso_dagster.serving.endpoints.door import Door, Question, judged, rows_of
from oso_dagster.serving.endpoints.forms import plain_lines
from oso_dagster.serving.endpoints.streaming import in_thread
from oso_dagster.serving.engine.base import Running
from oso_dagster.serving.failures import Outcome, RefusedError
from oso_dagster.serving.statements.names import NameAnswer


@dataclass
class Job:
    """One question; `token` opens its file, and is known to who asked alone. `seen` is when it was asked about last."""

    caller: str
    tables: tuple[str, ...]
    literals: tuple[str, ...]
    path: Path
    seen: float
    id: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    status: str = "queued"
    refused: RefusedError | None = None
    running: Running | None = None
    finished: asyncio.Event = field(default_factory=asyncio.Event)


class Jobs:
    """The jobs of this process. `elapsed` is a clock in seconds; files lie in `folder`, which is emptied at the start."""

    def __init__(
        self,
        door: Door,
        folder: Path,
        elapsed: Callable[[], float],
        *,
        kept: float = 900,
        patience: float = 60,
        most: int = 500,
        most_bytes: int = 10 * 1024**3,
    ) -> None:
        self._door = door
        self._folder = folder
        self._elapsed = elapsed
        self._kept = kept
        self._patience = patience
        self._most = most
        self._most_bytes = most_bytes
        self._jobs: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)

    def begin(self, caller: Caller, question: Question) -> Job:
        """A job that has begun. Raises RefusedError when there are too many."""
        self.sweep()
        if len(self._jobs) >= self._most or self._held_bytes() > self._most_bytes:
            raise RefusedError("too many answers wait to be fetched: try again", Outcome.OVERLOAD, retry_after=30)
        job = Job(caller.name, question.asked.tables, question.asked.literals, self._folder, self._elapsed())
        job.path = self._folder / f"{job.token}.jsonl"
        self._jobs[job.id] = job
        task = asyncio.create_task(self._run(job, caller, question))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    def of(self, caller: Caller, id_: str) -> Job:
        """A job of this caller. Raises RefusedError (404), also for a job of somebody else."""
        job = self._jobs.get(id_)
        if job is None or job.caller != caller.name:
            raise RefusedError("there is no such query, or its answer is no longer kept", Outcome.USER, status=404)
        job.seen = self._elapsed()
        return job

    def file_of(self, token: str) -> Job:
        """The finished job whose file a token opens. Raises RefusedError (404)."""
        for job in self._jobs.values():
            if job.status == "completed" and secrets.compare_digest(job.token.encode(), token.encode()):
                job.seen = self._elapsed()
                return job
        raise RefusedError("there is no such answer, or it is no longer kept", Outcome.USER, status=404)

    def sweep(self) -> None:
        """Give up what nobody asks about, and delete what is kept no longer."""
        now = self._elapsed()
        for job in list(self._jobs.values()):
            idle = now - job.seen
            if not job.finished.is_set() and idle > self._patience and job.running is not None:
                job.running.cancel()
            elif job.finished.is_set() and idle > self._kept:
                del self._jobs[job.id]
                job.path.unlink(missing_ok=True)

    async def close(self) -> None:
        """Give up everything."""
        for job in self._jobs.values():
            if job.running is not None:
                job.running.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _held_bytes(self) -> int:
        return sum(job.path.stat().st_size for job in self._jobs.values() if job.path.exists())

    async def _run(self, job: Job, caller: Caller, question: Question) -> None:
        try:
            async with judged(self._door):
                await self._work(job, caller, question)
            job.status = "completed"
        except RefusedError as refused:
            job.refused = refused
            job.status = "canceled" if refused.outcome is Outcome.CANCELED else "failed"
            job.path.unlink(missing_ok=True)
        finally:
            job.finished.set()

    async def _work(self, job: Job, caller: Caller, question: Question) -> None:
        asked = question.asked
        if isinstance(asked, NameAnswer):
            lines = plain_lines(asked.columns, iter([rows_of(asked)]))
            await in_thread(lambda: job.path.write_bytes(b"".join(lines)))
            return
        async with self._door.admission.room(caller):
            job.status = "running"
            running = self._door.begin(asked.sql, as_json=True)
            job.running = running
            try:
                await in_thread(_write, running, job.path)
            finally:
                job.running = None
                await in_thread(running.close)


def _write(running: Running, path: Path) -> None:
    running.begin()
    with path.open("wb") as file:
        for part in plain_lines(running.columns, running.json_rows()):
            file.write(part)
