"""GitHub: what a sample of repositories had, by GitHub's other answers.

Events by type in their own feeds, beside what GH Archive has of them; issues, pull requests and commits by GitHub's own counts of
a day, and releases as REST lists them, beside what their walks brought; stars and forks in all by GraphQL, beside star histories
and the REST answers. GH Archive and its mirrors read one firehose, which GitHub has thinned out since 2026; the feed of a
repository (`GET /repos/{owner}/{repo}/events`) still has all types, with the same ids (pingcap/ossinsight 3110, of 2026-08-19).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from oso_dagster.domain.catalogue.loading import ExtractRequest, RefusedError
from oso_dagster.domain.catalogue.second_count import Held, Measure, SecondCount, TrueCount
from oso_dagster.sources._second_counts.days import day_before_load

if TYPE_CHECKING:
    from oso_dagster.connectors.http.rest import Client

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
"""The second counts of things that GitHub counts by day, by the name of their table."""

RELEASED_DAYS = 30
"""Releases are too few a day to show anything: those of a month are counted."""


def _releases(request: ExtractRequest) -> list[TrueCount]:
    from oso_dagster.connectors.github.core.release_counts import count_releases  # noqa: PLC0415  (Arrow loads when used)
    from oso_dagster.connectors.github.core.totals import totals_of  # noqa: PLC0415

    client, api = _client(request), request.settings["api_url"]
    since, until = day_before_load(request, RELEASED_DAYS), day_before_load(request, 0)
    there = totals_of(
        client, api, sample_of(list(request.inputs[_NAMES]))
    )  # REST lists releases without an id of their repository
    counted = count_releases(client, api, list(there), since, until)
    by_item = {str(there[name].repo_id): number for name, number in counted.items()}
    return [_counted(by_item, since, until)]


def _stars(request: ExtractRequest) -> list[TrueCount]:
    from oso_dagster.connectors.github.core.stars import whole_histories  # noqa: PLC0415  (Arrow loads when used)
    from oso_dagster.connectors.github.core.totals import totals_of  # noqa: PLC0415
    from oso_dagster.connectors.kept_state import KeptState  # noqa: PLC0415

    whole = whole_histories(KeptState.of(request).by_name)
    names = sample_of([name for name in request.inputs[_NAMES] if name.lower() in whole])
    if not names:
        raise RefusedError(f"{request.where}: no star history is read to its end yet, so nothing can be compared; load it again")
    totals = totals_of(_client(request), request.settings["api_url"], names)
    return [_counted({name: known.stars for name, known in totals.items()})]


def _stars_and_forks(request: ExtractRequest) -> list[TrueCount]:
    from oso_dagster.connectors.github.core.totals import totals_of  # noqa: PLC0415  (Arrow loads when used)

    totals = totals_of(_client(request), request.settings["api_url"], sample_of(list(request.inputs[_NAMES])))
    return [_counted({str(known.repo_id): known.stars + known.forks for known in totals.values()})]


def _client(request: ExtractRequest) -> Client:
    from oso_dagster.connectors.github import rest_api  # noqa: PLC0415  (Arrow loads when used)

    settings = request.settings
    return rest_api.client(settings.get("token"), float(settings["requests_per_second"]), request.notes)


def _counted(by_item: dict[str, int], since: datetime | None = None, until: datetime | None = None) -> TrueCount:
    total = sum(by_item.values())
    return TrueCount("", total, total, since, until, tuple(sorted(by_item)), by_item if total else {})


_SAMPLE = f"the {SAMPLE} repositories of OSS Directory whose names have the smallest hashes"
RELEASES = SecondCount(
    f"Releases published in the {RELEASED_DAYS} days before the load, as the REST API lists them; the walk asks GraphQL",
    _releases,
    Held(item="repo_id", time="published_at"),
    sample=_SAMPLE,
    needs=(_NAMES,),
)
STARS = SecondCount(
    "All stars that repositories have now, one number of GraphQL each, beside the days of their histories",
    _stars,
    Held(Measure.SUM, "stars", item="repository"),
    sample=f"{_SAMPLE}, among those whose history is read to its end",
    needs=(_NAMES,),
)
STARS_AND_FORKS = SecondCount(
    "All stars and forks that repositories have now, by GraphQL, beside what REST said of each when it was asked",
    _stars_and_forks,
    Held(Measure.SUM, "star_count", item="id", also=("fork_count",)),
    sample=_SAMPLE,
    needs=(_NAMES,),
)
