"""How a command that failed ends: in a line for what a person can put right, with a traceback for a fault of the program."""

from __future__ import annotations

import traceback

from oso_dagster.cli.query import NothingLoadedError, TerminalError
from oso_dagster.cli.session.failures import one_line
from oso_dagster.cli.session.instance import InstanceTakenError, PortTakenError
from oso_dagster.cli.session.terminal import say
from oso_dagster.cli.sources.source_commands import SourceNameError
from oso_dagster.cli.status_commands import NoPageError
from oso_dagster.cli.workers.worker_pool import WorkersDiedError
from oso_dagster.domain.redaction import redact
from oso_dagster.settings import SettingsError
from oso_dagster.sources import SourceFileError

_EXPLAINED = (
    SettingsError,
    SourceFileError,
    PortTakenError,
    InstanceTakenError,
    WorkersDiedError,
    SourceNameError,
    NoPageError,
    NothingLoadedError,
    TerminalError,
)
"""Errors whose message says what to do."""


def report(error: Exception) -> None:
    """Print it on standard error; a traceback with no control characters and no secret in it."""
    line = str(error) if isinstance(error, _EXPLAINED) else one_line(error)
    say(f"oso: {line}" if line else redact("".join(traceback.format_exception(error))), err=True)
