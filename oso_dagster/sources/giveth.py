"""Giveth: rounds of quadratic funding, and the projects that take part in them (GraphQL).

Rounds are managed in v6-core since January 2026 (giveth-v6-fe 664e390, docs/EXTERNAL-SERVICES.md); the older API, impact-graph,
keeps those before. Both are asked, and an API that does not answer keeps its last good rows. A round that both list, by its name
in addresses, is taken from the older one where it ended before that, else from v6. A project has one number in both: the form
by which projects apply for a round of v6 sends that of the older API.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from oso_dagster.connectors.answers import AnswerError, take, take_list
from oso_dagster.connectors.http.graphql import GraphqlEndpoint, News, asking
from oso_dagster.connectors.http.pacing import Pace
from oso_dagster.connectors.http.pages import by_offset, walk
from oso_dagster.connectors.http.rest import client_of, settings_of
from oso_dagster.connectors.items import Items
from oso_dagster.connectors.undeclared import Known
from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest, LoadFacts
from oso_dagster.domain.catalogue.source import (
    Child,
    Cost,
    Disposition,
    Schedule,
    SchemaContract,
    Setting,
    SettingKind,
    Source,
    Stability,
    Table,
)
from oso_dagster.sources import _giveth_fields as fields
from oso_dagster.sources._giveth_fields import APIS, LEGACY, PAGE, V6, V6_ID

_PACE = Pace(concurrency=1, per_second=2)
_NEED = "giveth.qf_rounds.id"
_MOVED = "2026-01-01"
"""What ended before belongs to the older API, also where v6 has a copy."""
_ROUND_KNOWN = Known.by(fields.ROUNDS, fields.ROUND_KEYS, fields.ROUND_LEFT_OUT)
_BY_API = "rounds_by_api"
"""The fact, names of rounds by the API that they were taken from."""

_Record = dict[str, Any]


@dataclass(frozen=True)
class _Round:
    """What a round has, as Arrow tables, and the names of the fields that came."""

    projects: Any
    addresses: Any
    fields: set[str]


def _rounds(request: ExtractRequest) -> Extract:
    """All rounds there were and are, of both APIs; those of one that does not answer stay as they were."""
    from oso_dagster.connectors import records, undeclared  # noqa: PLC0415  (Arrow loads when used)

    items, news = Items.of(request, len(APIS)), dict[str, News]()

    def listed(api: str) -> list[_Record]:
        endpoint = _endpoint(request, api)
        with endpoint.client.trusting(endpoint.url):
            news[api] = endpoint.news("QfRound" if api == LEGACY else "QfRoundEntity", _ROUND_KNOWN)
            rounds = _listed(endpoint, api, news[api])
            return [round_ | {"slug": take(round_, "slug"), "end": str(take(round_, "endDate"))} for round_ in rounds]

    by_api = dict(items.each(APIS, listed))
    before: Mapping[str, list[str]] = request.kept_facts.get(_BY_API) or {}
    rounds = _each_once(by_api, {api: set(before.get(api, ())) for api in APIS})
    plain = [{name: value for name, value in round_.items() if name != "end"} for round_ in rounds]
    rows, unknown = undeclared.table_with_news(fields.ROUNDS, plain, fields.ROUND_KEYS, fields.ROUND_LEFT_OUT)
    taken = {api: sorted(round_["slug"] for round_ in rounds if round_["api"] == api) for api in APIS}
    facts: LoadFacts = {_BY_API: {api: taken[api] if api in by_api else before.get(api, []) for api in APIS}}
    facts |= _merged(news.values()).facts(requested=True, also=unknown)
    items.tell(facts)
    return Extract(records.version_of(rows), {request.table: [rows]}, facts)


def _listed(endpoint: GraphqlEndpoint, api: str, news: News) -> list[_Record]:
    if api == LEGACY:
        return take_list(endpoint.ask(asking(fields.LEGACY_ROUNDS_QUERY, news.plain), {}), "qfRounds")

    def page(skip: int) -> tuple[list[Any], int]:
        data = endpoint.ask(asking(fields.V6_ROUNDS_QUERY, news.plain), {"take": PAGE, "skip": skip})
        return take_list(data, "qfRounds", "rounds"), _total(data, "qfRounds", "total")

    return list(walk(by_offset(page, PAGE)))


def _each_once(by_api: Mapping[str, list[_Record]], before: Mapping[str, set[str]]) -> list[_Record]:
    """Every round of the APIs that answered, from one API. `before` are the rounds taken from each in the last good load."""
    there = {api: {round_["slug"] for round_ in rounds} for api, rounds in by_api.items()}
    old = {round_["slug"] for round_ in by_api.get(LEGACY, ()) if round_["end"] < _MOVED}
    if LEGACY not in by_api:
        old = before[LEGACY]
    of_v6 = there.get(V6, before[V6]) - old
    legacy = [round_ | {"api": LEGACY} for round_ in by_api.get(LEGACY, ()) if round_["slug"] not in of_v6]
    newer = [
        round_ | {"api": V6, "id": f"{V6_ID}{take(round_, 'id')}"} for round_ in by_api.get(V6, ()) if round_["slug"] in of_v6
    ]
    return legacy + newer


def _projects(request: ExtractRequest) -> Extract:
    """The projects of every known round, round by round.

    Fewer or more of them than are announced, or one that cannot be read, sets that round aside.
    """
    import pyarrow as pa  # noqa: PLC0415  (Arrow loads when used)

    from oso_dagster.connectors import records  # noqa: PLC0415
    from oso_dagster.connectors.arrow import schema_of  # noqa: PLC0415

    round_ids = sorted(request.inputs[_NEED], key=lambda id_: (id_.startswith(V6_ID), int(id_.removeprefix(V6_ID))))
    endpoints = {api: _endpoint(request, api) for api in APIS if any(_api_of(id_) == api for id_ in round_ids)}
    items, news = Items.of(request, len(round_ids)), dict[str, News]()

    def of_round(round_id: str) -> _Round:
        api = _api_of(round_id)
        with endpoints[api].client.trusting(endpoints[api].url):
            if api not in news:
                news[api] = endpoints[api].news("Project" if api == LEGACY else "ProjectEntity", fields.PROJECT_KNOWN)
            projects = _of_round(endpoints[api], round_id)
            return _Round(
                records.table_of_records(fields.PROJECTS, projects, fields.PROJECT_KEYS),
                records.table_of_records(fields.ADDRESSES, _addresses(projects), fields.ADDRESS_KEYS),
                {name for project in projects for name in project},
            )

    by_round = dict(items.each(round_ids, of_round))
    rows = pa.concat_tables([schema_of(fields.PROJECTS).empty_table(), *(each.projects for each in by_round.values())])
    nested = pa.concat_tables([schema_of(fields.ADDRESSES).empty_table(), *(each.addresses for each in by_round.values())])
    batches = {request.table: [rows], f"{request.table}__addresses": [nested]}
    also = fields.PROJECT_KNOWN.unknown(name for each in by_round.values() for name in each.fields)
    facts: LoadFacts = {"projects_by_round": {round_id: each.projects.num_rows for round_id, each in by_round.items()}}
    facts |= _merged(news.values()).facts(requested=False, also=also)
    items.tell(facts)
    return Extract(records.version_of(rows, nested), batches, facts)


def _addresses(projects: Iterable[_Record]) -> list[_Record]:
    return [
        at
        | {
            "round_id": project["round_id"],
            "project_id": take(project, "id"),
            "position": place,
            "networkId": _whole(take(at, "networkId")),
        }
        for project in projects
        for place, at in enumerate(take(project, "addresses") or ())
    ]


def _of_round(endpoint: GraphqlEndpoint, round_id: str) -> list[_Record]:
    pages = by_offset(lambda skip: _page(endpoint, round_id, skip), PAGE)
    return [project | {"round_id": round_id} for project in walk(pages)]


def _page(endpoint: GraphqlEndpoint, round_id: str, skip: int) -> tuple[list[Any], int]:
    variables = {"round": int(round_id.removeprefix(V6_ID)), "limit": PAGE, "skip": skip}
    if _api_of(round_id) == V6:
        data = endpoint.ask(fields.V6_PROJECTS_QUERY, variables)
        return take_list(data, "projects", "projects"), _total(data, "projects", "total")
    data = endpoint.ask(fields.LEGACY_PROJECTS_QUERY, variables)
    return take_list(data, "allProjects", "projects"), _total(data, "allProjects", "totalCount")


def _endpoint(request: ExtractRequest, api: str) -> GraphqlEndpoint:
    return GraphqlEndpoint(client_of(request, _PACE), request.settings["url" if api == LEGACY else "v6_url"])


def _api_of(round_id: str) -> str:
    return V6 if round_id.startswith(V6_ID) else LEGACY


def _merged(news: Iterable[News]) -> News:
    """The news of all APIs that answered, as of one."""
    several = list(news)
    errors = [each.schema_error for each in several if each.schema_error]
    return News(
        tuple(sorted({name for each in several for name in each.plain})),
        tuple(sorted({name for each in several for name in each.others})),
        "; ".join(errors) or None,
    )


def _total(data: Any, *path: str) -> int:
    total = take(data, *path)
    if isinstance(total, bool) or not isinstance(total, int | float):
        raise AnswerError(f"{'.'.join(path)} is {total!r}, no number; its type has changed")
    return int(total)


def _whole(number: Any) -> Any:
    """The number of a chain; the older API writes it as a float."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


