"""Every audit of the project fails where its fault is, and passes where it is not."""

from __future__ import annotations

import pytest

from oso_dagster.settings import PROJECT_ROOT
from tests.sqlmesh_project.quality.audit_cases import CASES, DAILY, YOUNG, Case
from tests.sqlmesh_project.quality.small_engine import SmallEngine


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return SmallEngine(tmp_path_factory.mktemp("cache"))


@pytest.mark.parametrize("audit", CASES)
def test_an_audit_finds_its_fault_and_nothing_where_there_is_none(engine, audit):
    case: Case = CASES[audit]
    model = engine.model(case.model)
    with engine.filled(case.good):
        assert engine.findings(model, audit, case.arguments) == 0
    with engine.filled(case.good | case.bad):
        assert engine.findings(model, audit, case.arguments) > 0


def test_every_audit_that_a_model_has_is_shown_to_fail(engine):
    attached = {audit.name for model in engine.context.models.values() for audit, _ in model.audits_with_args}
    assert attached == set(CASES)
    files = {path.stem for path in (PROJECT_ROOT / "sqlmesh_project" / "audits").glob("*.sql")}
    assert files <= attached


@pytest.mark.parametrize("history", YOUNG)
@pytest.mark.parametrize("audit", ["volume_in_band", "no_gap_by_day"])
def test_a_young_history_is_no_finding(engine, audit, history):
    with engine.filled(YOUNG[history]):
        assert engine.findings(engine.model(DAILY), audit) == 0


@pytest.mark.parametrize("path", sorted((PROJECT_ROOT / "sqlmesh_project" / "audits").glob("*.sql")), ids=lambda path: path.stem)
def test_an_audit_says_why_it_blocks_or_why_not(path):
    words, _, declaration = path.read_text(encoding="utf-8").partition("AUDIT (")
    expected = "does not block" if "blocking false" in declaration else "It blocks"
    assert expected in " ".join(words.replace("--", "").split()) or "A warning:" in words
