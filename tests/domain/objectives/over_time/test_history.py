"""How verdicts become days and spells of breach."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from oso_dagster.domain.objectives.over_time.history import DayHistory, PastVerdict, Spell, breaches_of, days_of, first_day
from oso_dagster.domain.objectives.slo import Verdict

NOW = datetime(2025, 11, 21, 9, 5, tzinfo=UTC)
GOOD, RISK, BAD, NONE = Verdict.COMPLIANT, Verdict.AT_RISK, Verdict.BREACHED, Verdict.NO_DATA


def judged(*verdicts: Verdict, start: datetime = NOW - timedelta(hours=8)) -> list[PastVerdict]:
    return [PastVerdict(start + timedelta(hours=number), verdict, number, 10) for number, verdict in enumerate(verdicts)]


def test_a_bar_has_exactly_ninety_days_and_ends_today() -> None:
    days = days_of([], NOW)
    assert (len(days), days[0].day, days[-1].day) == (90, date(2025, 8, 24), date(2025, 11, 21))
    assert first_day(NOW) == datetime(2025, 8, 24, tzinfo=UTC)


def test_a_day_nobody_looked_at_is_no_data_and_not_good() -> None:
    assert {day.verdict for day in days_of([], NOW)} == {NONE}
    assert days_of([], NOW)[0].percent_text == ""


@pytest.mark.parametrize(
    ("verdicts", "expected"), [((GOOD, BAD, GOOD), BAD), ((NONE, GOOD), GOOD), ((RISK, GOOD, NONE), RISK), ((NONE, NONE), NONE)]
)
def test_a_day_has_its_worst_verdict_and_the_numbers_of_its_last(verdicts: tuple[Verdict, ...], expected: Verdict) -> None:
    last = len(verdicts) - 1
    assert days_of(judged(*verdicts), NOW)[-1] == DayHistory(NOW.date(), expected, last, 10, len(verdicts))


def test_a_day_is_one_of_utc() -> None:
    late = datetime(2025, 11, 20, 23, 30, tzinfo=UTC).astimezone(datetime.strptime("+0500", "%z").tzinfo)
    assert [day.day for day in days_of([PastVerdict(late, BAD, 1, 2)], NOW) if day.verdict is BAD] == [date(2025, 11, 20)]


def test_what_was_before_the_first_day_is_not_shown() -> None:
    assert {day.verdict for day in days_of([PastVerdict(NOW - timedelta(days=90), BAD, 0, 1)], NOW)} == {NONE}


def test_missing_data_neither_begins_nor_ends_a_breach() -> None:
    rows = judged(NONE, BAD, NONE, BAD, RISK, NONE, BAD, NONE)
    assert breaches_of(rows) == (Spell(rows[1].at, rows[4].at), Spell(rows[6].at, None))