SOURCE = Source(
    name="giveth",
    title="Giveth",
    homepage="https://giveth.io",
    licence="Terms of use of Giveth",
    owner="team:data",
    stability=Stability.UNSTABLE,
    settings=(
        *settings_of("https://mainnet.serve.giveth.io/graphql", "Address of the older GraphQL API, impact-graph", per_second=2),
        Setting(
            "v6_url",
            SettingKind.URL,
            "Address of the GraphQL API that manages rounds since 2026",
            default="https://core.v6.giveth.io/graphql",
            endpoint=True,
        ),
    ),
    tables=(
        Table(
            name="qf_rounds",
            description="One row per round of quadratic funding.",
            columns=fields.ROUNDS,
            primary_key=("id",),
            disposition=Disposition.REPLACE,
            extract=_rounds,
            schedule=Schedule("30 5 * * *"),
            cost=Cost(calls=4, bytes=60_000),
            fresh_within=timedelta(days=3),
            item_column="api",
            why_not={
                "bands": "Some dozens of rounds, of which each may be as large as all before",
                "second_count": "v6 counts its rounds, and that count must fit; the older API counts none",
            },
            set_aside_share=0.5,
        ),
        Table(
            name="projects",
            description="One row per project and round that it takes part in; one that Giveth lists no more leaves past rounds.",
            columns=fields.PROJECTS,
            children=(Child("addresses", "Addresses of the projects", fields.ADDRESSES, ("round_id", "project_id", "position")),),
            primary_key=("round_id", "project_id"),
            disposition=Disposition.REPLACE,
            extract=_projects,
            schedule=Schedule("40 5 * * *"),
            cost=Cost(calls=80, bytes=3_000_000),
            fresh_within=timedelta(days=3),
            needs=(_NEED,),
            contract=SchemaContract.REPORT,
            item_column="round_id",
            sums=("donations",),
            why_not={
                "limits": "80 requests at two a second are begun again",
                "second_count": "Giveth counts the projects of a round, and that count must fit",
            },
            set_aside_share=0.1,
        ),
    ),
)
