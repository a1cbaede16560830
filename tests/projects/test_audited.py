"""Audits and unit tests of every kind: on tables that no model makes, on models, standing alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.projects.comparison import Comparison, compared

pytestmark = pytest.mark.slow

MODELS = {"staging.payments", "marts.names", "marts.payers", "marts.rates"}
READERS = MODELS - {"marts.rates"}
TABLES = (
    "SELECT (SELECT COUNT(*) FROM staging.payments), (SELECT SUM(cents) FROM marts.payers), (SELECT COUNT(*) FROM marts.names)"
)


@pytest.fixture(params=[False, True], ids=["as cron says", "recompute whole"])
def case(request, tmp_path) -> Iterator[Comparison]:
    """Two payments, one rate."""
    with compared("audited", tmp_path, recompute_whole=request.param) as comparison:
        comparison.sql(
            "CREATE SCHEMA raw; CREATE TABLE raw.payments (id INT, payer TEXT, cents INT);"
            "INSERT INTO raw.payments VALUES (1, 'ada', 500), (2, 'bob', 100);"
            "CREATE TABLE raw.rates AS SELECT 'EUR' AS currency"
        )
        yield comparison


def test_every_audit_is_a_check_with_a_result_also_on_tables_that_no_model_makes(case):
    result = case.materialize()
    assert result.success, result.error
    assert result.materialized == MODELS
    assert result.checks == dict.fromkeys(
        [
            ("raw.payments", "not_null"),
            ("raw.payments", "accepted_range"),
            ("staging.payments", "unique_values"),
            ("marts.payers", "sums_are_positive"),
            ("marts.rates", "unit_test_rates_are_kept"),
        ],
        True,
    )
    case.plan()
    assert case.sql(TABLES) == [(2, 600, 2)]


def test_unit_tests_have_a_result_in_each_run_and_one_of_an_earlier_run_says_so(case):
    first = case.materialize()
    assert "unit tests: 1 passed" in "\n".join(first.lines)
    assert first.checks["marts.rates", "unit_test_rates_are_kept"]
    again = case.materialize()
    assert "unit tests were not run: nothing is to be deployed" in "\n".join(again.lines)
    assert again.checks["marts.rates", "unit_test_rates_are_kept"]
    assert "have no result yet" not in "\n".join(again.lines)


def test_a_blocking_audit_on_a_table_that_no_model_makes_holds_back_what_reads_it_at_the_first_deployment(case):
    case.sql("INSERT INTO raw.payments VALUES (3, NULL, 7)")
    result = case.materialize()
    assert not result.success
    assert "raw.payments: audit not_null found 1 row" in result.error
    assert result.materialized == set()
    assert result.checks["raw.payments", "not_null"] is False
    assert result.severities["raw.payments", "not_null"] == "ERROR"
    with pytest.raises(Exception, match="Plan application failed"):
        case.plan()


def test_a_blocking_audit_on_a_table_that_no_model_makes_holds_back_what_reads_it_when_it_is_due_again(case):
    case.recompute_whole = True
    case.materialize()
    case.sql("INSERT INTO raw.payments VALUES (3, NULL, 7)", "wrapped")
    for _ in range(2):
        result = case.materialize()
        assert not result.success
        assert "raw.payments: audit not_null found 1 row" in result.error
        assert result.materialized == {"marts.rates"}
        assert set(result.outcomes) - result.materialized == READERS
        assert {result.outcomes[model] for model in READERS} == {"skipped_upstream"}
        assert case.sql("SELECT COUNT(*) FROM staging.payments", "wrapped") == [(2,)]
    case.sql("DELETE FROM raw.payments WHERE id = 3", "wrapped")
    assert case.materialize().materialized == MODELS


def test_a_warning_on_a_table_that_no_model_makes_holds_back_nothing(case):
    case.sql("INSERT INTO raw.payments VALUES (3, 'cyd', 7000)")
    result = case.materialize()
    assert result.success, result.error
    assert result.checks["raw.payments", "accepted_range"] is False
    assert result.severities["raw.payments", "accepted_range"] == "WARN"
    case.plan()
    assert case.sql(TABLES) == [(3, 7600, 3)]


def test_a_failing_unit_test_is_charged_to_its_model_and_stops_no_untouched_one(case):
    case.recompute_whole = True
    case.materialize()
    case.sql("INSERT INTO raw.payments VALUES (3, 'cyd', 1)", "wrapped")
    case.replace("models/rates.sql", "currency::TEXT AS", "LOWER(currency)::TEXT AS")
    for _ in range(2):
        result = case.materialize()
        assert not result.success
        assert "marts.rates: unit test test_rates_are_kept fails" in result.error
        assert result.checks["marts.rates", "unit_test_rates_are_kept"] is False
        assert result.severities["marts.rates", "unit_test_rates_are_kept"] == "ERROR"
        assert result.materialized == READERS
        assert result.outcomes["marts.rates"] == "failed"
    assert case.sql("SELECT cents FROM marts.payers WHERE payer = 'cyd'", "wrapped") == [(1,)]
    case.replace("models/rates.sql", "LOWER(currency)::TEXT AS", "currency::TEXT AS")
    result = case.materialize()
    assert result.success, result.error
    assert result.checks["marts.rates", "unit_test_rates_are_kept"]


def test_a_unit_test_of_an_untouched_model_that_fails_is_a_failed_check_and_stops_no_deployment(case):
    case.recompute_whole = True
    case.materialize()
    case.replace("tests/test_rates.yaml", "query: [{currency: EUR}]", "query: [{currency: USD}]")
    case.replace("models/names.sql", "payer::TEXT", "UPPER(payer)::TEXT")
    result = case.materialize()
    assert result.success, result.error
    assert result.checks["marts.rates", "unit_test_rates_are_kept"] is False
    assert result.materialized == MODELS
    again = case.materialize()
    assert again.success
    assert again.checks["marts.rates", "unit_test_rates_are_kept"] is False, "it still fails"
