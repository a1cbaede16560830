"""The matrix of the fault campaign is what its example says."""

from __future__ import annotations

import doctest

from tests.campaign import matrix


def test_a_case_that_did_not_end_as_declared_stands_out_beside_others_of_its_source_and_fault() -> None:
    endings = [("npm", "html", "did no harm"), ("npm", "html", "not as declared"), ("npm", "html", "did no harm")]
    assert any(line.split() == ["html", "=!"] for line in matrix.lines(endings))


def test_the_matrix_looks_as_its_example() -> None:
    result = doctest.testmod(matrix)
    assert result.attempted
    assert not result.failed
