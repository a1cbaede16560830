"""`oso sql`: one question to the warehouse, shown to a person or written for another program."""

from __future__ import annotations

from oso_dagster.cli.query.command import NothingLoadedError, sql
from oso_dagster.cli.query.files import TerminalError

__all__ = ["NothingLoadedError", "TerminalError", "sql"]
