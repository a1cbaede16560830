"""Changes that SQLMesh refuses: why is in the run's log and error, and models that they do not touch are computed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.projects.comparison import Comparison, compared

pytestmark = pytest.mark.slow

BOTH = {"marts.days", "marts.other"}


@pytest.fixture
def case(tmp_path) -> Iterator[Comparison]:
    """Deployed, with one more event since."""
    with compared("refused", tmp_path, recompute_whole=True) as comparison:
        comparison.sql(
            "CREATE SCHEMA raw; CREATE TABLE raw.events AS SELECT * FROM (VALUES (1, DATE '2026-01-01')) AS t(id, day)"
        )
        first = comparison.materialize()
        assert first.success, first.error
        assert any("marts.other" in line and "nomissingaudits" in line for line in first.lines)  # a warning of the linter
        comparison.plan()
        comparison.sql("INSERT INTO raw.events VALUES (2, DATE '2026-01-02')", "wrapped")
        yield comparison


def test_a_linter_rule_names_the_model_and_what_is_deployed_is_computed(case):
    case.write("models/star.sql", "MODEL (name marts.star, kind FULL, owner 'team:data');\nSELECT * FROM raw.events\n")
    with pytest.raises(Exception, match="Linter"):
        case.plan()
    result = case.materialize()
    assert not result.success
    assert "marts.star: noselectstar" in result.error
    assert "models/star.sql" in result.error
    assert result.materialized == {"marts.other"}
    assert case.sql("SELECT events FROM marts.other", "wrapped") == [(2,)]


def test_a_destructive_change_names_the_column_and_other_models_are_computed(case):
    case.replace("models/days.sql", ", 1::INT AS spare", "")
    with pytest.raises(Exception, match="destructive"):
        case.plan()
    result = case.materialize()
    assert not result.success
    assert "spare" in result.error
    assert "marts.days" in result.error.replace('"', "")
    assert result.materialized == {"marts.other"}
    refused = case.materialize("marts.days")
    assert "spare" in refused.error
    assert refused.materialized == set()
    assert case.materialize("marts.other").materialized == {"marts.other"}


def test_a_destructive_change_is_deployed_by_the_job_that_allows_it(case):
    case.replace("models/days.sql", ", 1::INT AS spare", "")
    config = {"ops": {"deploy_sqlmesh": {"config": {"allow_destructive": ["marts.days"]}}}}
    result = case.launch("sqlmesh_deploy", run_config=config)
    assert result.success, result.error
    case.plan(allow_destructive_models=["marts.days"])
    assert [row[0] for row in case.sql("DESCRIBE marts.days")] == ["day", "events"]


def test_a_file_that_cannot_be_parsed_is_named_and_what_is_deployed_is_computed(case):
    case.write("models/broken.sql", "MODEL (name marts.broken, kind FULL);\nSELECT FROM WHERE\n")
    with pytest.raises(Exception, match="broken"):
        case.plan()
    result = case.materialize()
    assert not result.success
    assert "broken.sql" in result.error
    assert result.materialized == {"marts.other"}
