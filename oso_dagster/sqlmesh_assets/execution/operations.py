"""Operations beside materializing: restatement, development environments, the janitor. Imports SQLMesh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from ..context import open_context
from ..events import Note
from ..project import Project
from .recording_scheduler import RecordingContext
from .session import Cancelled, Emit, Session, run_unit_tests


class NoIntervalError(Exception):
    """A span was to be computed again in which no model has an interval."""


def restate(project: Project, models: Sequence[str], window: tuple[datetime, datetime], emit: Emit, cancelled: Cancelled) -> None:
    """Compute the models again from window[0] until before window[1], and everything that reads them.

    Works on the code that is deployed, whatever is in the folder. A model without a time column is computed whole. Failures
    of models are events. Until an interval is computed again it counts as missing, so the next materialization continues an
    interrupted restatement. Raises NoIntervalError when nothing was computed.
    """
    start, end = (int(moment.timestamp() * 1000) for moment in window)
    context = open_context(project, RecordingContext, connected=True)
    try:
        session = Session(context, project, emit, cancelled)
        if not session.apply(session.plan(restate_models=models, start=start, end=end)):
            span = f"from {window[0].isoformat()} until before {window[1].isoformat()}"
            raise NoIntervalError(f"nothing was computed: no model has an interval {span}")
    finally:
        context.close()


def develop(project: Project, environment: str, models: Sequence[str], emit: Emit, cancelled: Cancelled) -> None:
    """Deploy what is in the folder (only `models` and what they need, if named) to a development environment."""
    context = open_context(project, RecordingContext, connected=True)
    try:
        session = Session(context, replace(project, environment=environment), emit, cancelled)
        plan = session.plan(select_models=list(models) or None, include_unmodified=True)
        run_unit_tests(context)
        session.deploy(plan)
        session.emit_promoted()
    finally:
        context.close()


def clean(project: Project, emit: Emit, *, ignore_ttl: bool) -> None:
    """Drop expired environments, and tables that no environment uses any more."""
    context = open_context(project, RecordingContext, connected=True)
    try:
        before = len(context.state_sync.get_environments_summary())
        context.run_janitor(ignore_ttl=ignore_ttl)
        after = len(context.state_sync.get_environments_summary())
        emit(Note(f"cleaned up: {before - after} expired environment(s) dropped"))
    finally:
        context.close()
