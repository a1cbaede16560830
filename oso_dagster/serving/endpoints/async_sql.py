"""`/async-sql`: asked by POST, followed by GET, fetched from an address of its own. The protocol of `pyoso` 0.8 to 0.10.

These clients show nobody why a query failed when its status says so, but do show the `error` of an HTTP status: so a failure is
answered as one.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from oso_dagster.serving.endpoints.door import Door, caller_of, question_of
from oso_dagster.serving.endpoints.errors import refusal
from oso_dagster.serving.endpoints.jobs import Job, Jobs
from oso_dagster.serving.failures import RefusedError

_WAIT_SECONDS = 1.5
"""How long the POST waits for the end: most queries are over by then, and the client need not ask again."""


class AsyncSql:
    """The three requests. `address` is where clients reach this service; empty: where they sent the request to."""

    def __init__(self, door: Door, jobs: Jobs, address: str = "") -> None:
        self._door = door
        self._jobs = jobs
        self._address = address

    async def ask(self, request: Request) -> Response:
        """Begin a query."""
        try:
            caller = await caller_of(request, self._door)
            question = await question_of(request, self._door)
            job = self._jobs.begin(caller, question)
        except RefusedError as refused:
            self._door.outcomes.add(refused.outcome)  # the end of a job is counted by the job
            return refusal(refused)
        with suppress(TimeoutError):
            async with asyncio.timeout(_WAIT_SECONDS):
                await job.finished.wait()
        return self._state(request, job)

    async def follow(self, request: Request) -> Response:
        """How far a query is."""
        try:
            address = request.client.host if request.client else ""
            caller = await self._door.admission.caller(request.headers.get("authorization", ""), address)
            job = self._jobs.of(caller, request.query_params.get("id", ""))
        except RefusedError as refused:
            return refusal(refused)
        return self._state(request, job)

    async def cancel(self, request: Request) -> Response:
        """Give up a query."""
        try:
            address = request.client.host if request.client else ""
            caller = await self._door.admission.caller(request.headers.get("authorization", ""), address)
            job = self._jobs.of(caller, request.query_params.get("id", ""))
        except RefusedError as refused:
            return refusal(refused)
        if job.running is not None:
            job.running.cancel()
        return JSONResponse({"id": job.id, "status": "canceled"}, status_code=202)

    async def fetch(self, request: Request) -> Response:
        """The rows of a finished query; who has the address may fetch them."""
        try:
            job = self._jobs.file_of(request.path_params["token"])
        except RefusedError as refused:
            return refusal(refused)
        return FileResponse(job.path, media_type="application/jsonl", headers=self._door.headers(job.tables, job.literals))

    def _state(self, request: Request, job: Job) -> Response:
        if job.refused is not None:
            return refusal(job.refused)
        values: dict[str, object] = {"id": job.id, "status": job.status}
        if job.status == "completed":
            base = self._address.rstrip("/") or str(request.base_url).rstrip("/")
            values["url"] = f"{base}/async-sql/{job.token}"
        return JSONResponse(values, headers=self._door.headers(job.tables, job.literals))
