"""GitHub: what the feeds of a sample of repositories hold of a day, by type of event, beside what GH Archive has of it.

GH Archive and its mirrors read one firehose, which GitHub has thinned out since 2026; the feed of a repository
(`GET /repos/{owner}/{repo}/events`) still has all types, with the same ids (pingcap/ossinsight 3110, of 2026-08-19).
"""

from __future__ import annotations

from hashlib import sha256

from oso_dagster.domain.catalogue.loading import ExtractRequest, RefusedError
from oso_dagster.domain.catalogue.second_count import Held, SecondCount, TrueCount

SAMPLE = 150
"""Repositories that are asked: at most 450 requests, a tenth of what one token may send in an hour."""

_NAMES = "github.repositories.name_with_owner"


def sample_of(names: list[str]) -> list[str]:
    """The repositories of the sample, the same ones each day: those whose names have the smallest hashes."""
    known = {name.lower() for name in names if not name.endswith("/*")}
    return sorted(known, key=lambda name: sha256(name.encode()).digest())[:SAMPLE]


def _count(request: ExtractRequest) -> list[TrueCount]:
    from oso_dagster.connectors.github import rest_api  # noqa: PLC0415  (Arrow loads when used)
    from oso_dagster.connectors.github.core.feed_counts import count_events  # noqa: PLC0415

    settings, window = request.settings, request.window
    if window is None or window.start is None or window.end is None:
        raise RefusedError(f"{request.where} is counted by day: a partition is expected")
    client = rest_api.client(settings.get("token"), float(settings["requests_per_second"]))
    names = sample_of(list(request.inputs[_NAMES]))
    counted = count_events(client, settings["api_url"], names, window.start, window.end, request.now)
    items = tuple(sorted(map(str, counted.repositories)))
    return [
        TrueCount(kind, total, total, window.start, window.end, items, {str(name): count for name, count in of.items()})
        for kind, of in sorted(counted.by_type.items())
        for total in (sum(of.values()),)
    ] or [TrueCount("", 0, 0, window.start, window.end, items)]


EVENTS = SecondCount(
    "Events of the day in the repositories' own feeds, by type: GitHub's other answer about the same events",
    _count,
    Held(category="type", item="repo_id"),
    sample=f"the {SAMPLE} repositories of OSS Directory whose names have the smallest hashes, where the feed reaches back",
    needs=(_NAMES,),
)
