"""BigQuery's REST API as far as reading by query goes: `jobs.query`, `jobs.insert` with `dryRun`, `jobs.get`, `getQueryResults`.

Named parameters, byte ceilings and pages are honoured. The queries themselves are run by `bigquery_engine`; what an answer looks
like is `bigquery_answers`'.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from oso_dagster.sandbox.protocols.bigquery_answers import Failure, Finished, failed, job_of, page_of
from oso_dagster.sandbox.protocols.source_faults import fault_of

_ROOT = "/bigquery/v2/projects/{project}"
_JOBS_KEPT = 100


def serve(folder: Path) -> Starlette:
    """Answer queries from the world whose mark `forge.write` left in `folder`."""
    jobs = _Jobs(folder)
    return Starlette(
        routes=[
            Route(f"{_ROOT}/queries", jobs.query, methods=["POST"]),
            Route(f"{_ROOT}/jobs", jobs.insert, methods=["POST"]),
            Route(f"{_ROOT}/jobs/{{job}}", jobs.get),
            Route(f"{_ROOT}/queries/{{job}}", jobs.results),
        ],
        exception_handlers={Failure: failed},
    )


class _Jobs:
    """The four methods, and the jobs that were done last."""

    def __init__(self, folder: Path) -> None:
        self._mark = folder / "world.json"
        self._done: dict[str, Finished] = {}
        self._numbers = count(1)

    async def query(self, request: Request) -> Response:
        body = await request.json()
        finished = await run_in_threadpool(self._run, request, body, dry=bool(body.get("dryRun")), name=None)
        return JSONResponse(page_of(finished, 0, body.get("maxResults"), resource="queryResponse"))

    async def insert(self, request: Request) -> Response:
        body = await request.json()
        name, configuration = body.get("jobReference", {}).get("jobId"), body["configuration"]
        if name in self._done:
            raise Failure(409, "duplicate", f"Already Exists: Job {name}")
        dry = bool(configuration.get("dryRun"))
        return JSONResponse(job_of(await run_in_threadpool(self._run, request, configuration["query"], dry=dry, name=name)))

    def get(self, request: Request) -> Response:
        return JSONResponse(job_of(self._known(request)))

    def results(self, request: Request) -> Response:
        parameters = request.query_params
        begin = int(parameters.get("pageToken") or parameters.get("startIndex") or 0)
        most = int(parameters["maxResults"]) if "maxResults" in parameters else None
        return JSONResponse(page_of(self._known(request), begin, most, resource="getQueryResultsResponse"))

    def _run(self, request: Request, configuration: Mapping[str, Any], *, dry: bool, name: str | None) -> Finished:
        from oso_dagster.sandbox.protocols import bigquery_engine  # noqa: PLC0415  (DuckDB loads when used)

        job = name or f"job_sandbox_{next(self._numbers)}"
        query = bigquery_engine.request_of(configuration, dry=dry)
        project, fault = request.path_params["project"], fault_of(request.scope)
        finished = bigquery_engine.run(self._mark.read_text(), query, project, job, fault)
        if not dry:
            self._done[job] = finished
            for old in list(self._done)[:-_JOBS_KEPT]:
                del self._done[old]
        return finished

    def _known(self, request: Request) -> Finished:
        finished = self._done.get(request.path_params["job"])
        if finished is None:
            raise Failure(404, "notFound", f"Not found: Job {request.path_params['job']}")
        return finished
