"""Runs the unit tests of a project: one result each, and what fails is charged to the model that it is of. Imports SQLMesh."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..events import Event, Note, UnitTestDone
from ..manifest.unit_test_names import unit_test_checks
from .passed_tests import PassedTests
from .recording_scheduler import RecordingContext


def run_unit_tests(context: RecordingContext, emit: Callable[[Event], None]) -> dict[str, str]:
    """Run the unit tests of a loaded context and emit their results; the models of those that fail, with the causes.

    One that passed as it is, on the same models, is not run again (`passed_tests`): its pass stands, and its result says so.
    A test of what is no asset is named, and its model when it fails is what SQLMesh calls it.
    """
    checks = unit_test_checks(context)
    passed = PassedTests(context)
    stand = {name for name in checks if passed.stand(name)}
    causes: dict[str, str] = {}
    to_run = sorted(checks.keys() - stand)
    result = context.test(tests=to_run) if to_run else None
    failed: list[tuple[Any, str]] = [*result.failures, *result.errors] if result else []
    for test, text in failed:
        name = f"{test.path}::{test.test_name}"
        causes[name] = "; ".join(part for part in (causes.get(name), text.strip().splitlines()[-1]) if part)
    ran_all = result is None or result.testsRun >= len(to_run)  # of a test that SQLMesh left out nothing is known
    passed.keep(checks.keys() - causes.keys() if ran_all else stand)
    broken: dict[str, list[str]] = {}
    for name, check in checks.items():
        cause = causes.pop(name, "")
        if check.of_asset:
            emit(UnitTestDone(check.model, check.check, check.test, cause, stands=name in stand))
        elif not cause:
            emit(Note(f"unit test {check.test} of {check.model}, which is no asset: passed"))
        if cause:
            broken.setdefault(check.model, []).append(f"unit test {check.test} fails: {cause}")
    for name, cause in causes.items():  # SQLMesh ran what it did not list
        broken.setdefault("", []).append(f"unit test {name} fails: {cause}")
    if checks and not broken:
        emit(Note(f"unit tests: {len(to_run)} passed, {len(stand)} had passed with the same models"))
    return {model: "; ".join(causes_of_model) for model, causes_of_model in broken.items()}
