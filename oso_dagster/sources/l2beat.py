"""L2BEAT: Ethereum's scaling projects, their transactions by day, and the value that they secure at each midnight."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from oso_dagster.connectors.answers import AnswerError, take, take_list
from oso_dagster.connectors.http.pacing import Pace
from oso_dagster.connectors.http.rest import Client, RestError, client_of, settings_of
from oso_dagster.connectors.items import Items
from oso_dagster.connectors.renames import IDS, renamed_items
from oso_dagster.domain.catalogue.loading import UNKNOWN_FIELDS, Extract, ExtractRequest, LoadFacts
from oso_dagster.domain.catalogue.second_count import SecondCount
from oso_dagster.domain.catalogue.source import Column, ColumnType, Cost, Disposition, Schedule, Source, Stability, Table
from oso_dagster.domain.catalogue.truth import RENAMED
from oso_dagster.sources._second_counts import l2beat

_PACE = Pace(concurrency=1, per_second=1)
_NEED = "l2beat.projects.slug"
_ABSENT = frozenset({400, 403, 404, 410})
_AGAIN = timedelta(days=3)
"""How many of the newest loaded days are requested again at least: the latest figures are corrected."""
_RANGES = ((30, "30d"), (90, "90d"), (180, "180d"), (365, "1y"))
"""The spans that both series may be requested for, in days; `max` is everything. Values alone know 7d as well."""
_DAY = 86_400

_PROJECTS = (
    Column("id", ColumnType.VARCHAR, "Id at L2BEAT", nullable=False),
    Column("slug", ColumnType.VARCHAR, "Name in addresses", nullable=False),
    Column("name", ColumnType.VARCHAR, "Name for people", nullable=False),
    Column("type", ColumnType.VARCHAR, "layer2 or layer3", nullable=False),
    Column("host_chain", ColumnType.VARCHAR, "Chain that it settles on"),
    Column("category", ColumnType.VARCHAR, "Kind of rollup"),
    Column("stage", ColumnType.VARCHAR, "How far it has come without training wheels: Stage 0, 1, 2"),
    Column("providers", ColumnType.VARCHARS, "Technology that it is built with"),
    Column("purposes", ColumnType.VARCHARS, "What it is for"),
    Column("is_archived", ColumnType.BOOLEAN, "Whether it has ended"),
    Column("is_upcoming", ColumnType.BOOLEAN, "Whether it has not begun yet"),
    Column("is_under_review", ColumnType.BOOLEAN, "Whether L2BEAT is looking into it"),
    Column("tvs", ColumnType.DOUBLE, "Total value that it secures now, in US dollars; null where it is not given"),
)
_PROJECT_KEYS = {
    "host_chain": ("hostChain",),
    "is_archived": ("isArchived",),
    "is_upcoming": ("isUpcoming",),
    "is_under_review": ("isUnderReview",),
    "tvs": ("tvs", "breakdown", "total"),
}
_LEFT_OUT = "provider|shortName|badges|risks|charts|colors|daLayer|proofSystem|scalingStage"
"""What L2BEAT has of a project and nobody here needs; anything else that is new arrives."""

_TIME = Column("time", ColumnType.TIMESTAMP, "Midnight UTC: the begin of the day, or the moment of the value", nullable=False)
_SLUG = Column("slug", ColumnType.VARCHAR, "Project, as in its address at L2BEAT", nullable=False)
_ACTIVITY = (
    _TIME,
    _SLUG,
    Column("transactions", ColumnType.BIGINT, "Transactions of the day", nullable=False),
    Column("user_operations", ColumnType.BIGINT, "Operations of users that day: those bundled in one transaction count each"),
)
_TVS = (
    _TIME,
    _SLUG,
    Column("native", ColumnType.DOUBLE, "Value of tokens minted there, in US dollars", nullable=False),
    Column("canonical", ColumnType.DOUBLE, "Value bridged by the chain's own bridge, in US dollars", nullable=False),
    Column("external", ColumnType.DOUBLE, "Value bridged otherwise, in US dollars", nullable=False),
    Column("eth_price", ColumnType.DOUBLE, "Price of ether, in US dollars"),
)
_SERIES: dict[str, tuple[str, timedelta, dict[str, tuple[str, ...]]]] = {
    "activity": (
        "scaling/activity",
        timedelta(days=1),
        {"time": ("timestamp",), "transactions": ("count",), "user_operations": ("uopsCount",)},
    ),
    "tvs": ("scaling/tvs", timedelta(0), {"time": ("timestamp",), "eth_price": ("ethPrice",)}),
}
"""Path of a series, how long after its time a point is final, and the names of its parts upstream."""


def _projects(request: ExtractRequest) -> Extract:
    """All projects that L2BEAT follows."""
    from oso_dagster.connectors import records, undeclared  # noqa: PLC0415  (Arrow loads when used)

    url, client = f"{request.settings['url']}/scaling/summary", client_of(request, _PACE)
    answer = client.get(url)
    optional = dict.fromkeys(("hostChain", "category", "stage", "purposes", "tvs", "isUpcoming"))
    with client.trusting(url):
        by_id = take(answer.document, "projects")
        if not isinstance(by_id, dict):
            raise AnswerError("projects is no object of projects by id; its type has changed")
        if not any(project.get("purposes") for project in by_id.values()):
            raise AnswerError("no project has a purpose; the lists of the answer have lost their entries")
        listed = [optional | {"providers": _providers(project)} | project for project in by_id.values()]
        rows, news = undeclared.table_with_news(_PROJECTS, listed, _PROJECT_KEYS, _LEFT_OUT)
    return Extract(records.version_of(rows), {request.table: [rows]}, {UNKNOWN_FIELDS: news})


def _providers(project: Any) -> list[str] | None:
    """The technology of a project, which older answers call `provider` and give as text."""
    provider = project.get("provider")
    return [provider] if isinstance(provider, str) else provider


def _series(request: ExtractRequest) -> Extract:
    """Midnights of every project that has such figures; of one that was loaded before, all those of a month: they are corrected.

    Projects without such figures are named in the facts; if none has any, that is an error.
    """
    from oso_dagster.connectors import records, undeclared  # noqa: PLC0415

    _, final, keys = _SERIES[request.table]
    table = next(table for table in SOURCE.tables if table.name == request.table)
    client, before = client_of(request, _PACE), (request.previous.facts if request.previous else {})
    slugs, missing, rows = sorted(request.inputs[_NEED]), list[str](), list[dict[str, Any]]()
    known: dict[str, str] = request.kept_facts.get(IDS) or {}
    ids = _ids(request, client, slugs, known)
    renamed = renamed_items(known, {slug: ids[slug] for slug in slugs if slug in ids})
    seen: dict[str, str] = {renamed.get(slug, slug): until for slug, until in before.get("through", {}).items()}
    through = dict(seen)
    after = {slug: datetime.fromisoformat(seen[slug]) - _AGAIN for slug in slugs if slug in seen}
    items, end = Items.of(request, len(slugs), seen.keys()), (request.now - final).timestamp()
    for slug, points in items.each(slugs, lambda slug: _ask(request, client, slug, after.get(slug)), client.each):
        if points is None:
            missing.append(slug)
            continue
        fresh = [point | {"slug": slug} for point in points if point["timestamp"] % _DAY == 0 and point["timestamp"] <= end]
        rows += fresh
        if fresh:
            newest = datetime.fromtimestamp(max(point["timestamp"] for point in fresh), UTC).isoformat()
            through[slug] = max(newest, seen.get(slug, newest))
    missing += items.gone
    if len(missing) == len(slugs):
        raise RestError(f"{request.settings['url']}: none of the {len(slugs)} projects has such figures. Is the address right?")
    with client.trusting(request.settings["url"]):
        landed, news = undeclared.table_with_news(table.columns, rows, keys)
    facts: LoadFacts = {"through": through, "without_figures": sorted(missing), UNKNOWN_FIELDS: news}
    facts[IDS] = {slug: id_ for slug, id_ in ids.items() if slug not in renamed}
    if renamed:
        facts[RENAMED] = renamed
    items.tell(facts)
    return Extract(records.version_of(landed), {request.table: [landed]}, facts)


def _ids(request: ExtractRequest, client: Client, slugs: list[str], known: Mapping[str, str]) -> dict[str, str]:
    """L2BEAT's ids by slug, which stay when a slug changes; asked for where there is a slug without one."""
    if not set(slugs) - known.keys():
        return dict(known)
    url = f"{request.settings['url']}/scaling/summary"
    answer = client.get(url)
    with client.trusting(url):
        listed = {str(take(project, "slug")): str(take(project, "id")) for project in take(answer.document, "projects").values()}
    return {**known, **{slug: listed[slug] for slug in slugs if slug in listed}}


