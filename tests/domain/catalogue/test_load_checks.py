"""The checks of each load: one declaration of what they are called, which tables have them, and which of them block."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from oso_dagster.domain.catalogue import load_checks
from oso_dagster.domain.catalogue.load_checks import LoadCheck, LoadSummary, checks_of, judge_summary, judge_unchanged
from oso_dagster.domain.catalogue.loading import CUT_SHORT, NEWEST_EVENT, UNKNOWN_FIELDS, Extract, Finding, LoadFacts, LoadRecord
from oso_dagster.domain.catalogue.partitions import PartitionKind, Partitions
from oso_dagster.domain.catalogue.source import Column, ColumnType, Cost, Disposition, Schedule, SchemaContract, Table

NOW = datetime(2025, 6, 2, 12, tzinfo=UTC)
SALES = Table(
    name="sales",
    description="What was sold",
    columns=(
        Column("id", ColumnType.BIGINT, "Its number", nullable=False),
        Column("at", ColumnType.TIMESTAMP, "When", nullable=False),
    ),
    primary_key=("id",),
    disposition=Disposition.REPLACE,
    extract=lambda request: Extract(request.table, {}),
    schedule=Schedule("0 0 * * *"),
    cost=Cost(calls=1, bytes=1),
)
TIMED = replace(SALES, event_time="at")
CUT = replace(
    TIMED,
    disposition=Disposition.REPLACE_PARTITION,
    partitions=Partitions(PartitionKind.DAILY, start=datetime(2025, 5, 1, tzinfo=UTC)),
)
RESUMABLE = replace(SALES, disposition=Disposition.MERGE, resumable=True)
FROZEN = replace(SALES, contract=SchemaContract.FREEZE)

USUAL = {
    "arrived": True,
    "columns_present": True,
    "primary_key": True,
    "not_shrunk": True,
    "schema": False,
    "row_count_band": False,
}


@pytest.mark.parametrize(
    ("table", "more"),
    [
        pytest.param(SALES, {}, id="a plain table has the usual ones"),
        pytest.param(TIMED, {"event_time_not_in_future": True}, id="an event time is held against the clock"),
        pytest.param(CUT, {"in_partition": True, "event_time_not_in_future": True}, id="a partition may only have its own rows"),
        pytest.param(RESUMABLE, {"complete": False}, id="what may be cut short says so, and is published"),
        pytest.param(FROZEN, {"schema": True}, id="a frozen schema stops the load"),
    ],
)
def test_a_declaration_brings_its_checks_with_it_those_that_block_first(table: Table, more: dict[str, bool]) -> None:
    blocking = {check.name: check.blocking(table) for check in checks_of(table)}
    assert blocking == USUAL | more
    assert list(blocking.values()) == sorted(blocking.values(), reverse=True)


def said(table: Table, facts: LoadFacts, check: str) -> Finding:
    findings = {finding.check: finding for finding in judge_summary(LoadSummary("shop", table, facts, NOW))}
    return findings[check]


@pytest.mark.parametrize(
    ("table", "check", "good", "bad", "words"),
    [
        (SALES, "schema", {}, {UNKNOWN_FIELDS: ["colour"]}, "shop.sales: not declared, but there upstream: colour"),
        (RESUMABLE, "complete", {}, {CUT_SHORT: "rate limit"}, "shop.sales: cut short: rate limit"),
        (
            TIMED,
            "event_time_not_in_future",
            {NEWEST_EVENT: (NOW + timedelta(minutes=5)).isoformat()},
            {NEWEST_EVENT: (NOW + timedelta(minutes=6)).isoformat()},
            "shop.sales: at = 2025-06-02T12:06:00+00:00 lies in the future of 2025-06-02T12:00:00+00:00",
        ),
    ],
)
def test_what_a_load_tells_of_itself_is_judged(table: Table, check: str, good: LoadFacts, bad: LoadFacts, words: str) -> None:
    assert said(table, good, check).passed
    failed = said(table, bad, check)
    assert (failed.passed, failed.message) == (False, words)


def test_a_date_may_be_a_day_ahead() -> None:
    columns = (SALES.columns[0], Column("at", ColumnType.DATE, "When", nullable=False))
    dated = replace(TIMED, columns=columns)
    tomorrow = {NEWEST_EVENT: (NOW + timedelta(days=1)).isoformat()}
    assert said(dated, tomorrow, "event_time_not_in_future").passed
    assert not said(TIMED, tomorrow, "event_time_not_in_future").passed


def test_an_unchanged_upstream_has_still_what_its_last_load_had() -> None:
    facts: LoadFacts = {CUT_SHORT: "rate limit", UNKNOWN_FIELDS: ["colour"]}
    record = LoadRecord("1", "shop", "sales", None, "v", "f", {"sales": 1}, NOW, facts)
    findings = judge_unchanged(LoadSummary("shop", RESUMABLE, record.facts, NOW, record))
    assert [finding.check for finding in findings] == [check.name for check in checks_of(RESUMABLE)]
    assert {finding.check for finding in findings if not finding.passed} == {"complete", "schema"}
    assert not any(finding.blocking for finding in findings if not finding.passed)


def test_a_new_check_of_what_a_load_tells_is_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    def few(load: LoadSummary) -> load_checks.Judgement:
        return load_checks.Judgement(load.facts["refused"] < 2, f"{load.facts['refused']} refused")

    entry = LoadCheck("few_refused", "Few were refused", applies=lambda table: table.resumable, judge=few)
    monkeypatch.setattr(load_checks, "LOAD_CHECKS", (*load_checks.LOAD_CHECKS, entry))
    assert "few_refused" not in {check.name for check in checks_of(SALES)}
    found = said(RESUMABLE, {"refused": 2}, "few_refused")
    assert (found.passed, found.blocking, found.message) == (False, True, "2 refused")


def test_no_two_checks_share_a_name() -> None:
    names = [check.name for check in load_checks.LOAD_CHECKS]
    assert len(names) == len(set(names))
    assert all(check.description for check in load_checks.LOAD_CHECKS)
