"""An archive whose days are short, late, damaged or hollow: whole, or by name, or set aside, and never untold."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from oso_dagster.connectors.github import archive_files, archive_gaps
from oso_dagster.domain.catalogue.loading import ExtractRequest, Loaded, RefusedError
from oso_dagster.sandbox.upstreams import gharchive
from oso_dagster.sources.github import SOURCE
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from tests.sources.archive_server import (
    BEFORE,
    OLD,
    QUICK,
    SHORT,
    TABLE,
    Change,
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


@pytest.mark.parametrize("hour", [0, 23])
def test_a_short_hour_is_an_error_that_names_it(hour: int, tmp_path: Path) -> None:
    with (
        serving(lambda at, lines: _plain(at, lines[:2] if at == hour else lines)) as (url, _),
        pytest.raises(archive_files.ArchiveError, match=rf"2025-10-05 is short: .*2025-10-05-{hour} \(2, "),
    ):
        drawn(url, BEFORE, tmp_path)


def test_a_day_below_the_archive_s_usual_size_is_an_error(tmp_path: Path) -> None:
    with (
        serving() as (url, _),
        pytest.raises(archive_gaps.ShortDayError, match="at least 1,000,000 are expected"),
    ):
        drawn(url, BEFORE, tmp_path, least_events_per_day="1000000")


def test_a_day_that_upstream_lost_may_be_short_and_have_gaps(tmp_path: Path) -> None:
    with serving(lambda hour, lines: None if hour == 7 else _plain(hour, lines[: hour % 2])) as (url, _):
        table, facts = drawn(url, SHORT, tmp_path)
    assert table.num_rows == 11
    assert facts["cut_short"].startswith("the archive has no file 2025-10-11-7; 2025-10-11 is short: 11 events")


def test_a_day_that_is_as_short_on_three_days_of_loading_is_taken_as_all_there_is(tmp_path: Path) -> None:
    def nearly_empty(hour: int, lines: list[dict[str, Any]]) -> bytes | None:
        return None if hour == 7 else _plain(hour, lines[:2] if hour == 15 else lines)

    first = datetime(2025, 10, 6, 8, tzinfo=UTC)
    with serving(nearly_empty) as (url, _):
        for hours in (0, 1, 24, 25):  # two tries of the same day are one
            with pytest.raises(archive_files.ArchiveError, match="on 3 different days"):
                drawn(url, BEFORE, tmp_path, first + timedelta(hours=hours))
        # the missing file is believed now, the short hour was first seen today
        for hours in (48, 72):
            with pytest.raises(archive_gaps.ShortDayError, match=r"2025-10-05-15 \(2, 3\.\d% of a usual hour\)"):
                drawn(url, BEFORE, tmp_path, first + timedelta(hours=hours))
        table, facts = drawn(url, BEFORE, tmp_path, first + timedelta(hours=96))
    assert table.num_rows > 1_000
    assert "the archive has no file 2025-10-05-7" in facts["cut_short"]
    assert set(facts["share_of_usual"]) == {"2025-10-05-15"}


def test_a_short_day_that_upstream_fills_meanwhile_is_refused_anew(tmp_path: Path) -> None:
    lines_of_an_hour = iter([2, 2, 3, 3])

    with serving(lambda hour, lines: _plain(hour, lines[: next(lines_of_an_hour)] if hour == 3 else lines)) as (url, _):
        for number in range(4):
            with pytest.raises(archive_gaps.ShortDayError):
                drawn(url, BEFORE, tmp_path, BEFORE + timedelta(days=number))


def test_a_short_day_is_published_with_a_warning_that_tells_its_coverage(tmp_path: Path) -> None:
    with serving(lambda hour, lines: _plain(hour, lines[: hour % 2])) as (url, _):
        loaded = landed(url, SHORT, tmp_path)
    (complete,) = [finding for finding in loaded.findings if finding.check == "complete"]
    assert not complete.passed
    assert not complete.blocking
    assert "12 events" in complete.message
    assert "% of a usual hour" in complete.message


def crawled(delays: Callable[[int], timedelta]) -> Change:
    """The files of an archive that writes events down when it comes to know of them, each after its own delay."""

    def change(hour: int, _: list[dict[str, Any]]) -> bytes:
        begin = BEFORE + timedelta(hours=hour)
        events = [
            line
            for back in range(9)
            for number, line in enumerate(gharchive.events(OLD, begin - timedelta(hours=back)))
            if 0 <= (moment_of(line) + delays(number) - begin).total_seconds() < 3600
        ]
        return gharchive.render(tuple(events))

    return change


def moment_of(line: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(line["created_at"])


@pytest.mark.parametrize(
    "delays",
    [lambda _: timedelta(seconds=30), lambda _: timedelta(minutes=5), lambda number: timedelta(minutes=number % 60 * 6)],
    ids=["30 s", "5 min", "up to 6 h"],
)
def test_a_day_is_whole_however_late_the_archive_came_to_know_of_it(delays: Callable[[int], timedelta], tmp_path: Path) -> None:
    with serving(crawled(delays), since=BEFORE) as (url, asked):
        table, facts = drawn(url, BEFORE, tmp_path, late_hours="6")
        again, _ = drawn(url, BEFORE, tmp_path, late_hours="6")
    assert len(set(asked)) == 30
    assert sorted(table["id"].to_pylist()) == sorted(event["id"] for event in truth(BEFORE))
    assert again.equals(table), "computed twice it is the same"
    assert set(facts["events_of_other_days"]) == {"2025-10-04"}
    assert facts["events_too_late"] == {}
    assert "cut_short" not in facts


def test_what_came_too_late_for_the_day_before_is_counted_and_warned_of(tmp_path: Path) -> None:
    with serving(crawled(lambda number: timedelta(hours=number % 8)), since=BEFORE) as (url, _):
        table, facts = drawn(url, BEFORE, tmp_path, late_hours="3")
    late = facts["events_too_late"]["2025-10-04"]
    assert late > 50
    assert f"{late:,} events came more than 3 h late and are in no partition ({late:,} of 2025-10-04)" in facts["cut_short"]
    assert {f"{moment:%Y-%m-%d}" for moment in table["created_at"].to_pylist()} == {"2025-10-05"}


def test_one_damaged_line_is_set_aside_by_name_and_stops_nothing(tmp_path: Path) -> None:
    healthy = landed_from(_plain, tmp_path)
    assert not [finding for finding in healthy.findings if not finding.passed]

    def damaged(hour: int, lines: list[dict[str, Any]]) -> bytes:
        content = gzip.decompress(_plain(hour, lines)).splitlines(keepends=True)
        return gzip.compress(b"".join([*content[:4], content[4][:90] + b"\n", *content[5:]] if hour == 9 else content))

    loaded = landed_from(damaged, tmp_path)
    lost = truth(BEFORE)[sum(len(list(gharchive.events(OLD, BEFORE + timedelta(hours=hour)))) for hour in range(9)) + 4]
    aside = loaded.record.facts["set_aside"]
    assert list(aside) == [lost["id"]]
    assert aside[lost["id"]].startswith("2025-10-05-9 line 5: an event is not as declared")
    assert [finding.check for finding in loaded.findings if not finding.passed] == ["set_aside"]
    assert loaded.record.row_count == healthy.record.row_count, "the row that it had before is kept"
    assert loaded.record.facts["rows_kept"] == 1


def test_a_second_damaged_line_in_a_hundred_is_no_file_of_events(tmp_path: Path) -> None:
    def damaged(hour: int, lines: list[dict[str, Any]]) -> bytes:
        content = gzip.decompress(_plain(hour, lines)).splitlines(keepends=True)
        return gzip.compress(b"".join(line[:90] + b"\n" if hour == 9 and n < 2 else line for n, line in enumerate(content)))

    with (
        serving(damaged) as (url, _),
        pytest.raises(archive_files.ArchiveError, match=r"2025-10-05-9.*: 2 of \d+ lines cannot be read"),
    ):
        drawn(url, BEFORE, tmp_path)


def test_a_hollow_feed_arrives_in_time_and_is_warned_of_by_its_mix(tmp_path: Path) -> None:
    for number in range(6):
        with serving() as (url, _):
            landed(url, datetime(2025, 10, 8 + 7 * (number // 3) + number % 3, tzinfo=UTC), tmp_path, short_days="")
    hollow = lambda hour, lines: _plain(hour, [line for line in lines if line["type"] == "PushEvent"])  # noqa: E731
    with serving(hollow) as (url, _):
        loaded = landed(url, datetime(2025, 10, 19, tzinfo=UTC), tmp_path)
    (mix,) = [finding for finding in loaded.findings if finding.check == "mix"]
    assert not mix.passed
    assert "type PullRequestEvent is 0.00% of the rows" in mix.message


def landed(url: str, day: datetime, folder: Path, **settings: str) -> Loaded:
    warehouse = DuckDBWarehouse(folder / "w.duckdb", world="sandbox", cache=folder, lock_timeout_seconds=20, clock=clock)
    assert TABLE.partitions is not None
    window = TABLE.partitions.window(f"{day:%Y-%m-%d}")
    return warehouse.load(SOURCE, TABLE, ask(url, day, folder, **settings), fingerprint="f", window=window)


def landed_from(change: Change, folder: Path) -> Loaded:
    with serving(change) as (url, _):
        return landed(url, BEFORE, folder)


def test_an_event_that_comes_twice_or_in_another_hour_s_file_is_kept_once(tmp_path: Path) -> None:
    strays = list(gharchive.events(OLD, BEFORE + timedelta(hours=3)))[:4]
    with serving(lambda hour, lines: _plain(hour, [*lines, lines[0], *(strays if hour == 4 else [])])) as (url, _):
        table, facts = drawn(url, BEFORE, tmp_path)
    assert table["id"].to_pylist() == [event["id"] for event in truth(BEFORE)]
    assert facts["repeated_events"] == 24 + 4


def _without(*path: str) -> Change:
    def change(hour: int, lines: list[dict[str, Any]]) -> bytes:
        changed = json.loads(json.dumps(lines))
        for line in changed if hour == 9 else ():
            inner = line
            for key in path[:-1]:
                inner = inner.get(key, {})
            inner.pop(path[-1], None)
        return _plain(hour, changed)

    return change


def _broken(make: Callable[[bytes], bytes]) -> Change:
    return lambda hour, lines: make(_plain(hour, lines)) if hour == 9 else _plain(hour, lines)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (_broken(lambda body: body[: len(body) // 2]), "damaged or cut"),
        (_broken(lambda body: body[:100] + b"\0\0\0\0" + body[104:]), "damaged or cut"),
        (_broken(lambda _: b"<html>Sorry</html>"), "damaged or cut"),
        (_broken(lambda _: b""), "is short"),
        (_broken(lambda body: gzip.compress(gzip.decompress(body).replace(b'"id": "', b'"id": 1, "x": "'))), "not as declared"),
        (_broken(lambda body: gzip.compress(gzip.decompress(body).replace(b"T09:", b" 9h "))), "not as declared"),
        (_broken(lambda body: gzip.compress(gzip.decompress(body).decode().encode("utf-16"))), "not as declared"),
        (_without("actor"), "required field `actor`"),
        (_without("payload", "head"), r"upstream has lost PushEvent\.push_head"),
        (_without("payload", "issue"), r"upstream has lost .*IssuesEvent\.issue_id"),
    ],
    ids=["cut", "damaged", "html", "empty", "type", "time", "encoding", "no actor", "no head", "no issue"],
)
def test_what_is_not_the_archive_s_format_is_an_error_that_names_the_hour(change: Change, cause: str, tmp_path: Path) -> None:
    with serving(change) as (url, _), pytest.raises(archive_files.ArchiveError, match=rf"2025-10-05.*{cause}") as raised:
        drawn(url, BEFORE, tmp_path)
    assert "2025-10-05-9" in str(raised.value)
    assert list(tmp_path.glob("gharchive/*")) == []


def test_the_archive_is_asked_at_its_own_address() -> None:
    defaults = {setting.name: setting.default for setting in SOURCE.settings}
    assert defaults["archive_url"] == "https://data.gharchive.org"
    assert SOURCE.homepage == "https://www.gharchive.org"


def test_a_load_without_a_partition_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="a day is needed"):
        TABLE.extract(ExtractRequest("github", "events", datetime.now(UTC), tmp_path, {"archive_url": "http://127.0.0.1:9"}))


def test_a_new_type_of_event_and_a_new_part_of_a_payload_are_told_and_the_rows_are_the_same(tmp_path: Path) -> None:
    def grown(hour: int, lines: list[dict[str, Any]]) -> bytes:
        pushes = [line for line in lines if line["type"] == "PushEvent"]
        pushes[0]["payload"] |= {"pushed_by_machine": True} if hour == 3 else {}
        lines[-1] |= {"type": "SparkEvent"} if hour == 7 else {"sandbox": 1} if hour == 5 else {}
        return _plain(hour, lines)

    with serving() as (url, _):
        _, facts = drawn(url, BEFORE, tmp_path)
    assert facts["unknown_fields"] == []
    with serving(grown) as (url, _):
        table, facts = drawn(url, BEFORE, tmp_path)
    assert facts["unknown_fields"] == ["PushEvent.payload.pushed_by_machine", "event.sandbox", "type SparkEvent"]
    assert table.num_rows == len(truth(BEFORE))
    assert "pushed_by_machine" not in table.column_names
