"""A day of GitHub events, from the sandbox's hourly files into the warehouse: whole, typed, each once, or an error by name."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from oso_dagster.connectors.github import archive_files
from oso_dagster.sources.github import SOURCE
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from tests.sources.archive_server import (
    AFTER,
    BEFORE,
    QUICK,
    TABLE,
    _plain,
    ask,
    drawn,
    serving,
    truth,
)
from tests.support.clock import clock

pytestmark = pytest.mark.server


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_files, "PATIENCE", QUICK)


def test_a_day_arrives_as_the_world_has_it(tmp_path: Path) -> None:
    with serving() as (url, asked):
        table, facts = drawn(url, BEFORE, tmp_path)
    events = truth(BEFORE)
    assert sorted(asked) == sorted(f"2025-10-05-{hour}" for hour in range(24))
    assert table["id"].to_pylist() == [event["id"] for event in events]
    assert table["actor_login"].to_pylist() == [event["actor"]["login"] for event in events]
    assert table["org_login"].to_pylist() == [event.get("org", {}).get("login") for event in events]
    assert [f"{when:%Y-%m-%dT%H:%M:%SZ}" for when in table["created_at"].to_pylist()] == [event["created_at"] for event in events]
    assert table["push_distinct_size"].to_pylist() == [event["payload"].get("distinct_size") for event in events]
    assert table["release_tag_name"].to_pylist() == [event["payload"].get("release", {}).get("tag_name") for event in events]
    assert table["number"].to_pylist() == [_number(event["payload"]) for event in events]
    assert sum(facts["events_by_hour"].values()) == sum(facts["events_by_type"].values()) == len(events)
    assert list(tmp_path.glob("gharchive/*")) == []


def _number(payload: dict[str, Any]) -> int | None:
    number: int | None = {**payload.get("issue", {}), **payload.get("pull_request", {})}.get("number")
    return number


@pytest.mark.parametrize(("day", "regime"), [(BEFORE, "with_commits"), (AFTER, "head_only")])
def test_pushes_tell_their_regime_and_other_events_none(day: datetime, regime: str, tmp_path: Path) -> None:
    with serving() as (url, _):
        table, _ = drawn(url, day, tmp_path)
    assert {(row["type"] == "PushEvent", row["push_regime"]) for row in table.select(["type", "push_regime"]).to_pylist()} == {
        (True, regime),
        (False, None),
    }


def test_merged_pull_requests_are_known_in_both_regimes(tmp_path: Path) -> None:
    for day in (BEFORE, AFTER):
        with serving() as (url, _):
            table, _ = drawn(url, day, tmp_path)
        merged = [event["id"] for event in truth(day) if _is_merged(event)]
        assert merged
        assert [row["id"] for row in table.to_pylist() if row["pull_request_is_merged"]] == merged


def _is_merged(event: dict[str, Any]) -> bool:
    payload = event["payload"]
    return payload.get("action") == "merged" or bool(payload.get("pull_request", {}).get("merged"))


def test_no_email_address_is_kept(tmp_path: Path) -> None:
    assert "@sbx.example" in json.dumps(truth(BEFORE))
    with serving() as (url, _):
        table, _ = drawn(url, BEFORE, tmp_path)
    assert "@" not in json.dumps(table.to_pylist(), default=str)


def test_a_partition_loaded_again_gives_the_same_rows_and_leaves_its_neighbours(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "w.duckdb", world="sandbox", cache=tmp_path, lock_timeout_seconds=20, clock=clock)
    assert TABLE.partitions is not None
    with serving() as (url, _):
        for day in (BEFORE, AFTER, BEFORE):
            window = TABLE.partitions.window(f"{day:%Y-%m-%d}")
            warehouse.load(SOURCE, TABLE, ask(url, day, tmp_path), fingerprint="f", window=window)
    with duckdb.connect(str(tmp_path / "w.duckdb"), read_only=True) as connection:
        rows = connection.execute("SELECT id, created_at::DATE::VARCHAR FROM github.events ORDER BY created_at, id").fetchall()
    assert sorted(rows) == sorted((event["id"], event["created_at"][:10]) for day in (BEFORE, AFTER) for event in truth(day))


def test_missing_hours_are_asked_for_again_and_then_all_named(tmp_path: Path) -> None:
    with serving(lambda hour, lines: None if hour in {3, 17} else _plain(hour, lines)) as (url, asked):
        with pytest.raises(archive_files.ArchiveError, match=r"2 of 24 files.*2025-10-05-3: missing.*2025-10-05-17: missing"):
            drawn(url, BEFORE, tmp_path)
        assert asked.count("2025-10-05-17") == QUICK.attempts
    assert list(tmp_path.glob("gharchive/*")) == []


def test_an_hour_that_is_only_late_is_no_error(tmp_path: Path) -> None:
    tries: list[int] = []

    def late(hour: int, lines: list[dict[str, Any]]) -> bytes | None:
        tries.append(hour)
        return None if tries.count(5) == 1 and hour == 5 else _plain(hour, lines)

    with serving(late) as (url, _):
        table, _ = drawn(url, BEFORE, tmp_path)
    assert table.num_rows == len(truth(BEFORE))


def test_an_archive_that_asks_for_a_long_pause_is_not_asked_again(tmp_path: Path) -> None:
    with serving(lambda hour, lines: _plain(hour, lines) if hour != 3 else 3600) as (url, asked):
        with pytest.raises(
            archive_files.ArchiveError, match=r"2025-10-05-3: the server answers 429 .*, and asks for a pause of 3,600 s"
        ):
            drawn(url, BEFORE, tmp_path)
        assert asked.count("2025-10-05-3") == 1


def test_an_archive_that_asks_for_a_pause_gets_it_and_then_gives_the_file(tmp_path: Path) -> None:
    asked: list[int] = []

    def busy(hour: int, lines: list[dict[str, Any]]) -> bytes | int:
        asked.append(hour)
        return 1 if hour == 5 and asked.count(5) == 1 else _plain(hour, lines)

    with serving(busy) as (url, _):
        assert drawn(url, BEFORE, tmp_path)[0].num_rows == len(truth(BEFORE))
