"""Models that a run does not compute: they wait for a signal, or only a view is moved. None of them is materialized."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.projects.comparison import Comparison, compared

pytestmark = pytest.mark.slow


@pytest.fixture
def case(tmp_path) -> Iterator[Comparison]:
    """Three events on two days; the gate is closed."""
    with compared("waiting", tmp_path) as comparison:
        comparison.sql(
            "CREATE SCHEMA raw; CREATE TABLE raw.events AS SELECT * FROM"
            " (VALUES (1, DATE '2026-01-01'), (2, DATE '2026-01-02'), (3, DATE '2026-01-02')) AS t(id, day)"
        )
        yield comparison


def open_gate(case: Comparison) -> None:
    for copy in ("wrapped", "plain"):
        (case.root / copy / "open").touch()


def test_a_model_that_waits_for_a_signal_is_not_materialized_and_says_what_it_waits_for(case):
    result = case.materialize()
    assert result.success, result.error
    assert result.materialized == {"staging.events", "marts.days"}
    assert result.states == {"marts.gated": "waits for gate_is_open"}
    case.plan()
    assert case.sql("SELECT COUNT(*) FROM marts.gated") == [(0,)]
    again = case.materialize()
    assert again.materialized == set()
    assert again.states["marts.gated"] == "waits for gate_is_open"
    open_gate(case)
    case.run()
    assert case.materialize().materialized == {"marts.gated"}
    assert case.sql("SELECT events FROM marts.gated") == [(3,)]


def test_a_forward_only_change_moves_the_view_and_materializes_nothing(case):
    open_gate(case)
    case.materialize()
    case.plan()
    case.replace("models/days.sql", "COUNT(*)::INT AS events", "COUNT(*)::INT + 100 AS events")
    result = case.materialize()
    case.plan()
    assert result.success, result.error
    assert result.materialized == set()
    assert result.states["marts.days"].startswith("deployed")
    assert case.sql("SELECT events FROM marts.days ORDER BY day") == [(1,), (2,)]


def test_going_back_to_an_earlier_version_moves_the_view_and_materializes_nothing(case):
    open_gate(case)
    before = (case.root / "wrapped" / "project" / "models" / "gated.sql").read_text()
    case.materialize()
    case.plan()
    case.replace("models/gated.sql", "COUNT(*)", "COUNT(*) + 1")
    assert case.materialize().materialized == {"marts.gated"}
    case.plan()
    assert case.sql("SELECT events FROM marts.gated") == [(4,)]
    case.write("models/gated.sql", before)
    result = case.materialize()
    case.plan()
    assert result.materialized == set()
    assert result.states["marts.gated"].startswith("deployed as it was computed at")
    assert case.sql("SELECT events FROM marts.gated") == [(3,)]


def test_a_changed_audit_computes_no_model_twice(case):
    open_gate(case)
    case.recompute_whole = True
    case.sql("CREATE TABLE raw.computed (model TEXT)")
    insert = "INSERT INTO raw.computed VALUES"  # before each time that the model is computed
    for file in ("all", "gated"):
        case.replace(f"models/{file}.sql", ");\nSELECT", f");\n@IF(@runtime_stage = 'evaluating', {insert} ('{file}'));\nSELECT")
    case.materialize()
    case.sql("DELETE FROM raw.computed", "wrapped")
    case.replace("models/all.sql", "kind FULL", "kind FULL, audits (not_null(columns := id))")
    result = case.materialize()
    assert result.success, result.error
    assert result.checks == {("staging.events", "not_null"): True}
    assert result.outcomes["staging.events"] == "ok"
    assert sorted(case.sql("SELECT model FROM raw.computed", "wrapped")) == [("all",), ("gated",)]
