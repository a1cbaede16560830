"""OP Atlas: the rows that its database counts in a table: all, and those that were there before the last load."""

from __future__ import annotations

from oso_dagster.domain.catalogue.loading import ExtractRequest
from oso_dagster.domain.catalogue.second_count import SecondCount, TrueCount

_CREATED = "createdAt"


def rows_of(upstream: str, *, created: bool) -> SecondCount:
    """The rows of the table `upstream`; where it says when each was created, those since the last load need not be held."""

    def count(request: ExtractRequest) -> list[TrueCount]:
        from oso_dagster.connectors.database import row_count  # noqa: PLC0415  (SQLAlchemy loads when used)

        since = request.previous.loaded_at if request.previous else request.now
        counted = row_count.count_rows(request.settings["url"], upstream, _CREATED if created else None, since)
        return [TrueCount("", counted.before, counted.all)]

    return SecondCount(f"count(*) of {upstream} in the database, which no load computes from", count)
