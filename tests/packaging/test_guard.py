"""What the guard lets pass, and what it fails: whole runs of pytest over a file of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from oso_dagster.settings import PROJECT_ROOT

LISTENS = "import socket\nsocket.create_server(('127.0.0.1', 0)).close()"
STARTS = "import subprocess\nsubprocess.Popen(['oso', 'sandbox', 'up'])"


def outcome(folder: Path, body: str, mark: str = "") -> tuple[int, str]:
    """How pytest ends over one test, and what it says."""
    lines = "\n    ".join(body.splitlines())
    (folder / "test_it.py").write_text(f"import pytest\n{mark}\ndef test_it():\n    {lines}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.support.plugins.guard", "-p", "no:cacheprovider", "test_it.py"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("body", [LISTENS, STARTS], ids=["listens", "starts a program"])
def test_a_server_in_a_test_that_is_not_marked_fails_it(tmp_path: Path, body: str) -> None:
    code, output = outcome(tmp_path, body)
    assert code == 1
    assert "test_it.py::test_it starts a server: mark it `server`" in output


def test_a_marked_test_may_listen(tmp_path: Path) -> None:
    assert outcome(tmp_path, LISTENS, "@pytest.mark.server")[0] == 0


def test_programs_that_serve_nothing_are_no_servers(tmp_path: Path) -> None:
    assert outcome(tmp_path, "import subprocess, sys\nsubprocess.run([sys.executable, '-c', ''], check=True)")[0] == 0


def test_a_command_that_reports_is_no_server(tmp_path: Path) -> None:
    body = f"import subprocess\nsubprocess.run(['{Path(sys.executable).with_name('oso')}', '--help'], check=True)"
    assert outcome(tmp_path, body)[0] == 0
