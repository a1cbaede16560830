"""Operations beside materializing: restatement, development environments, the janitor. Imports SQLMesh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlmesh.utils.errors import PlanError

from ..events import Note
from ..project import Project
from .first_interval import end_with_the_next
from .opened_project import opened_project
from .recording_scheduler import RecordingContext
from .session import Cancelled, Emit, Session
from .unit_tests import run_unit_tests


class NoIntervalError(Exception):
    """A span was to be computed again in which no model has an interval."""


class RestatementDisabledError(Exception):
    """All models that were to be computed again forbid it."""


def restate(project: Project, models: Sequence[str], window: tuple[datetime, datetime], emit: Emit, cancelled: Cancelled) -> None:
    """Compute the models again from window[0] until before window[1], and everything that reads them.

    Works on the code that is deployed, whatever is in the folder. A model without a time column is computed whole. Failures
    of models are events. Until an interval is computed again it counts as missing, so the next materialization continues an
    interrupted restatement. An interval in which the start of a model lies goes with the next one (`first_interval`).
    Raises NoIntervalError when nothing was computed,
    RestatementDisabledError when all the models forbid it; a warning names those that do.
    """
    start, end = (int(moment.timestamp() * 1000) for moment in window)
    with opened_project(project, emit) as context:
        _refuse_disabled(context, models, emit)
        end = end_with_the_next(context, models, (start, end))
        session = Session(context, project, emit, cancelled)
        if not session.apply(session.plan(restate_models=models, start=start, end=end)):
            span = f"from {window[0].isoformat()} until before {window[1].isoformat()}"
            raise NoIntervalError(f"nothing was computed: no model has an interval {span}")


def _refuse_disabled(context: RecordingContext, models: Sequence[str], emit: Emit) -> None:
    kinds = {
        name: str(model.kind.name.value) for name in models if (model := context.get_model(name)) and model.disable_restatement
    }
    if not kinds:
        return
    text = "; ".join(f"{name} ({kind}) cannot be computed again: its restatement is disabled" for name, kind in kinds.items())
    if len(kinds) == len(models):
        raise RestatementDisabledError(f"{text}. Set disable_restatement false in the model if its history may be lost.")
    emit(Note(text, "warning"))


def develop(project: Project, environment: str, models: Sequence[str], emit: Emit, cancelled: Cancelled) -> None:
    """Deploy what is in the folder (only `models` and what they need, if named) to a development environment."""
    with opened_project(project, emit) as context:
        session = Session(context, replace(project, environment=environment), emit, cancelled)
        plan = session.plan(select_models=list(models) or None, include_unmodified=True)
        if broken := run_unit_tests(context, emit):
            raise PlanError(f"nothing was deployed: {'; '.join(f'{model}: {cause}' for model, cause in broken.items())}")
        session.deploy(plan)
        session.emit_promoted()


def clean(project: Project, emit: Emit, *, ignore_ttl: bool) -> None:
    """Drop expired environments, and tables that no environment uses any more."""
    with opened_project(project, emit) as context:
        before = len(context.state_sync.get_environments_summary())
        context.run_janitor(ignore_ttl=ignore_ttl)
        after = len(context.state_sync.get_environments_summary())
        emit(Note(f"cleaned up: {before - after} expired environment(s) dropped"))
