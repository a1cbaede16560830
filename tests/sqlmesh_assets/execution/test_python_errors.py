"""A Python model that fails: the last exception first, then the line of its file, then the frames."""

from __future__ import annotations

from pathlib import Path

import pytest

from oso_dagster.sqlmesh_assets import attempt_metadata
from oso_dagster.sqlmesh_assets.execution.python_errors import line_in_file
from tests.sqlmesh_assets.execution.test_materializing import run
from tests.sqlmesh_assets.playground import Playground

MODEL = '''"""A module of one model."""

import typing as t
import pandas as pd
from sqlmesh import ExecutionContext, model


def size_of(row: dict) -> int:
    """A docstring,
    which the copy that SQLMesh executes has not."""
    try:
        return row["size"]
    except KeyError as error:
        # of the comments neither
        raise ValueError(
            f"no size in {row}"
        ) from error


@model("marts.from_python", kind="FULL", columns={"id": "bigint"}, depends_on=["marts.sizes"])
def execute(context: ExecutionContext, **kwargs: t.Any) -> pd.DataFrame:
    """Another one."""

    rows = [{"id": 7}]
    return pd.DataFrame({"id": [size_of(row) for row in rows]})
'''
PAYLOAD = "def size_of(row: dict):\n    if row:\n        return row['size']\n    return 0"


@pytest.mark.slow
def test_the_last_exception_is_first_then_the_line_of_the_file_then_the_frames(playground: Playground) -> None:
    (playground.root / "project" / "models" / "from_python.py").write_text(MODEL)
    outcome = run(playground)
    assert not outcome.result.success
    lines = outcome.reports["marts.from_python"][attempt_metadata.CAUSE].splitlines()
    assert lines[0] == "ValueError: no size in {'id': 7} (models/from_python.py:15 in size_of)"
    assert lines[1] == "  models/from_python.py:15 in size_of"
    assert lines[-2] == "  models/from_python.py:25 in execute"
    assert lines[-1] == "because of KeyError: 'size'"
    (failure,) = [event for event in outcome.result.all_events if event.is_step_failure]
    assert lines[0] in str(failure.step_failure_data.error)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            'def size_of(row: dict) -> int:\n    """W."""\n\n    if row:\n        #\n        return row["size"]\n    return 0',
            6,
        ),
        ('def size_of(row: dict) -> int:\n    if row:\n        return row["length"]\n    return 0\n', None),
        ("def other():\n    pass\n", None),
        ("def size_of(:\n", None),
    ],
)
def test_a_line_of_the_copy_is_named_only_of_a_file_that_says_the_same(tmp_path: Path, text: str, line: int | None) -> None:
    file = tmp_path / "model.py"
    file.write_text(text)
    assert line_in_file(PAYLOAD, 3, file) == line


def test_of_a_file_that_is_gone_no_line_is_named(tmp_path: Path) -> None:
    assert line_in_file(PAYLOAD, 3, tmp_path / "gone.py") is None
