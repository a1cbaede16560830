"""What BigQuery's REST API says: jobs, pages of rows, errors. Pure: from results to JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

PAGE_ROWS = 100
"""The most rows of a page. Upstream's limit is of bytes; a small one here lets a day take several pages."""

_STATUS = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 409: "ALREADY_EXISTS"}
_MICROSECONDS = 1_000_000


class Failure(Exception):  # noqa: N818  (an answer, not a defect)
    """An answer that says why not."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message


@dataclass(frozen=True)
class Finished:
    """A job that is done: its names, what its rows are (name and DuckDB's type first), the rows, and the bytes it scanned."""

    project: str
    name: str
    description: Sequence[Sequence[Any]]
    rows: Sequence[Sequence[Any]]
    scanned: int
    dry: bool


def failed(_: Request, error: Exception) -> Response:
    """The error as an answer."""
    if not isinstance(error, Failure):
        raise error
    detail = {"message": error.message, "domain": "global", "reason": error.reason}
    body = {"code": error.code, "message": error.message, "errors": [detail], "status": _STATUS[error.code]}
    return JSONResponse({"error": body}, error.code)


def job_of(job: Finished) -> dict[str, Any]:
    """The resource of a job."""
    statistics: dict[str, Any] = {"query": {"totalBytesProcessed": str(job.scanned), "statementType": "SELECT"}}
    if job.dry:
        statistics["query"]["schema"] = _schema(job)
    anonymous = {"projectId": job.project, "datasetId": "_sandbox", "tableId": f"anon_{job.name}"}
    return {
        "kind": "bigquery#job",
        "id": f"{job.project}:US.{job.name}",
        "jobReference": _reference(job),
        "configuration": {"jobType": "QUERY", "dryRun": job.dry, "query": {"destinationTable": anonymous}},
        "status": {"state": "DONE"},
        "statistics": {"totalBytesProcessed": str(job.scanned), **statistics},
    }


def page_of(job: Finished, begin: int, most: int | None, *, resource: str) -> dict[str, Any]:
    """The rows from `begin` on, at most `most` (or as many as fit), with the token of the next page."""
    size = PAGE_ROWS if most is None else min(most, PAGE_ROWS)
    page = job.rows[begin : begin + size]
    body: dict[str, Any] = {
        "kind": f"bigquery#{resource}",
        "schema": _schema(job),
        "jobReference": _reference(job),
        "totalRows": str(len(job.rows)),
        "totalBytesProcessed": str(job.scanned),
        "jobComplete": True,
        "cacheHit": False,
        "rows": [{"f": [{"v": _value(value)} for value in row]} for row in page],
    }
    if begin + size < len(job.rows):
        body["pageToken"] = str(begin + size)
    return body


def _reference(job: Finished) -> dict[str, str]:
    return {"projectId": job.project, "jobId": job.name, "location": "US"}


def _schema(job: Finished) -> dict[str, Any]:
    return {"fields": [{"name": column[0], "type": _kind(str(column[1])), "mode": "NULLABLE"} for column in job.description]}


def _kind(engine: str) -> str:
    kinds = {
        "VARCHAR": "STRING",
        "DATE": "DATE",
        "BOOLEAN": "BOOLEAN",
        "DOUBLE": "FLOAT",
        "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    }
    return "NUMERIC" if engine.startswith("DECIMAL") else kinds.get(engine, "INTEGER")


def _value(value: Any) -> str | None:
    """As upstream writes values: all as text, times as microseconds since 1970, numbers without an exponent."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return str(round(value.astimezone(UTC).timestamp() * _MICROSECONDS))
    if isinstance(value, Decimal):
        whole = value.to_integral_value()
        return f"{whole if whole == value else value:f}"
    return str(value).lower() if isinstance(value, bool) else str(value)
