"""What a command loads before it is known which one it is: no store, no engine, no orchestration."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {"alembic", "dagster", "dlt", "duckdb", "grpc", "pandas", "pyarrow", "pygit2", "sqlalchemy", "sqlglot", "sqlmesh"}


def test_the_command_line_loads_no_heavy_library_until_a_command_needs_it() -> None:
    code = "import sys, oso_dagster.cli; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert HEAVY & set(loaded) == set()
    assert "typer" in loaded
