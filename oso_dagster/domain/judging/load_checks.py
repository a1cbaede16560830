"""The checks of each load: one entry declares the name of a check, what it verifies, which tables have it, whether it blocks.

Belongs here: the declarations, and how a check is judged that needs only the summary of a load (`LoadSummary`).
Does not: the checks that query the staged rows (`warehouse.guards`), which take their names from here. A new check of the first
kind is one new entry; one of the second kind is an entry and its guard.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from oso_dagster.domain.catalogue.column import ColumnType
from oso_dagster.domain.catalogue.loading import (
    CUT_SHORT,
    DATED_AHEAD,
    GAPS,
    NEWEST_EVENT,
    UNKNOWN_FIELDS,
    Finding,
    LoadFacts,
    LoadRecord,
)
from oso_dagster.domain.catalogue.notices import UPSTREAM_NOTICES
from oso_dagster.domain.catalogue.source import Disposition, SchemaContract, Table
from oso_dagster.domain.catalogue.table_names import table_name
from oso_dagster.domain.catalogue.truth import (
    named,
    not_taken_name,
    refuse_set_aside,
    refuse_vanished,
    set_aside_message,
    set_aside_of,
)

_SKEW = timedelta(minutes=5)
"""How far an upstream's clock may run ahead of ours; a date may be a day ahead, where the day begins earlier than in UTC."""


@dataclass(frozen=True)
class LoadSummary:
    """What is known of a load without its rows, once they are staged or the upstream is found unchanged.

    `facts` are those of the load (for an unchanged upstream those of `before`, the last load); `now` is the time of judging.
    """

    source: str
    table: Table
    facts: LoadFacts
    now: datetime
    before: LoadRecord | None = None
    allow_shrink: bool = False

    @property
    def where(self) -> str:
        """`source.table`, with which every message of a failed check begins."""
        return table_name(self.source, self.table.name)


@dataclass(frozen=True)
class CheckJudgement:
    """The result of a check of a load; `facts` become the metadata of its evaluation."""

    passed: bool
    message: str
    facts: LoadFacts = field(default_factory=dict)


def _every(table: Table) -> bool:
    del table
    return True


def _none(table: Table) -> bool:
    del table
    return False


@dataclass(frozen=True)
class LoadCheck:
    """One check of each load of the tables that it `applies` to. A failed one that is `blocking` refuses the load.

    `judge` judges the summary of the load, also when the upstream is unchanged. A check without it has a guard in the
    warehouse, which queries the staged rows.
    """

    name: str
    description: str
    applies: Callable[[Table], bool] = _every
    blocking: Callable[[Table], bool] = _every
    judge: Callable[[LoadSummary], CheckJudgement] | None = None

    def finding(self, table: Table, *, passed: bool, message: str, facts: LoadFacts | None = None) -> Finding:
        """The finding of this check on a load of `table`."""
        return Finding(self.name, passed, message, facts or {}, blocking=self.blocking(table))


def _is_event_past(load: LoadSummary) -> CheckJudgement:
    table, newest = load.table, load.facts.get(NEWEST_EVENT)
    if newest is None:
        return CheckJudgement(passed=True, message="newest event: none", facts={"newest_event": "none"})
    dated = any(column.name == table.event_time and column.type is ColumnType.DATE for column in table.columns)
    passed = datetime.fromisoformat(newest) <= load.now + (timedelta(days=1) if dated else _SKEW)
    future = f"{load.where}: {table.event_time} = {newest} is in the future (it is now {load.now.isoformat()})"
    return CheckJudgement(passed, f"newest event: {newest}" if passed else future, {"newest_event": newest})


def _is_as_declared(load: LoadSummary) -> CheckJudgement:
    reported = (str(name) for name in load.facts.get(UNKNOWN_FIELDS) or ())
    unknown = [name for name in reported if not not_taken_name(name, load.table.not_taken)]
    message = f"{load.where}: upstream has columns that are not declared: {', '.join(unknown)}" if unknown else "as declared"
    return CheckJudgement(not unknown, message, {"undeclared": unknown})


