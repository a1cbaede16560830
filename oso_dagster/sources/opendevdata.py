"""Open Dev Data (Electric Capital): commits by repository, of the repositories that OSS Directory names.

Written from PyPI's `open-dev-data` 1.4 (`download.py`: the manifest, its resources and sizes) and the columns that public users
of the snapshots read (`commits`, `repos`). One file of commits, some 16 GB: read by ranges, only the columns that are taken, a
bounded part a run. Columns with names and addresses of people are not asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from oso_dagster.connectors.http.pacing import Pace
from oso_dagster.connectors.http.rest import RateLimitedError, client_of, settings_of
from oso_dagster.domain.catalogue.loading import (
    CONTINUATION,
    CUT_SHORT,
    UNKNOWN_FIELDS,
    Extract,
    ExtractRequest,
    RefusedError,
    Unchanged,
)
from oso_dagster.domain.catalogue.source import Column, ColumnType, Cost, Disposition, Schedule, Source, Stability, Table

if TYPE_CHECKING:
    import pyarrow as pa

    from oso_dagster.connectors.parquet_ranges import RangedParquet

_URL = "https://data.opendevdata.org/manifest.json"
_KNOWN = "github.repositories.name_with_owner"
_COMMITS, _REPOS = "commits.parquet", "repos.parquet"
MOST_BYTES = 2_000_000_000
"""Bytes of commits that one run fetches; the next goes on with the next row group."""

_COLUMNS = (
    Column("repo_id", ColumnType.BIGINT, "Open Dev Data's id of the repository", nullable=False),
    Column("repo_name", ColumnType.VARCHAR, "owner/name, in lower case", nullable=False),
    Column("sha1", ColumnType.VARCHAR, "Hash of the commit", nullable=False),
    Column("authored_at", ColumnType.TIMESTAMP, "When it was written"),
    Column("committed_at", ColumnType.TIMESTAMP, "When it was committed"),
    Column("additions", ColumnType.BIGINT, "Lines that it added"),
    Column("deletions", ColumnType.BIGINT, "Lines that it removed"),
    Column("canonical_developer_id", ColumnType.BIGINT, "Open Dev Data's id of its author, over all names and addresses"),
    Column("is_bot", ColumnType.BIGINT, "1 where Open Dev Data takes its author for a bot"),
)
_NOT_TAKEN = {
    "commit_author_name": "names of people",
    "commit_author_email": "addresses of people",
    "id": "Open Dev Data's own number of a commit",
    "created_at": "when Open Dev Data noted it",
    "authored_at_offset": "times are in UTC",
    "committed_at_offset": "times are in UTC",
}
_TAKEN = tuple(column.name for column in _COLUMNS if column.name != "repo_name")


def _extract(request: ExtractRequest) -> Extract | Unchanged:
    """The next part of the newest snapshot, for the repositories that are named. Raises RestError, RefusedError."""
    from oso_dagster.connectors.answers import take  # noqa: PLC0415  (Arrow loads when used)
    from oso_dagster.connectors.parquet_ranges import RangedParquet  # noqa: PLC0415

    url, client = request.settings["url"], client_of(request, Pace(2, 5.0))
    document = client.get(url).document
    with client.trusting(url):
        version, sizes = str(take(document, "dataset", "version")), _sizes(document)
    previous = request.previous
    begin = 0
    if previous is not None and previous.facts.get("snapshot") == version:
        if not previous.cut_short:
            return Unchanged(previous.version, previous.facts)
        begin = int(previous.continuation["row_group"])
    lost = sorted({_COMMITS, _REPOS} - sizes.keys())
    if lost:
        raise RefusedError(
            f"{request.where}: the snapshot {version} has no {', '.join(lost)}; there are {', '.join(sorted(sizes))}"
        )
    files = {name: RangedParquet(client, urljoin(url, path), size) for name, (path, size) in sizes.items()}
    names = _names(files[_REPOS], {name.lower() for name in request.inputs[_KNOWN]})
    new = [name for name in files[_COMMITS].columns if name not in _TAKEN and name not in _NOT_TAKEN]
    facts: dict[str, Any] = {"snapshot": version, "repositories": len(names), UNKNOWN_FIELDS: sorted(new)}
    rows = _commits(files[_COMMITS], names, begin, facts)
    return Extract(f"{version}/{begin}", {request.table: rows}, facts)


def _sizes(document: Any) -> dict[str, tuple[str, int]]:
    """Path and size of each file of the snapshot, by its name."""
    from oso_dagster.connectors.answers import take, take_list  # noqa: PLC0415  (Arrow loads when used)

    listed = take_list(document, "dataset", "resources")
    return {str(take(entry, "path")).rpartition("/")[2]: (str(entry["path"]), int(take(entry, "size_bytes"))) for entry in listed}


def _names(file: RangedParquet, wanted: set[str]) -> dict[int, str]:
    """The names of the wanted repositories by Open Dev Data's ids. Raises RefusedError where it has none of them."""
    file.require(("id", "name"))
    names: dict[int, str] = {}
    for part in file.read(("id", "name"), range(file.groups)):
        pairs = zip(part["id"].to_pylist(), part["name"].to_pylist(), strict=True)
        names |= {number: name.lower() for number, name in pairs if name and name.lower() in wanted}
    if not names:
        raise RefusedError(f"{file.url}: it has none of {len(wanted):,} repositories. The old rows stay; check the endpoint")
    return names


