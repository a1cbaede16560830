"""GitHub: what a sample of repositories had on a day, by GitHub's other answers.

Events by type in their own feeds, beside what GH Archive has of them; issues, pull requests and commits by GitHub's own counts,
beside what their walks brought. GH Archive and its mirrors read one firehose, which GitHub has thinned out since 2026; the feed
of a repository (`GET /repos/{owner}/{repo}/events`) still has all types, with the same ids (pingcap/ossinsight 3110, of
2026-08-19).
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

from oso_dagster.domain.catalogue.loading import ExtractRequest, RefusedError
from oso_dagster.domain.catalogue.second_count import Held, SecondCount, TrueCount
from oso_dagster.sources._second_counts.days import day_before_load

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


def things_of(kind: str, time: str) -> SecondCount:
    """How many things of a kind the sampled repositories had on the day before the last load, placed by the column `time`."""

    def count(request: ExtractRequest) -> list[TrueCount]:
        from oso_dagster.connectors.github import rest_api  # noqa: PLC0415  (Arrow loads when used)
        from oso_dagster.connectors.github.core.day_counts import count_day  # noqa: PLC0415

        settings, day = request.settings, day_before_load(request, 1)
        client = rest_api.client(settings.get("token"), float(settings["requests_per_second"]), request.notes)
        counted = count_day(client, settings["api_url"], kind, sample_of(list(request.inputs[_NAMES])), day)
        by_item = {str(repository): number for repository, number in counted.items()}
        total = sum(by_item.values())
        return [TrueCount("", total, total, day, day + timedelta(days=1), tuple(sorted(by_item)), by_item if total else {})]

    return SecondCount(
        f"{kind.replace('_', ' ').capitalize()} of the day by repository, as GitHub counts them itself, without their list",
        count,
        Held(item="repo_id", time=time),
        sample=f"the {SAMPLE} repositories of OSS Directory whose names have the smallest hashes",
        needs=(_NAMES,),
    )


THINGS = {
    "issues": things_of("issues", "created_at"),
    "pull_requests": things_of("pull_requests", "created_at"),
    "commits": things_of("commits", "committed_at"),
}
"""The second counts of tables of changes, by name. Releases have none: there are too few a day to show anything."""