def _ask(request: ExtractRequest, client: Client, slug: str, after: datetime | None) -> list[dict[str, Any]] | None:
    """The points of a series since `after` or longer, or all; None where there is no such series.

    L2BEAT answers 200 and `success: false` for a project without figures. Points behind the day up to which it has counted hold
    nulls. Raises AbsentError, AnswerError, RestError.
    """
    url = f"{request.settings['url']}/{_SERIES[request.table][0]}/{quote(slug, safe='')}"
    days = (request.now - after).days + 1 if after else None
    span = next((name for length, name in _RANGES if days is not None and days <= length), "max")
    answer = client.get(url, {"range": span}, accept=_ABSENT)
    if answer.status in _ABSENT:
        raise answer.absent()
    with client.trusting(url):
        if isinstance(answer.document, dict) and answer.document.get("success") is False:
            if after is not None:
                raise AnswerError(f"success is false, where there were figures before: {answer.document.get('error')}")
            return None
        names = take_list(answer.document, "data", "chart", "types")
        points = take_list(answer.document, "data", "chart", "data")
        if not points:
            raise AnswerError(f"the chart of {span} has no point, where there was one before or should be one")
        read = [_point(names, values) for values in points]
        return [point for point in read if any(value is not None for name, value in point.items() if name != "timestamp")]


