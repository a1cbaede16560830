"""What a table may declare as its second count."""

from datetime import datetime

import pytest

from oso_dagster.domain.catalogue.second_count import Held, Measure, SecondCount, TrueCount


def test_a_declaration_without_a_description_or_with_a_strange_target_is_refused():
    with pytest.raises(ValueError, match="description"):
        SecondCount("", list)
    with pytest.raises(ValueError, match="description"):
        SecondCount("Rows", list, sample="")
    with pytest.raises(ValueError, match="12000 basis points"):
        SecondCount("Rows", list, target=12_000)


def test_a_measure_has_the_column_that_it_needs():
    with pytest.raises(ValueError, match="sum needs a column"):
        Held(Measure.SUM)
    with pytest.raises(ValueError, match="rows takes no column"):
        Held(Measure.ROWS, "amount")


def test_a_true_count_is_a_range_of_whole_numbers_at_times_with_a_zone():
    with pytest.raises(ValueError, match="no range"):
        TrueCount("", 3, 2)
    with pytest.raises(ValueError, match="without a zone"):
        TrueCount("", 1, 1, since=datetime(2026, 1, 1))  # noqa: DTZ001  (the fault that is tested)
