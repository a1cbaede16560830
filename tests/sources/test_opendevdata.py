"""Open Dev Data's commits, read by ranges from a server that holds a snapshot: the named repositories, in parts, nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from oso_dagster.connectors import parquet_ranges
from oso_dagster.connectors.http.rest import Client, RateLimitedError, RestError
from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest, Loaded, RefusedError, Unchanged
from oso_dagster.sources import opendevdata
from oso_dagster.sources.opendevdata import SOURCE
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from tests.support.asgi import serving
from tests.support.clock import clock

pytestmark = pytest.mark.server

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
(TABLE,) = SOURCE.tables
NAMES = ("Sbx/One", "sbx/five")
QUICK = {"requests_per_second": "1000", "pause_seconds": "0.001", "timeout_seconds": "20", "patience_seconds": "1"}
REPOS = {number: f"sbx/{name}" for number, name in enumerate(("one", "two", "three", "four", "five", "six"), 1)}
PERSON = "person@sbx.example " * 4_000
"""Long, so that the columns around it are far from the end of the file, which is read for its footer."""


def commits(repository: int, count: int = 3) -> list[dict[str, Any]]:
    """Commits as a snapshot has them, names and addresses of people among them."""
    moment = datetime(2026, 2, repository)  # noqa: DTZ001  (the snapshots have times without a zone)
    return [
        {
            "id": repository * 100 + number,
            "repo_id": repository,
            "sha1": f"{repository:02d}{number:038d}",
            "created_at": moment,
            "additions": number,
            "deletions": 1,
            "authored_at": moment,
            "authored_at_offset": 0,
            "committed_at": moment + timedelta(hours=number),
            "committed_at_offset": 0,
            "commit_author_name": "A Person",
            "commit_author_email": PERSON,
            "canonical_developer_id": 7,
            "is_bot": 0,
        }
        for number in range(count)
    ]


def publish(folder: Path, version: str, parts: Sequence[Sequence[int]], lost: str | None = None) -> Path:
    """A snapshot with a row group for each part, a list of repositories; its file of commits."""
    place = folder / version
    place.mkdir(parents=True)
    pq.write_table(pa.table({"id": list(REPOS), "name": list(REPOS.values())}), place / "repos.parquet")
    groups = [pa.Table.from_pylist([row for repository in part for row in commits(repository)]) for part in parts]
    groups = [group.drop_columns([lost]) if lost else group for group in groups]
    with pq.ParquetWriter(place / "commits.parquet", groups[0].schema, compression="none", use_dictionary=False) as writer:
        for group in groups:
            writer.write_table(group, row_group_size=1_000)
    resources = [
        {"path": f"/{version}/{name}.parquet", "size_bytes": (place / f"{name}.parquet").stat().st_size, "b3sum": "0"}
        for name in ("repos", "commits")
    ]
    (folder / "manifest.json").write_text(json.dumps({"dataset": {"version": version, "resources": resources}}))
    return place / "commits.parquet"


@dataclass
class Snapshots:
    """A server of snapshots and a warehouse beside it; `sent` are the spans of the file of commits that were asked for."""

    url: str
    folder: Path
    home: Path
    sent: list[str] = field(default_factory=list)

    @property
    def warehouse(self) -> DuckDBWarehouse:
        return DuckDBWarehouse(self.home / "w.duckdb", world="sandbox", cache=self.home, lock_timeout_seconds=20, clock=clock)

    @property
    def spans(self) -> list[tuple[int, int]]:
        return [(int(begin), int(end) + 1) for begin, end in (span.removeprefix("bytes=").split("-") for span in self.sent)]

    def load(self, names: Sequence[str] = NAMES) -> Loaded | Unchanged:
        settings: Mapping[str, str] = {"url": f"{self.url}/manifest.json"} | QUICK
        previous = self.warehouse.last_load("opendevdata", "commits")
        inputs = {TABLE.needs[0]: names}
        request = ExtractRequest("opendevdata", "commits", NOW, self.home, settings, previous=previous, inputs=inputs)
        extract = TABLE.extract(request)
        return self.warehouse.load(SOURCE, TABLE, extract, fingerprint="f") if isinstance(extract, Extract) else extract

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.warehouse.read() as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def snapshots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Snapshots]:
    monkeypatch.setattr(parquet_ranges, "_READ_AHEAD", 1)
    folder = tmp_path / "served"
    folder.mkdir()
    files, sent = StaticFiles(directory=folder), list[str]()

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"].endswith("commits.parquet"):
            sent.append(dict(scope["headers"])[b"range"].decode())
        await files(scope, receive, send)

    with serving(noting) as url:
        yield Snapshots(url, folder, tmp_path, sent)


def test_the_commits_of_named_repositories_arrive_and_nothing_of_people_is_asked_for(snapshots: Snapshots) -> None:
    file = publish(snapshots.folder, "20260301", [(1, 2), (3, 4), (5, 6)])
    loaded = snapshots.load()
    assert isinstance(loaded, Loaded)
    assert snapshots.rows("SELECT repo_name, count(*), sum(additions)::INT FROM opendevdata.commits GROUP BY ALL ORDER BY 1") == [
        ("sbx/five", 3, 3),
        ("sbx/one", 3, 3),
    ]
    ((latest,),) = snapshots.rows("SELECT max(committed_at) FROM opendevdata.commits")
    assert latest.astimezone(UTC) == datetime(2026, 2, 5, 2, tzinfo=UTC)
    content = file.read_bytes()
    footer = len(content) - pq.ParquetFile(file).metadata.serialized_size - 8
    fetched = b"".join(content[begin:end] for begin, end in snapshots.spans if end <= footer)
    assert b"sbx.example" in content[:footer]
    assert fetched
    assert b"sbx.example" not in fetched
    assert loaded.record.facts["bytes"] < len(content)


def test_the_same_snapshot_is_not_read_twice_and_a_new_one_is(snapshots: Snapshots) -> None:
    publish(snapshots.folder, "20260301", [(1, 2)])
    snapshots.load()
    asked = len(snapshots.sent)
    assert isinstance(snapshots.load(), Unchanged)
    assert len(snapshots.sent) == asked
    publish(snapshots.folder, "20260308", [(1, 2), (5,)])
    snapshots.load()
    assert snapshots.rows("SELECT count(*) FROM opendevdata.commits") == [(6,)]


def test_a_run_reads_a_bounded_part_and_the_next_one_goes_on(snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opendevdata, "MOST_BYTES", 10)
    publish(snapshots.folder, "20260301", [(1, 2), (1, 4), (5, 6)])
    first = snapshots.load()
    assert isinstance(first, Loaded)
    assert first.record.cut_short is not None
    assert first.record.continuation == {"row_group": 1}
    runs = [snapshots.load() for _ in range(2)]
    assert [run.record.cut_short is None for run in runs if isinstance(run, Loaded)] == [False, True]
    assert snapshots.rows("SELECT count(*) FROM opendevdata.commits") == [(6,)]


def test_a_limit_keeps_what_was_read_and_the_next_run_goes_on(snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(snapshots.folder, "20260301", [(1, 2), (5, 6)])
    read, limited = parquet_ranges.RangedParquet.read, [1]

    def limiting(file: Any, columns: Sequence[str], groups: Sequence[int]) -> Iterator[pa.Table]:
        if limited and list(groups) == limited:
            raise RateLimitedError("429", 0.0)
        return read(file, columns, groups)

    monkeypatch.setattr(parquet_ranges.RangedParquet, "read", limiting)
    first = snapshots.load()
    assert isinstance(first, Loaded)
    assert "the limit came with 1 of 2 row groups left" in str(first.record.cut_short)
    assert snapshots.rows("SELECT count(*) FROM opendevdata.commits") == [(3,)]
    limited.clear()
    snapshots.load()
    assert snapshots.rows("SELECT count(*) FROM opendevdata.commits") == [(6,)]


def test_a_column_that_nobody_declared_is_reported(snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(opendevdata._NOT_TAKEN, "created_at")
    publish(snapshots.folder, "20260301", [(1,)])
    loaded = snapshots.load()
    assert isinstance(loaded, Loaded)
    assert loaded.record.facts["unknown_fields"] == ["created_at"]


def test_row_groups_without_a_named_repository_are_not_fetched(snapshots: Snapshots) -> None:
    file = publish(snapshots.folder, "20260301", [(1,), (2, 3), (3, 4)])
    snapshots.load()
    metadata = pq.ParquetFile(file).metadata
    begin = metadata.row_group(1).column(0).data_page_offset
    footer = file.stat().st_size - metadata.serialized_size - 8
    assert [span for span in snapshots.spans if span[1] <= begin]
    assert not [span for span in snapshots.spans if span[1] > begin and span[1] <= footer]


def test_a_column_that_is_lost_and_a_file_that_is_lost_are_errors_by_name(snapshots: Snapshots) -> None:
    publish(snapshots.folder, "20260301", [(1,)], lost="sha1")
    with pytest.raises(RestError, match=r"commits\.parquet: sha1 is missing"):
        snapshots.load()
    manifest = json.loads((snapshots.folder / "manifest.json").read_text())
    manifest["dataset"]["resources"].pop()
    (snapshots.folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RefusedError, match=r"has no commits\.parquet"):
        snapshots.load()


def test_a_snapshot_with_none_of_the_repositories_is_refused(snapshots: Snapshots) -> None:
    publish(snapshots.folder, "20260301", [(1,)])
    with pytest.raises(RefusedError, match="none of 1 repositories"):
        snapshots.load(["sbx/nobody"])


def test_a_server_that_ignores_ranges_is_an_error() -> None:
    async def whole(scope: Any, receive: Any, send: Any) -> None:
        await Response(b"x" * 500, media_type="application/octet-stream")(scope, receive, send)

    with serving(whole) as url, pytest.raises(RestError, match="does not honour Range"):
        parquet_ranges.RangedParquet(Client(), f"{url}/x.parquet", 400).require(["a"])
