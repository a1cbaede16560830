"""What a run of all tests says of the fast loop: whole runs of pytest over a file of its own; none fails for its time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from oso_dagster.settings import PROJECT_ROOT

SPIN = "end = time.process_time() + {}\n    while time.process_time() < end: pass\n"
TESTS = "import time\nimport pytest\ndef test_fast():\n    {}@pytest.mark.slow\ndef test_slow():\n    {}def test_last(): pass\n"
INI = "[pytest]\ntestpaths = test_it.py\nmarkers = slow\n"


def outcome(folder: Path, fast: float, slow: float, *arguments: str) -> tuple[int, str]:
    """How pytest ends over two tests that take so many seconds of processor, and what it says."""
    (folder / "test_it.py").write_text(TESTS.format(SPIN.format(fast), SPIN.format(slow)))
    (folder / "pytest.ini").write_text(INI)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.support.plugins.fast_share", *arguments]
    environment = os.environ | {"PYTHONPATH": str(PROJECT_ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_fast_loop_of_a_quarter_is_reported_with_what_to_do(tmp_path: Path, workers: str) -> None:
    code, output = outcome(tmp_path, 0.3, 0.3, "-n", workers)
    assert code == 0
    assert "it must stay under 25%: mark `slow` what costs most" in output


def test_a_fast_loop_under_a_quarter_is_reported(tmp_path: Path) -> None:
    code, output = outcome(tmp_path, 0.05, 0.5)
    assert code == 0
    assert "fast loop: 0 of 1 s of processor, " in output


def test_a_part_of_the_tests_is_not_judged(tmp_path: Path) -> None:
    for part in (["-m", "not slow"], ["-k", "fast"], ["test_it.py"]):
        code, output = outcome(tmp_path, 0.1, 0.0, *part)
        assert (code, "fast loop" in output) == (0, False)
