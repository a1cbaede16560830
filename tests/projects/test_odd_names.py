"""Names that databases take and Dagster does not, a database beside the models, and models that may not be computed again."""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb
import pytest

from tests.projects.comparison import Comparison, compared

pytestmark = pytest.mark.slow


@pytest.fixture
def case(tmp_path) -> Iterator[Comparison]:
    """Nothing deployed."""
    with compared("odd_names", tmp_path) as comparison:
        yield comparison


def test_names_with_blanks_stars_dollars_and_umlauts_are_assets_under_letters_that_dagster_takes(case):
    result = case.materialize()
    assert result.success, result.error
    keys = sorted(result.materialized)
    assert [re.sub("_[0-9a-f]{8}$", "", key) for key in keys] == [
        "marts.history",
        "marts.star__",
        "marts.two_words",
        "staging.gr__e",
    ]
    assert len(keys) == 4
    assert list(result.checks.values()) == [True]
    case.plan()
    assert case.sql('SELECT id FROM marts."star*$"') == [(1,)]
    again = case.materialize(next(key for key in keys if "two_words" in key))
    assert again.success, again.error


def test_a_database_beside_the_models_is_not_part_of_the_fingerprint(case):
    before = case.project.fingerprint()
    for name in ("data.duckdb", "data.anything"):
        duckdb.connect(str(case.project.path / name)).close()
    assert case.project.fingerprint() == before
    case.write("seeds/more.csv", "id\n1\n")
    assert case.project.fingerprint() != before


def test_restating_a_model_that_forbids_it_says_so(case):
    case.materialize()
    config = {"models": ["marts.history"], "start": "2026-01-01", "end": "2026-01-02"}
    result = case.launch("sqlmesh_restate", run_config={"ops": {"restate_sqlmesh": {"config": config}}})
    assert not result.success
    assert "marts.history (SCD_TYPE_2_BY_COLUMN) cannot be computed again: its restatement is disabled" in result.error
