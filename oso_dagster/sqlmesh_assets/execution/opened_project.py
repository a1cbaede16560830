"""Opens a project for work on its environment, with SQLMesh's messages as events. Imports SQLMesh."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlmesh.utils.errors import SQLMeshError

from ..context import open_context
from ..event_console import EventConsole, as_sqlmesh_console
from ..events import Event
from ..project import Project
from .recording_scheduler import RecordingContext


class UndeployableError(SQLMeshError):
    """SQLMesh refuses what is in the folder; the message holds what it showed on its console."""


@contextmanager
def opened_project(project: Project, emit: Callable[[Event], None], *, load: bool = True) -> Iterator[RecordingContext]:
    """The project's context, loaded if `load`. Raises UndeployableError for what SQLMesh raises after showing why."""
    console = EventConsole(emit)
    with as_sqlmesh_console(console):
        context: RecordingContext = open_context(project, RecordingContext, connected=True, load=False, console=console)
        try:
            if load:
                context.load()
            yield context
        except SQLMeshError as error:
            if not console.errors:
                raise
            raise UndeployableError("\n".join([str(error), *console.errors])) from error
        finally:
            context.close()
