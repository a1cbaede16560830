from datetime import UTC, datetime

import pytest

from oso_dagster.domain.probes.query_outcomes import QueryEnd, QueryOutcome, classify

AT = datetime(2026, 3, 1, tzinfo=UTC)
PUBLISHED = {"marts.projects_v1", "project_id"}


@pytest.mark.parametrize(
    ("error", "type_", "message", "outcome"),
    [
        ("", "", "", QueryOutcome.GOOD),
        ("GENERIC_INTERNAL_ERROR", "INTERNAL_ERROR", "", QueryOutcome.UNEXPECTED),
        ("ICEBERG_CATALOG_ERROR", "EXTERNAL", "", QueryOutcome.UNEXPECTED),
        ("EXCEEDED_LOCAL_MEMORY_LIMIT", "INSUFFICIENT_RESOURCES", "", QueryOutcome.UNEXPECTED),
        ("NO_TYPE_AT_ALL", "", "", QueryOutcome.UNEXPECTED),
        ("SYNTAX_ERROR", "USER_ERROR", "line 1:1: mismatched input", QueryOutcome.USER_ERROR),
        ("DIVISION_BY_ZERO", "USER_ERROR", "", QueryOutcome.USER_ERROR),
        ("INVALID_VIEW", "USER_ERROR", "", QueryOutcome.UNEXPECTED),
        ("VIEW_IS_STALE", "USER_ERROR", "", QueryOutcome.UNEXPECTED),
        ("TABLE_NOT_FOUND", "USER_ERROR", "line 1:15: Table 'lake.marts.projects_v1' does not exist", QueryOutcome.UNEXPECTED),
        ("TABLE_NOT_FOUND", "USER_ERROR", "line 1:15: Table 'lake.marts.projekts' does not exist", QueryOutcome.USER_ERROR),
        ("COLUMN_NOT_FOUND", "USER_ERROR", "line 1:8: Column 'project_id' cannot be resolved", QueryOutcome.UNEXPECTED),
        ("COLUMN_NOT_FOUND", "USER_ERROR", "line 1:8: Column 'projekt' cannot be resolved", QueryOutcome.USER_ERROR),
        ("USER_CANCELED", "USER_ERROR", "", QueryOutcome.CANCELED),
        ("ABANDONED_QUERY", "USER_ERROR", "", QueryOutcome.ABANDONED),
    ],
)
def test_each_end_of_a_query_has_the_class_of_the_service_definition(error, type_, message, outcome):
    assert classify(QueryEnd("q", AT, "anyone", error, type_, message), PUBLISHED) is outcome


def test_only_good_and_unexpected_ends_count():
    assert {outcome for outcome in QueryOutcome if outcome.counts} == {QueryOutcome.GOOD, QueryOutcome.UNEXPECTED}
