"""The prometheus probe: good and valid requests from the counters that a Prometheus has, minute by minute.

It reads the raw samples of a range (`/api/v1/query` with a range selector: https://prometheus.io/docs/prometheus/latest/querying/api/)
and adds their increases itself: `rate()` and `increase()` extrapolate, so that neighbouring ranges would not add up to what was.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from oso_dagster.domain.objectives.budget import Count
from oso_dagster.domain.objectives.sample import Sample
from oso_dagster.domain.probes.counters import PATIENCE, Series, increases, judged_counts
from oso_dagster.domain.probes.declaration import PrometheusProbe
from oso_dagster.domain.probes.slices import SLICE, Check
from oso_dagster.probes.http import MOST_CAUSE, visit
from oso_dagster.probes.process import CountError

MOST_ANSWER = 64 * 1024 * 1024


class PrometheusError(CountError):
    """Prometheus did not answer, or not what was asked for; the message says which."""


class PrometheusCounter:
    """Counts for one probe."""

    def __init__(self, probe: PrometheusProbe) -> None:
        self._probe = probe

    async def count(self, begin: datetime, end: datetime) -> list[Sample]:
        """A sample for each slice of (begin, end] of which anything is known. Raises PrometheusError."""
        good, valid = [await self._series(selector, begin, end) for selector in (self._probe.good, self._probe.valid)]
        service, _, objective = self._probe.objective.partition(".")
        try:
            counted = list(judged_counts(increases(good, begin, end), increases(valid, begin, end), begin, end))
        except ValueError as error:
            raise PrometheusError(str(error)) from None
        return [
            Sample(service, objective, Count(at, good_, valid_), self._probe.slice, f"{valid_ - good_:,} of {valid_:,} failed")
            if good_ < valid_
            else Sample(service, objective, Count(at, good_, valid_), self._probe.slice)
            for at, good_, valid_ in counted
        ]

    async def check(self, at: datetime) -> Check:
        """Whether it answers, and what it knows of the newest whole minute that it can have scraped."""
        began, end = time.monotonic(), at.replace(second=0, microsecond=0) - SLICE
        try:
            samples = await self.count(end - SLICE, end)
        except PrometheusError as error:
            return Check(at, str(error)[:MOST_CAUSE], time.monotonic() - began)
        facts = tuple((f"{sample.count.at:%H:%M}", f"{sample.count.good} of {sample.count.valid}") for sample in samples)
        cause = "" if samples else f"no sample of {self._probe.valid} in the minute to {end:%H:%M} UTC"
        return Check(at, cause, time.monotonic() - began, facts=facts)

    async def _series(self, selector: str, begin: datetime, end: datetime) -> list[Series]:
        span = int((end - begin + PATIENCE) / timedelta(seconds=1))
        address = f"{self._probe.url.rstrip('/')}/api/v1/query?query={quote(f'{selector}[{span}s]')}&time={end.timestamp():.3f}"
        seen = await visit(address, self._probe.timeout_seconds, most=MOST_ANSWER)
        if seen.answer is None:
            raise PrometheusError(seen.cause)
        try:
            document = json.loads(seen.answer.body)
            if document["status"] != "success":
                raise PrometheusError(f"status {seen.answer.status}: {document['errorType']}: {document['error']}")
            return [_series_of(row) for row in document["data"]["result"]]
        except (KeyError, TypeError, ValueError) as error:
            raise PrometheusError(
                f"status {seen.answer.status}: no answer of a Prometheus ({type(error).__name__}: {error})"
            ) from None


def _series_of(row: dict[str, Any]) -> Series:
    labels = row["metric"]
    samples = ((datetime.fromtimestamp(float(at), UTC), float(value)) for at, value in row["values"])
    return Series(f"{labels.get('job', '')} {labels.get('instance', '')}", tuple(samples))
