"""A query to BigQuery as Arrow: weighed by a dry run first, refused beyond a ceiling of bytes, read page by page to its end.

The client comes from outside (`ExtractRequest.clients`); only what is asked of it is here. Values travel as parameters, never in
SQL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from http import HTTPStatus
from typing import Any

import pyarrow as pa
import requests
from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.api_core.retry import Retry
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery

from oso_dagster.connectors.arrow import schema_of
from oso_dagster.connectors.undeclared import Known
from oso_dagster.domain.catalogue.loading import UNKNOWN_FIELDS, LoadFacts, RefusedError
from oso_dagster.domain.catalogue.source import Column
from oso_dagster.domain.redaction import redact

_PAGE_ROWS = 50_000
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST})
_JOB_PASSING = frozenset({"jobRateLimitExceeded", "jobBackendError", "jobInternalError"})
"""Reasons for which a job ended that may be begun again: nothing is wrong with the query."""

_PASSING = frozenset({"rateLimitExceeded", "backendError", "internalError", *_JOB_PASSING})
"""Reasons with which BigQuery also says 400 or 403 for what passes."""


class BigQueryError(Exception):
    """BigQuery gave no whole result; the message says why and holds no secret."""


class BigQueryDeniedError(BigQueryError, RefusedError):
    """BigQuery will not answer this query however often it is asked: it is not retried."""


@dataclass(frozen=True)
class Query:
    """SQL with named parameters, the columns that it gives, and the most bytes that it may scan.

    `looks` say of each table that it reads: SQL for all columns of it, which is only weighed, and which of them are known.
    """

    sql: str
    days: Mapping[str, date]
    columns: Sequence[Column]
    most_bytes: int
    looks: Mapping[str, tuple[str, Known]] = field(default_factory=dict)


@dataclass(frozen=True)
class QueryPatience:
    """First pause before a request is tried again (it grows), and how long it is tried at all; seconds."""

    pause: float
    whole: float


@dataclass(frozen=True)
class Reader:
    """Asks one client, inside `open()`, which closes it in the end; `secrets` are texts that must show nowhere."""

    client: bigquery.Client
    patience: QueryPatience
    secrets: Sequence[str] = field(default=(), repr=False)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Close the client at the end of the block."""
        try:
            yield
        finally:
            self.client.close()  # type: ignore[no-untyped-call]  # Google types its clients in part

    def read(self, query: Query, facts: LoadFacts) -> Iterator[pa.Table]:
        """The rows, a page at a time; `facts` gets the bytes that were weighed and scanned.

        Raises BigQueryDeniedError, also for a query over its ceiling, before it runs; BigQueryError for less or more rows than
        BigQuery announced, and for everything else that went wrong.
        """
        try:
            facts["bytes_weighed"] = self._weigh(query)
            facts["bytes_ceiling"] = query.most_bytes
            self._look(query, facts)
            yield from self._rows(query, facts)
        except (GoogleAPICallError, RetryError, GoogleAuthError, requests.RequestException) as error:
            raise self._error_of(error) from None
        except (LookupError, TypeError, ValueError) as error:
            raise BigQueryError(self._plain(f"the answer is not as BigQuery's are ({type(error).__name__}: {error})")) from None

    def _weigh(self, query: Query) -> int:
        """What the query would scan, in bytes; nothing runs."""
        job = self.client.query(
            query.sql, job_config=_configuration(query, dry_run=True), retry=self._retry(), job_retry=None, timeout=None
        )
        weighed = job.total_bytes_processed
        if weighed is None:
            raise ValueError("a dry run without totalBytesProcessed")
        if weighed > query.most_bytes:
            raise BigQueryDeniedError(
                f"the query would scan {weighed:,} bytes; at most {query.most_bytes:,} are allowed (the source's max_bytes). "
                "It did not run"
            )
        return int(weighed)

    def _look(self, query: Query, facts: LoadFacts) -> None:
        """Report the columns that nobody declared of the tables behind a query: dry runs show a schema, and scan nothing."""
        unknown: list[str] = []
        without_schema: list[str] = []
        for table, (sql, known) in query.looks.items():
            job = self.client.query(
                sql, job_config=_configuration(query, dry_run=True), retry=self._retry(), job_retry=None, timeout=None
            )
            unknown += [f"{table}.{name}" for name in known.unknown(column.name for column in job.schema or ())]
            without_schema += [] if job.schema else [table]
        facts[UNKNOWN_FIELDS] = unknown
        if without_schema:
            facts["schema_untold"] = f"the dry run lists no columns of {', '.join(without_schema)}"

    def _rows(self, query: Query, facts: LoadFacts) -> Iterator[pa.Table]:
        result = self.client.query_and_wait(
            query.sql,
            job_config=_configuration(query, maximum_bytes_billed=query.most_bytes),
            page_size=_PAGE_ROWS,
            retry=self._retry(),
            job_retry=self._job_retry(),
        )
        facts["bytes_scanned"] = result.total_bytes_processed
        count = 0
        tokens: set[str] = set()
        for batch in result.to_arrow_iterable():
            count += batch.num_rows
            if count > (result.total_rows or 0) or result.next_page_token in tokens:
                break
            tokens |= {result.next_page_token} - {None}
            yield _typed(batch, query.columns)
        if count != result.total_rows:
            raise BigQueryError(f"{count:,} rows came, {result.total_rows or 0:,} were announced: the result is incomplete")

    def _retry(self) -> Retry:
        """Google's own choice of what another try may fix, with our patience."""
        pause, whole = self.patience.pause, self.patience.whole
        return bigquery.DEFAULT_RETRY.with_delay(pause, whole, 2.0).with_timeout(whole)

    def _job_retry(self) -> Retry:
        """A job that ended for a passing reason is begun again; no other is, for each is paid for."""
        pause, whole = self.patience.pause, self.patience.whole
        return Retry(predicate=_job_passes, initial=pause, maximum=whole, multiplier=2.0, timeout=whole)

    def _error_of(self, error: Exception) -> BigQueryError:
        cause = error.cause if isinstance(error, RetryError) and error.cause is not None else error
        if isinstance(cause, GoogleAuthError):
            return BigQueryDeniedError(
                self._plain(f"the credentials were refused ({cause}). Renew the credentials of the source")
            )
        if isinstance(cause, GoogleAPICallError):
            reason = _reason_of(cause)
            words = self._plain(f"BigQuery answers {cause.code} {reason or ''}: {cause.message}".replace(" :", ":"))
            if cause.code == HTTPStatus.UNAUTHORIZED:
                words += ". Renew the credentials of the source"
            denied = cause.code in _REFUSED and reason not in _PASSING
            return BigQueryDeniedError(words) if denied else BigQueryError(words)
        if isinstance(cause, requests.Timeout):
            return BigQueryError(self._plain(f"no whole answer came in time ({cause})"))
        return BigQueryError(self._plain(f"the connection broke ({type(cause).__name__}: {cause})"))

    def _plain(self, words: str) -> str:
        return redact(" ".join(words.split()), self.secrets)


