"""The checks of each load: one declaration of what they are called, which tables have them, and which of them block."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from oso_dagster.domain.catalogue.loading import CUT_SHORT, NEWEST_EVENT, UNKNOWN_FIELDS, Extract, Finding, LoadFacts, LoadRecord
from oso_dagster.domain.catalogue.notices import UPSTREAM_NOTICES
from oso_dagster.domain.catalogue.partitions import PartitionKind, Partitions
from oso_dagster.domain.catalogue.source import Column, ColumnType, Cost, Disposition, Schedule, SchemaContract, Table
from oso_dagster.domain.catalogue.truth import ITEMS_ASKED, SET_ASIDE, VANISHED
from oso_dagster.domain.judging import load_checks
from oso_dagster.domain.judging.load_checks import LoadCheck, LoadSummary, checks_of, judge_summary, judge_unchanged

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
TIMED = replace(SALES, event_time="at", events_may_stop="invented")
CUT = replace(
    TIMED,
    disposition=Disposition.REPLACE_PARTITION,
    partitions=Partitions(PartitionKind.DAILY, start=datetime(2025, 5, 1, tzinfo=UTC), due_after=timedelta(hours=3)),
)
RESUMABLE = replace(SALES, disposition=Disposition.MERGE, resumable=True, keeps_deleted="invented")
ITEMS = replace(SALES, item_column="id", set_aside_share=0.1)
FROZEN = replace(SALES, contract=SchemaContract.FREEZE)

USUAL = {
    "arrived": True,
    "columns_present": True,
    "values_fit": True,
    "primary_key": True,
    "not_shrunk": True,
    "schema": False,
    "row_count_band": False,
    "upstream_notice": False,
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


def judged(table: Table, facts: LoadFacts, check: str) -> Finding:
    findings = {finding.check: finding for finding in judge_summary(LoadSummary("shop", table, facts, NOW))}
    return findings[check]


@pytest.mark.parametrize(
    ("table", "check", "good", "bad", "words"),
    [
        (SALES, "schema", {}, {UNKNOWN_FIELDS: ["colour"]}, "shop.sales: upstream has columns that are not declared: colour"),
        (RESUMABLE, "complete", {}, {CUT_SHORT: "rate limit"}, "shop.sales: cut short: rate limit"),
        (
            ITEMS,
            "set_aside",
            {ITEMS_ASKED: 9},
            {ITEMS_ASKED: 9, SET_ASIDE: {"b": "no JSON"}},
            "shop.sales: 1 of 9 items set aside: b (b: no JSON); their last good rows are kept, the next load tries them again",
        ),
        (
            ITEMS,
            "few_set_aside",
            {ITEMS_ASKED: 20, SET_ASIDE: {"a": "404", "b": "500"}},
            {ITEMS_ASKED: 20, SET_ASIDE: {"a": "404", "b": "500", "c": "500"}},
            (
                "shop.sales: 3 of 20 items set aside: a, b, c (a: 404); at most 2 are allowed. "
                "The old rows stay: fix the first reason, then run again"
            ),
        ),
        (
            ITEMS,
            "not_vanished",
            {ITEMS_ASKED: 20, VANISHED: dict.fromkeys("abcd", "404")},
            {ITEMS_ASKED: 20, VANISHED: dict.fromkeys("abcdefg", "404")},
            (
                "shop.sales: 7 of 20 items would be gone at once: a, b, c, d, e and 2 more (a: 404); at most 4 are believed. "
                "If upstream really lost them, say so: run the load once with `allow_shrink: true`"
            ),
        ),
        (
            SALES,
            "upstream_notice",
            {},
            {UPSTREAM_NOTICES: ["api.example.org: will not answer after 2026-11-13"]},
            "shop.sales: upstream announces: api.example.org: will not answer after 2026-11-13",
        ),
        (
            TIMED,
            "event_time_not_in_future",
            {NEWEST_EVENT: (NOW + timedelta(minutes=5)).isoformat()},
            {NEWEST_EVENT: (NOW + timedelta(minutes=6)).isoformat()},
            "shop.sales: at = 2025-06-02T12:06:00+00:00 is in the future (it is now 2025-06-02T12:00:00+00:00)",
        ),
    ],
)
def test_what_a_load_tells_of_itself_is_judged(table: Table, check: str, good: LoadFacts, bad: LoadFacts, words: str) -> None:
    assert judged(table, good, check).passed
    failed = judged(table, bad, check)
    assert (failed.passed, failed.message) == (False, words)


def test_a_date_may_be_a_day_ahead() -> None:
    columns = (SALES.columns[0], Column("at", ColumnType.DATE, "When", nullable=False))
    dated = replace(TIMED, columns=columns)
    tomorrow = {NEWEST_EVENT: (NOW + timedelta(days=1)).isoformat()}
    assert judged(dated, tomorrow, "event_time_not_in_future").passed
    assert not judged(TIMED, tomorrow, "event_time_not_in_future").passed


def test_an_unchanged_upstream_has_still_what_its_last_load_had() -> None:
    facts: LoadFacts = {CUT_SHORT: "rate limit", UNKNOWN_FIELDS: ["colour"]}
    record = LoadRecord("1", "shop", "sales", None, "v", "f", {"sales": 1}, NOW, facts)
    findings = judge_unchanged(LoadSummary("shop", RESUMABLE, record.facts, NOW, record))
    assert [finding.check for finding in findings] == [check.name for check in checks_of(RESUMABLE)]
    assert {finding.check for finding in findings if not finding.passed} == {"complete", "schema"}
    assert not any(finding.blocking for finding in findings if not finding.passed)


def test_a_new_check_of_what_a_load_tells_is_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    def few(load: LoadSummary) -> load_checks.CheckJudgement:
        return load_checks.CheckJudgement(load.facts["refused"] < 2, f"{load.facts['refused']} refused")

    entry = LoadCheck("few_refused", "Few were refused", applies=lambda table: table.resumable, judge=few)
    monkeypatch.setattr(load_checks, "LOAD_CHECKS", (*load_checks.LOAD_CHECKS, entry))
    assert "few_refused" not in {check.name for check in checks_of(SALES)}
    refused = judged(RESUMABLE, {"refused": 2}, "few_refused")
    assert (refused.passed, refused.blocking, refused.message) == (False, True, "2 refused")


def test_no_two_checks_share_a_name() -> None:
    names = [check.name for check in load_checks.LOAD_CHECKS]
    assert len(names) == len(set(names))
    assert all(check.description for check in load_checks.LOAD_CHECKS)


def test_who_says_that_upstream_really_lost_them_is_believed() -> None:
    gone: LoadFacts = {ITEMS_ASKED: 9, VANISHED: dict.fromkeys("abcdefg", "404")}
    findings = judge_summary(LoadSummary("shop", ITEMS, gone, NOW, allow_shrink=True))
    assert all(finding.passed for finding in findings)


@pytest.mark.parametrize(("asked", "aside", "passed"), [(1, 1, False), (2, 1, True), (2, 2, False), (5, 2, False)])
def test_one_of_several_items_may_be_bad_and_all_of_them_may_not(asked: int, aside: int, passed: bool) -> None:
    facts: LoadFacts = {ITEMS_ASKED: asked, SET_ASIDE: dict.fromkeys("ab"[:aside], "no JSON")}
    assert judged(ITEMS, facts, "few_set_aside").passed is passed


def test_what_is_known_and_not_taken_is_no_news() -> None:
    table = replace(SALES, not_taken={"colour": "of no use", "sales.*_url": "addresses are made from the id"})
    assert judged(table, {UNKNOWN_FIELDS: ["colour", "sales.self_url (VARCHAR)"]}, "schema").passed
    assert "size" in judged(table, {UNKNOWN_FIELDS: ["colour", "size"]}, "schema").message
