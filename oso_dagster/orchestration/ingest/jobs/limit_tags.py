"""The tag with which Dagster's run monitoring ends a run that takes too long: it has failed then, which is reported."""

from __future__ import annotations

from dagster._core.storage.tags import MAX_RUNTIME_SECONDS_TAG

from oso_dagster.domain.due.run_limits import RunLimit


def limit_tags(limit: RunLimit) -> dict[str, str]:
    """The maximum of a run, as its tags say it."""
    return {MAX_RUNTIME_SECONDS_TAG: str(int(limit.maximum.total_seconds()))}
