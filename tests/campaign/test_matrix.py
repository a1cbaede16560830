"""The matrix of the fault campaign is what its example says."""

from __future__ import annotations

import doctest

import pytest

from oso_dagster.sandbox.faults.injection import KINDS
from oso_dagster.settings import PROJECT_ROOT
from tests.campaign import cases, matrix, page

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


def test_the_matrix_of_a_log_of_ci_is_what_the_page_gets() -> None:
    drawn = matrix.lines([("npm", "html", "recovered"), ("eas", "html", "did no harm")])
    before = "2026-11-30T18:00:00Z "
    printed = [f"======== {page.HEADING} ========", *drawn, "======== 2 passed in 1.00s ========"]
    lines, counts = page.matrix_of("\n".join(f"{before}{line}" for line in ["....", *printed]))
    assert lines == [line.rpartition(":")[0] or line for line in drawn]
    assert counts == {"recovered": 1, "did no harm": 1}
    with pytest.raises(ValueError, match=r"the log has 2 of \d+ cases"):
        page.with_matrix(PAGE, "\n".join(printed))
    with pytest.raises(ValueError, match="a run without the campaign"):
        page.matrix_of("no")


def test_the_matrix_looks_as_its_example() -> None:
    result = doctest.testmod(matrix)
    assert result.attempted
    assert not result.failed