def _commits(file: RangedParquet, names: Mapping[int, str], begin: int, facts: dict[str, Any]) -> Iterator[pa.Table]:
    """The commits of these repositories from a row group on, until the bytes of a run are spent."""
    import pyarrow as pa  # noqa: PLC0415  (Arrow loads when used)
    import pyarrow.compute as pc  # noqa: PLC0415

    from oso_dagster.connectors.arrow import schema_of  # noqa: PLC0415

    file.require(_TAKEN)
    schema, ids = schema_of(_COLUMNS), sorted(names)
    wanted = pa.array(ids, pa.int64())
    labels = pa.array([names[number] for number in ids])
    yield schema.empty_table()
    for group in range(begin, file.groups):
        if group > begin and file.received > MOST_BYTES:
            _cut(
                facts,
                group,
                f"{file.received:,} bytes were fetched; {file.groups - group:,} of {file.groups:,} row groups are left",
            )
            break
        if not file.may_hold(group, "repo_id", ids):
            continue
        try:
            parts = list(file.read(_TAKEN, [group]))
        except RateLimitedError as error:
            if group == begin:
                raise
            _cut(facts, group, f"the limit came with {file.groups - group:,} of {file.groups:,} row groups left. {error}")
            break
        for part in parts:
            chosen = part.filter(pc.is_in(part["repo_id"], wanted))
            named = chosen.append_column("repo_name", pc.take(labels, pc.index_in(chosen["repo_id"], wanted)))
            yield _fitted(named, schema, file.url)
    facts |= {"row_groups": file.groups, "bytes": file.received}


def _cut(facts: dict[str, Any], group: int, why: str) -> None:
    """Say that a run ends before a row group, with which the next one begins."""
    facts |= {CUT_SHORT: why, CONTINUATION: {"row_group": group}}


def _fitted(rows: pa.Table, schema: pa.Schema, url: str) -> pa.Table:
    """The rows in the declared columns, each commit of a repository once; times without a zone are UTC."""
    import pyarrow as pa  # noqa: PLC0415  (Arrow loads when used)

    from oso_dagster.connectors.http.rest import RestError  # noqa: PLC0415

    try:
        fitted = rows.select(schema.names).cast(schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise RestError(f"{url}: a column has changed its type: {error}. Change the source to match") from None
    keys = fitted.select(["repo_id", "sha1"]).append_column("row", pa.array(range(fitted.num_rows)))
    first = keys.group_by(["repo_id", "sha1"]).aggregate([("row", "min")])["row_min"]
    return fitted.take(first)


SOURCE = Source(
    name="opendevdata",
    title="Open Dev Data",
    homepage="https://opendevdata.org",
    licence="CC BY 4.0, Electric Capital",
    owner="team:data",
    stability=Stability.UNSTABLE,
    settings=settings_of(_URL, "Address of the manifest of Open Dev Data's snapshots", timeout=300),
    tables=(
        Table(
            name="commits",
            description="One row per commit that Open Dev Data has of a repository that OSS Directory names.",
            columns=_COLUMNS,
            primary_key=("repo_id", "sha1"),
            disposition=Disposition.MERGE,
            identity="`repo_id`; the name follows with the next snapshot",
            why_not={
                "set_aside": "One file, of which a row group that is damaged is read again",
                "bands": "A load is a part of a snapshot: other repositories each time",
                "second_count": "Open Dev Data has no count by repository",
            },
            keeps_deleted="A commit that a later snapshot leaves out was made all the same",
            extract=_extract,
            schedule=Schedule("20 6 * * *"),
            cost=Cost(calls=500, bytes=MOST_BYTES, duration=timedelta(minutes=30)),
            fresh_within=timedelta(hours=48),
            event_time="committed_at",
            events_may_stop="A snapshot is read in parts, over days; it trails its upstream by about a week",
            resumable=True,
            may_be_empty=True,  # a part may hold none of the named repositories; a snapshot without any of them is refused
            needs=(_KNOWN,),
            not_taken=_NOT_TAKEN,
        ),
    ),
)