def _is_complete(load: LoadSummary) -> CheckJudgement:
    why = load.facts.get(CUT_SHORT)
    return CheckJudgement(why is None, f"{load.where}: cut short: {why}" if why else "complete")


def _has_no_gap(load: LoadSummary) -> CheckJudgement:
    gaps: LoadFacts = load.facts.get(GAPS) or {}
    if not gaps:
        return CheckJudgement(passed=True, message="nothing fell out of upstream's window before it was asked")
    first = min(gaps)
    words = f"rows of {len(gaps):,} items may be missing for good: {named(gaps)} ({first}: {gaps[first]})"
    advice = f"{load.table.gap_since} marks the rows behind each span; load more often, or with a token of more requests"
    return CheckJudgement(False, f"{load.where}: {words}. {advice}", {"gaps": gaps})


def _is_none_ahead(load: LoadSummary) -> CheckJudgement:
    ahead: LoadFacts = load.facts.get(DATED_AHEAD) or {}
    if not ahead:
        return CheckJudgement(passed=True, message="nothing is dated ahead of now")
    words = f"{sum(ahead.values()):,} of {len(ahead):,} items are dated ahead of now: {named(ahead)}"
    kept = (
        f"They are left out, since nobody knows when they were, until {load.table.event_time} is past; no freshness counts them"
    )
    return CheckJudgement(False, f"{load.where}: {words}. {kept}", {"dated_ahead": ahead})


def _is_nothing_set_aside(load: LoadSummary) -> CheckJudgement:
    aside = set_aside_of(load.facts)
    kept = "; their last good rows are kept, the next load tries them again"
    message = set_aside_message(load.facts)
    return CheckJudgement(not aside, f"{load.where}: {message}{kept}" if aside else message, {"set_aside": aside})


def _are_few_set_aside(load: LoadSummary) -> CheckJudgement:
    problem = refuse_set_aside(load.facts, load.table.set_aside_share)
    allowed = f"at most {load.table.set_aside_share:.0%} of the items were set aside"
    return CheckJudgement(problem is None, f"{load.where}: {problem}" if problem else allowed)


def _have_few_vanished(load: LoadSummary) -> CheckJudgement:
    problem = None if load.allow_shrink else refuse_vanished(load.facts, load.table.vanish_share)
    allowed = "not checked: this load may shrink the table" if load.allow_shrink else "no unusual share of the items vanished"
    return CheckJudgement(problem is None, f"{load.where}: {problem}" if problem else allowed)


def _is_nothing_announced(load: LoadSummary) -> CheckJudgement:
    notices = [str(text) for text in load.facts.get(UPSTREAM_NOTICES) or ()]
    message = f"{load.where}: upstream announces: {'; '.join(notices)}" if notices else "upstream announces nothing"
    return CheckJudgement(not notices, message, {"notices": notices})


def _frozen(table: Table) -> bool:
    return table.contract is SchemaContract.FREEZE


