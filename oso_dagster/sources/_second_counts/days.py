"""Which day the second count of a table without partitions is of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from oso_dagster.domain.catalogue.loading import ExtractRequest


def day_before_load(request: ExtractRequest, days: int) -> datetime:
    """Midnight UTC `days` days before that of the last load: it was over, and final upstream, when the load asked for it."""
    loaded_at = (request.previous.loaded_at if request.previous else request.now).astimezone(UTC)
    return loaded_at.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
