"""What is stated of a metric, by day and by value: the worst counts, windows and periods are about all of their days."""

from __future__ import annotations

from datetime import date

import pytest

from oso_dagster.serving.website.charts import line
from oso_dagster.serving.website.reading import Metric
from oso_dagster.serving.website.standing import Change, Span, Standing, held
from oso_dagster.serving.website.stated import shown

JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)
WITHHELD = Span(JUNE, JULY, 0.1, 0.2, "measured", "withheld", "too little")
WHOLE = Span(None, JUNE, 0.99, 1.01, "measured", "complete", "enough")
REGIME = Span(date(2026, 5, 10), date(2026, 5, 13), None, None, "nearly_empty_days", "lower_bound", "empty")


def standing(ending: str, *spans: Span, aggregation: str = "sum", measure: str = "forks") -> Standing:
    return Standing(Metric("m", f"GITHUB_{measure}_{ending}", "Forks", "", "", aggregation, measure), spans)


@pytest.mark.parametrize(
    ("ending", "day", "expected"),
    [
        ("daily", date(2026, 5, 9), "complete"),
        ("daily", date(2026, 5, 10), "lower bound: how much is held is not known"),
        ("daily", date(2026, 5, 13), "complete"),
        ("weekly", date(2026, 5, 4), "lower bound: how much is held is not known"),
        ("weekly", date(2026, 5, 18), "complete"),
        ("weekly", date(2026, 5, 25), "complete"),
        ("monthly", date(2026, 4, 1), "complete"),
        ("monthly", date(2026, 5, 1), "lower bound: how much is held is not known"),
        ("over_28_day_window", date(2026, 7, 20), "lower bound: between 10 % and 20 % held"),
        ("over_28_day_window", date(2026, 7, 28), "not measured"),
        ("over_all_time", date(2026, 11, 29), "lower bound: between 10 % and 20 % held"),
        ("daily", JULY, "not measured"),
    ],
)
def test_a_value_is_as_good_as_the_worst_of_its_days(ending: str, day: date, expected: str) -> None:
    assert standing(ending, WITHHELD, WHOLE, REGIME).of_sample(day).text == expected


def test_at_least_is_said_only_of_what_grows_with_what_is_held() -> None:
    day = date(2026, 5, 11)
    assert standing("daily", REGIME).before(day) == "at least"
    assert standing("daily", WHOLE).before(day) == ""
    assert standing("daily", REGIME, aggregation="median").before(day) == "of incomplete data:"
    assert (
        standing("daily", REGIME, aggregation="count_distinct", measure="dormant_developers").before(day) == "of incomplete data:"
    )


def test_a_regime_changes_when_it_begins_and_when_it_ends() -> None:
    changes = standing("daily", WHOLE, REGIME).changes(date(2026, 5, 1), date(2026, 5, 13))
    assert changes == [
        Change(date(2026, 5, 10), "nearly empty days", "empty"),
        Change(date(2026, 5, 13), "end of nearly empty days", "empty"),
    ]
    assert standing("daily", REGIME).changes(date(2026, 5, 14), JULY) == []


def test_a_chart_of_one_day_and_one_without_values_are_drawn() -> None:
    stated = standing("daily", WITHHELD, WHOLE, REGIME)
    course = shown(stated, [(date(2026, 5, 11), 3.0)])
    assert [pattern for _, _, pattern in course.marks.shaded] == ["lower_bound", "withheld"] if course.marks else False
    assert 'width="2"' not in line([[(date(2026, 5, 11), 3.0)]], "t", "u", course.marks)
    nothing = shown(stated, [])
    assert (nothing.marks, [row.standing for row in nothing.rows]) == (None, ["withheld: too little"])
    bound = shown(standing("over_all_time", WITHHELD), [(JUNE, 1.0), (JULY, 2.0)])
    assert [text for _, text in bound.legend] == ["lower bound: between 10 % and 20 % held"]


def test_shares_of_several_spans_say_where_one_is_not_known() -> None:
    assert held([WITHHELD, REGIME]) == "between 10 % and 20 % held, where that is known"
    assert held([WHOLE]) == "between 99 % and 100 % held"


def test_a_withheld_span_that_is_not_over_is_withheld_and_shown() -> None:
    stated = standing("daily", Span(JUNE, None, 0.1, 0.2, "measured", "withheld", "too little"))
    course = shown(stated, [(date(2026, 5, 31), 3.0)])
    assert [(row.day, row.last, row.standing) for row in course.rows] == [
        (JUNE, None, "since then withheld: too little"),
        (date(2026, 5, 31), None, "not measured"),
    ]


def test_a_median_over_all_time_is_withheld_where_a_sum_is_a_bound() -> None:
    since = Span(JULY, None, 0.1, 0.2, "measured", "withheld", "too little")
    assert standing("over_all_time", WITHHELD, since).withheld() == []
    median = standing("over_all_time", WITHHELD, since, aggregation="median", measure="time_to_first_response")
    assert median.withheld() == median.withheld(date(2026, 11, 29)) == [WITHHELD, since]
    assert [row.standing for row in shown(median, []).rows] == ["since then withheld: too little", "withheld: too little"]
