"""`make bench ONLY=growth`: the exponent that it prints is that of the cost, whatever is fixed of it."""

from __future__ import annotations

import ast
from pathlib import Path
from random import Random

import pytest

from tests.bench import growth as bench
from tests.bench.growth import FLAT, GOAL, SIZES, exponent

ASSETS = SIZES["judging"][1]


@pytest.mark.parametrize("fixed", [0, 1, 10])
@pytest.mark.parametrize("power", [0.5, 1, 1.3, 2])
def test_the_exponent_is_that_of_what_grows_and_not_of_what_is_fixed(power: float, fixed: float) -> None:
    assert exponent(ASSETS, [fixed + 10 * (size / ASSETS[-1]) ** power for size in ASSETS]) == pytest.approx(power, abs=0.02)


def test_a_cost_that_is_measured_a_little_wrong_is_fitted_nearly_right() -> None:
    chance = Random(1)
    noisy = [(1 + size / 500) * chance.uniform(0.98, 1.02) for size in ASSETS]
    assert exponent(ASSETS, noisy) == pytest.approx(1, abs=GOAL - 1)


def test_a_cost_that_hardly_grows_does_not_grow() -> None:
    assert exponent(ASSETS, [1, 1.2, 0.9, FLAT - 0.01]) == 0


def test_each_part_has_a_way_to_measure_it() -> None:
    program = ast.parse((Path(bench.__file__).parent / "ways" / "growing.py").read_text())  # to import it takes seconds
    (parts,) = [
        node.value
        for node in program.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "PARTS"
    ]
    assert isinstance(parts, ast.Dict)
    assert {key.value for key in parts.keys if isinstance(key, ast.Constant)} == set(SIZES)
