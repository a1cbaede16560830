"""EAS: attestations of the Ethereum Attestation Service on Optimism, week by week, from its public indexer (GraphQL).

A week brings what was attested in it, what came to the indexer in it (an attestation that is kept off chain comes when its owner
publishes it, and the indexer fills gaps), and what was revoked in it, whenever that was attested: so `revoked` does not go stale.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from oso_dagster.connectors.answers import AnswerError, take, take_list
from oso_dagster.connectors.http.graphql import GraphqlEndpoint, asking
from oso_dagster.connectors.http.pacing import Pace
from oso_dagster.connectors.http.pages import Page, walk
from oso_dagster.connectors.http.rest import client_of, settings_of
from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest, RefusedError
from oso_dagster.domain.catalogue.partitions import PartitionKind, Partitions
from oso_dagster.domain.catalogue.source import Column, ColumnType, Cost, Disposition, Schedule, Source, Stability, Table

_PACE = Pace(concurrency=1, per_second=2)
_PAGE = 1_000
_LATEST = 2**31 - 1
"""What the indexer writes for every end that is later: it counts seconds in 32 bits."""

_COUNT = "query ($where: AttestationWhereInput!) { aggregateAttestation(where: $where) { _count { _all } } }"
_LIST = """
query ($where: AttestationWhereInput!, $take: Int!, $skip: Int!, $cursor: AttestationWhereUniqueInput) {
  attestations(where: $where, orderBy: [{time: asc}, {id: asc}], take: $take, skip: $skip, cursor: $cursor) {
    id schemaId attester recipient time expirationTime revocationTime revocable revoked refUID txid decodedDataJson isOffchain
    # new fields
  }
}"""
_COLUMNS = (
    Column("id", ColumnType.VARCHAR, "UID of the attestation, 0x…", nullable=False),
    Column("schema_id", ColumnType.VARCHAR, "UID of the schema that says what is attested", nullable=False),
    Column("attester", ColumnType.VARCHAR, "Address that attests", nullable=False),
    Column("recipient", ColumnType.VARCHAR, "Address that it is about; 0x000… where it is about none", nullable=False),
    Column("time", ColumnType.TIMESTAMP, "When it was attested", nullable=False),
    Column("expiration_time", ColumnType.TIMESTAMP, "When it ends; null where it does not, or not before 2038-01-19"),
    Column("revocation_time", ColumnType.TIMESTAMP, "When it was revoked; null where it was not"),
    Column("revocable", ColumnType.BOOLEAN, "Whether it may be revoked", nullable=False),
    Column("revoked", ColumnType.BOOLEAN, "Whether it was revoked, up to the newest loaded week", nullable=False),
    Column("ref_uid", ColumnType.VARCHAR, "Attestation that it refers to; 0x000… for none", nullable=False),
    Column("txid", ColumnType.VARCHAR, "Hash of the transaction; null for one that is kept off chain"),
    Column("decoded_data_json", ColumnType.VARCHAR, "What is attested: a JSON list of fields, as the indexer decodes it"),
    Column("is_offchain", ColumnType.BOOLEAN, "Whether it is kept off chain", nullable=False),
)
_KEYS = {
    "schema_id": ("schemaId",),
    "expiration_time": ("expirationTime",),
    "revocation_time": ("revocationTime",),
    "ref_uid": ("refUID",),
    "decoded_data_json": ("decodedDataJson",),
    "is_offchain": ("isOffchain",),
}
_LEFT_OUT = "data|timeCreated|ipfsHash|schema|_count"
"""What an attestation has and nobody here needs; other plain fields are asked for, since all is public."""


def _extract(request: ExtractRequest) -> Extract:
    """The week of the partition by a cursor that does not slip; fewer or more than the indexer counts is an error."""
    from oso_dagster.connectors import records, undeclared  # noqa: PLC0415  (Arrow loads when used)

    if request.window is None or request.window.start is None or request.window.end is None:
        raise RefusedError("eas_optimism.attestations is loaded by week: name a partition")
    span = {"gte": int(request.window.start.timestamp()), "lt": int(request.window.end.timestamp())}
    where = {"OR": [{"time": span}, {"timeCreated": span}, {"revocationTime": span}]}
    endpoint = GraphqlEndpoint(client_of(request, _PACE), request.settings["url"])
    with endpoint.client.trusting(endpoint.url):
        total = take(endpoint.ask(_COUNT, {"where": where}), "aggregateAttestation", "_count", "_all")
        if isinstance(total, bool) or not isinstance(total, int):
            raise AnswerError(f"aggregateAttestation._count._all is {total!r}, no number; its type has changed")
        news = endpoint.news("Attestation", undeclared.Known.by(_COLUMNS, _KEYS, _LEFT_OUT))
        query = asking(_LIST, news.plain)
        attestations = [_plain(attestation) for attestation in walk(lambda cursor: _page(endpoint, query, where, cursor, total))]
        rows, unknown = undeclared.table_with_news(_COLUMNS, attestations, _KEYS, _LEFT_OUT)
    facts = {"attestations": total} | news.facts(requested=True, also=unknown)
    return Extract(records.version_of(rows), {request.table: [rows]}, facts)


def _page(endpoint: GraphqlEndpoint, query: str, where: dict[str, Any], cursor: str | int | None, total: int) -> Page:
    """Behind the attestation `cursor`, or from the beginning; the page that has none is the last."""
    place = {"cursor": {"id": cursor}, "skip": 1} if cursor else {"skip": 0}
    attestations = take_list(endpoint.ask(query, {"where": where, "take": _PAGE, **place}), "attestations")
    return Page(attestations, take(attestations[-1], "id") if attestations else None, total)


def _plain(attestation: Any) -> Any:
    """Upstream writes 0 for a time that never comes, its largest number for a later one, and an empty text for no transaction."""
    absent: dict[str, tuple[Any, ...]] = {"expirationTime": (0, _LATEST), "revocationTime": (0,), "txid": ("",)}
    return attestation | {name: None for name, none in absent.items() if take(attestation, name) in none}


SOURCE = Source(
    name="eas_optimism",
    title="Ethereum Attestation Service on Optimism",
    homepage="https://optimism.easscan.org",
    licence="Public data of the chain; terms of service of EAS",
    owner="team:data",
    stability=Stability.UNSTABLE,
    settings=settings_of("https://optimism.easscan.org/graphql", "Address of the indexer's GraphQL API", per_second=2),
    tables=(
        Table(
            name="attestations",
            description="One row per attestation on Optimism, with whether it was revoked.",
            columns=_COLUMNS,
            primary_key=("id",),
            disposition=Disposition.MERGE,
            extract=_extract,
            schedule=Schedule("10 5 * * *"),
            cost=Cost(calls=100, bytes=80_000_000),
            event_time="time",
            events_within=timedelta(days=16),
            identity="`id` of the attestation, from its chain",
            why_not={
                "set_aside": "A week is one query; a count of the same week says whether all of it came",
                "look_again": "A week asks by the time that an attestation entered the index as well: late ones come with theirs",
                "limits": "No limit was ever seen; a week is a few requests, begun again",
                "bands": "Attestations come in campaigns: no week is like another",
                "second_count": "The index counts each week itself, and that count must fit",
            },
            keeps_deleted="Attestations are on a chain: they are revoked, never deleted",
            partitions=Partitions(
                PartitionKind.WEEKLY,
                start=datetime(2023, 7, 28, tzinfo=UTC),
                available_after=timedelta(hours=3),
                due_after=timedelta(hours=8),
            ),
            range_in_one_run=True,
            may_be_empty=True,  # upstream itself counts what there is of a week
        ),
    ),
)
