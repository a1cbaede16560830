"""The course of a metric over periods without a value: 0 of what is counted, a break of what is not, never a ramp."""

import re
from datetime import date

import pytest

from oso_dagster.serving.website.charts import line, spark
from oso_dagster.serving.website.courses import pieces
from oso_dagster.serving.website.reading import Metric
from oso_dagster.serving.website.standing import WITHHELD, Span

MAY, JUNE, AUGUST = date(2026, 5, 1), date(2026, 6, 1), date(2026, 8, 1)


def metric(period: str, aggregation: str) -> Metric:
    return Metric("m", f"GITHUB_commits_{period}", "Commits", "", "commits", aggregation, "commits")


def paths(svg: str) -> list[str]:
    [path] = re.findall(r'class="line" d="([^"]*)"', svg)
    return path.split("M")[1:]


@pytest.mark.parametrize("aggregation", ["sum", "count_distinct"])
def test_a_period_in_which_nothing_was_counted_is_drawn_as_0_and_said(aggregation: str) -> None:
    made, notes = pieces(metric("monthly", aggregation), [(MAY, 4.0), (AUGUST, 2.0)])
    assert made == [[(MAY, 4.0), (JUNE, 0.0), (date(2026, 7, 1), 0.0), (AUGUST, 2.0)]]
    assert "drawn as 0" in notes


@pytest.mark.parametrize("aggregation", ["average", "median", "ratio", ""])
def test_of_what_is_not_counted_the_line_is_broken(aggregation: str) -> None:
    points = [(MAY, 4.0), (AUGUST, 2.0), (date(2026, 9, 1), 3.0)]
    made, notes = pieces(metric("monthly", aggregation), points)
    assert made == [points[:1], points[1:]]
    assert "broken" in notes
    drawn = line(made, "t", "u")
    assert [path.count("L") for path in paths(drawn)] == [0, 1]
    assert drawn.count("<circle") == 3  # the value alone is seen
    assert len(paths(spark(made, "t"))) == 2


def test_what_is_withheld_is_no_0() -> None:
    withheld = Span(JUNE, date(2026, 7, 1), 0.1, 0.2, "measured", WITHHELD, "too little")
    made, notes = pieces(metric("monthly", "sum"), [(MAY, 4.0), (AUGUST, 2.0)], [withheld])
    assert made == [[(MAY, 4.0)], [(date(2026, 7, 1), 0.0), (AUGUST, 2.0)]]
    assert "drawn as 0" in notes
    assert "broken" in notes


@pytest.mark.parametrize(
    ("period", "first", "last", "between"),
    [
        ("daily", date(2026, 2, 27), date(2026, 3, 2), ["02-28", "03-01"]),
        ("weekly", date(2026, 1, 5), date(2026, 1, 19), ["01-12"]),
        ("quarterly", date(2026, 1, 1), date(2026, 7, 1), ["04-01"]),
        ("biannually", date(2025, 7, 1), date(2026, 7, 1), ["01-01"]),
        ("yearly", date(2024, 1, 1), date(2026, 1, 1), ["01-01"]),
        ("over_90_day_window", date(2026, 1, 31), date(2026, 4, 15), ["02-28", "03-31"]),
        ("over_all_time", date(2026, 1, 31), date(2026, 4, 15), []),
    ],
)
def test_each_period_has_its_own_days(period: str, first: date, last: date, between: list[str]) -> None:
    [course], _ = pieces(metric(period, "sum"), [(first, 1.0), (last, 1.0)])
    assert [f"{day:%m-%d}" for day, value in course if value == 0] == between


def test_a_line_without_gaps_is_whole_and_says_nothing_and_one_value_has_one_date() -> None:
    assert pieces(metric("daily", "sum"), [(MAY, 1.0), (date(2026, 5, 2), 2.0)])[1] == ""
    assert pieces(metric("daily", "sum"), []) == ([], "")
    assert line([[(MAY, 1.0)]], "t", "u").count("2026-05-01") == 1