def _reason_of(error: GoogleAPICallError) -> str | None:
    return next((detail.get("reason") for detail in error.errors if isinstance(detail, dict)), None)


def _job_passes(error: BaseException) -> bool:
    cause = error.cause if isinstance(error, RetryError) else error
    return isinstance(cause, GoogleAPICallError) and _reason_of(cause) in _JOB_PASSING


def _configuration(query: Query, **more: Any) -> bigquery.QueryJobConfig:
    parameters = [bigquery.ScalarQueryParameter(name, "DATE", day) for name, day in query.days.items()]
    return bigquery.QueryJobConfig(query_parameters=parameters, use_query_cache=False, labels={"by": "oso_dagster"}, **more)


def _typed(batch: pa.RecordBatch, columns: Sequence[Column]) -> pa.Table:
    """The declared columns, by name. Raises BigQueryDeniedError for a lost one or a value of another type."""
    lost = [column.name for column in columns if column.name not in batch.schema.names]
    if lost:
        raise BigQueryDeniedError(f"columns are missing: {', '.join(lost)}; there are {', '.join(batch.schema.names)}")
    schema = schema_of(columns)
    arrays = []
    for wanted in schema:
        try:
            arrays.append(batch.column(wanted.name).cast(wanted.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise BigQueryDeniedError(f"{wanted.name} has changed its type: {error}") from None
    return pa.Table.from_arrays(arrays, schema=schema)
