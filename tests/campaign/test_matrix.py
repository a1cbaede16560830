"""The matrix of the fault campaign is what its example says."""

from __future__ import annotations

import doctest

from oso_dagster.sandbox.faults.injection import KINDS
from oso_dagster.settings import PROJECT_ROOT
from tests.campaign import cases, matrix

PAGE = (PROJECT_ROOT / "docs" / "faults.md").read_text()


def test_the_page_of_faults_names_every_kind_and_counts_the_cases() -> None:
    assert [kind for kind in KINDS if f"`{kind}`" not in PAGE] == []
    assert f"{len(list(cases.cases())):,} cases" in PAGE


def test_after_every_fault_that_lasts_and_fails_a_table_is_loaded_healthily_at_once() -> None:
    lasting = {case.fault for case in cases.cases() if not case.once} - cases.HARMLESS - cases.SET_ASIDE
    assert {case.fault for case in cases.cases() if not case.endured} >= lasting


def test_a_case_that_did_not_end_as_declared_stands_out_beside_others_of_its_source_and_fault() -> None:
    endings = [("npm", "html", "did no harm"), ("npm", "html", "not as declared"), ("npm", "html", "did no harm")]
    assert any(line.split() == ["html", "=!"] for line in matrix.lines(endings))


def test_the_matrix_looks_as_its_example() -> None:
    result = doctest.testmod(matrix)
    assert result.attempted
    assert not result.failed