def _point(names: list[Any], values: Any) -> dict[str, Any]:
    if not isinstance(values, list) or len(values) != len(names):
        raise AnswerError(f"a point of the chart is no list of {', '.join(map(str, names))}; its type has changed")
    point = dict(zip(names, values, strict=True))
    if not isinstance(point.get("timestamp"), int):
        raise AnswerError(f"a point of the chart has no timestamp in seconds, only {', '.join(map(str, names))}")
    return point


def _series_table(name: str, description: str, columns: tuple[Column, ...], second: SecondCount) -> Table:
    return Table(
        name=name,
        description=description,
        columns=columns,
        primary_key=("slug", "time"),
        disposition=Disposition.MERGE,
        extract=_series,
        schedule=Schedule("20 5 * * *"),
        cost=Cost(calls=150, bytes=10_000_000),
        fresh_within=timedelta(days=3),
        event_time="time",
        events_within=timedelta(days=4),
        item_column="slug",
        set_aside_share=0.1,
        why_not={
            "limits": "L2BEAT states none; 150 requests at one a second are begun again",
            "bands": "A load brings a month of days for the projects that were loaded before and years for new ones",
        },
        identity="`id` of the project in /scaling/summary",
        follows_renames=True,
        keeps_deleted="A project that L2BEAT has archived keeps the history that was published",
        needs=(_NEED,),
        second_count=second,
    )


SOURCE = Source(
    name="l2beat",
    title="L2BEAT",
    homepage="https://l2beat.com",
    licence="Terms of use of L2BEAT",
    owner="team:data",
    stability=Stability.UNSTABLE,
    settings=settings_of("https://l2beat.com/api", "Base address of L2BEAT's API", per_second=1),
    tables=(
        Table(
            name="projects",
            description="One row per scaling project that L2BEAT follows, as it is now.",
            columns=_PROJECTS,
            primary_key=("id",),
            disposition=Disposition.REPLACE,
            sums=("tvs",),
            why_not={"set_aside": "One answer", "second_count": "The summary is L2BEAT's only list of projects"},
            extract=_projects,
            schedule=Schedule("10 5 * * *"),
            cost=Cost(calls=1, bytes=500_000),
            fresh_within=timedelta(days=3),
        ),
        _series_table("activity", "Transactions and user operations by scaling project and day.", _ACTIVITY, l2beat.TRANSACTIONS),
        _series_table("tvs", "Value secured by scaling project at each midnight, by how it got there.", _TVS, l2beat.VALUE),
    ),
)