ARRIVED = LoadCheck("arrived", "Rows arrived, unless none were due: an empty answer replaces nothing")
COLUMNS_PRESENT = LoadCheck("columns_present", "No declared column was lost upstream")
VALUES_FIT = LoadCheck("values_fit", "Every value is held by the declared type of its column as it is, none is rounded")
PRIMARY_KEY = LoadCheck("primary_key", "Keys are unique, required columns are filled")
NOT_SHRUNK = LoadCheck("not_shrunk", "Not fewer rows than the allowed share of the last good load")
IN_PARTITION = LoadCheck(
    "in_partition",
    "Every row belongs to the partition that was loaded",
    applies=lambda table: table.disposition is Disposition.REPLACE_PARTITION,
)
EVENT_TIME_NOT_IN_FUTURE = LoadCheck(
    "event_time_not_in_future",
    "No event is in the future",
    applies=lambda table: table.event_time is not None,
    judge=_is_event_past,
)
SCHEMA = LoadCheck("schema", "Upstream has no column that is not declared", blocking=_frozen, judge=_is_as_declared)
ROW_COUNT_BAND = LoadCheck("row_count_band", "As many rows as loads of this table usually bring", blocking=_none)
MIX = LoadCheck(
    "mix",
    "Each category has its usual share of the rows, of its own last weeks and of its longer past",
    applies=lambda table: bool(table.mix_by),
    blocking=_none,
)
SUMS = LoadCheck(
    "sums", "Declared totals are what loads of this table usually bring", applies=lambda table: bool(table.sums), blocking=_none
)
COMPLETE = LoadCheck(
    "complete",
    "The load was not cut short by a limit of the upstream, such as a rate limit",
    applies=lambda table: table.resumable,
    blocking=_none,
    judge=_is_complete,
)
NO_GAPS = LoadCheck(
    "no_gaps",
    "Upstream was asked before anything fell out of the window that it shows",
    applies=lambda table: table.gap_since is not None,
    blocking=_none,
    judge=_has_no_gap,
)
NONE_AHEAD = LoadCheck(
    "dated_ahead",
    "Nothing that came is dated ahead of now by a wrong clock",
    applies=lambda table: table.leaves_out_ahead,
    blocking=_none,
    judge=_is_none_ahead,
)
FEW_SET_ASIDE = LoadCheck(
    "few_set_aside",
    "No more items were set aside than the declared share of those asked for",
    applies=lambda table: table.set_aside_share > 0,
    judge=_are_few_set_aside,
)
SET_ASIDE = LoadCheck(
    "set_aside",
    "Every item that was asked for could be had and used",
    applies=lambda table: table.set_aside_share > 0,
    blocking=_none,
    judge=_is_nothing_set_aside,
)
NOT_VANISHED = LoadCheck(
    "not_vanished",
    "No more items are gone at once upstream than the declared share",
    applies=lambda table: table.item_column is not None,
    judge=_have_few_vanished,
)
UPSTREAM_NOTICE = LoadCheck(
    "upstream_notice",
    "Upstream announces no deprecation, no last day, no warning and no move to another host",
    blocking=_none,
    judge=_is_nothing_announced,
)

LOAD_CHECKS = (
    ARRIVED,
    COLUMNS_PRESENT,
    VALUES_FIT,
    PRIMARY_KEY,
    NOT_SHRUNK,
    IN_PARTITION,
    EVENT_TIME_NOT_IN_FUTURE,
    FEW_SET_ASIDE,
    NOT_VANISHED,
    SCHEMA,
    ROW_COUNT_BAND,
    MIX,
    SUMS,
    COMPLETE,
    NO_GAPS,
    NONE_AHEAD,
    SET_ASIDE,
    UPSTREAM_NOTICE,
)
"""Every check there is, in the order in which it is shown."""


def checks_of(table: Table) -> tuple[LoadCheck, ...]:
    """The checks that each load of a table has: those that block, then those that warn."""
    mine = [check for check in LOAD_CHECKS if check.applies(table)]
    return tuple(sorted(mine, key=lambda check: not check.blocking(table)))


def judge_summary(load: LoadSummary) -> list[Finding]:
    """The findings of the checks that need only the summary of a load."""
    findings: list[Finding] = []
    for check in checks_of(load.table):
        if check.judge is not None:
            judgement = check.judge(load)
            findings.append(check.finding(load.table, passed=judgement.passed, message=judgement.message, facts=judgement.facts))
    return findings


def judge_unchanged(load: LoadSummary) -> list[Finding]:
    """The findings of all checks when the upstream is what the last load has published: its rows passed those that block.

    Its summary is judged anew: a load that was cut short, or had undeclared columns, still was and has.
    """
    judged = {finding.check: finding for finding in judge_summary(load)}
    return [judged.get(check.name) or _still(check, load.table) for check in checks_of(load.table)]


def _still(check: LoadCheck, table: Table) -> Finding:
    message = "unchanged since it passed" if check.blocking(table) else "not checked: upstream is unchanged, nothing was loaded"
    return check.finding(table, passed=True, message=message)
