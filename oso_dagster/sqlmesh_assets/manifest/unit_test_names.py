"""Of which model a unit test is a check, and under which name: the same at definition and at run time. Imports SQLMesh."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from ..context import short_name


@dataclass(frozen=True)
class UnitTestCheck:
    """A unit test: its name, the model that it is of (as SQLMesh calls it where that is no asset), and the check that it is."""

    test: str
    model: str
    check: str
    of_asset: bool


def unit_test_checks(context: Any) -> dict[str, UnitTestCheck]:
    """Every unit test of a loaded context, by the name with which SQLMesh tells all of them apart."""
    seen = Counter[tuple[str, str]]()
    checks = {}
    for test in sorted(context.select_tests(), key=lambda each: str(each.fully_qualified_test_name)):
        model = context.get_model(test.model_name) if test.model_name else None
        of_asset = model is not None and not model.kind.is_symbolic
        name = short_name(model.fqn) if model is not None else test.model_name
        check = "unit_test_" + re.sub(r"[^A-Za-z0-9_]", "_", test.test_name).removeprefix("test_")
        seen[name, check] += 1
        number = seen[name, check]
        checks[test.fully_qualified_test_name] = UnitTestCheck(
            test.test_name, name, check if number == 1 else f"{check}_{number}", of_asset
        )
    return checks
