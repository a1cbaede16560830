"""SQLMesh's console, whose messages become events: nobody sees a terminal here. Imports SQLMesh."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlmesh.core.console import NoopConsole, get_console, set_console
from sqlmesh.utils.errors import format_destructive_change_msg

from .context import short_name
from .events import Event, Note


class EventConsole(NoopConsole):
    """Emits warnings and errors as notes, and keeps the errors: SQLMesh's exceptions refer to what the console has shown."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self.emit = emit
        self.errors: list[str] = []

    def log_warning(self, short_message: str, long_message: str | None = None) -> None:
        """A warning, in its longer form."""
        self.emit(Note((long_message or short_message).strip(), "warning"))

    def log_error(self, message: str, *_: Any, **__: Any) -> None:
        """An error."""
        self._error(str(message))

    def show_linter_violations(self, violations: list[Any], model: Any, is_error: bool = False) -> None:
        """What the linter found in one model: rule, message, file."""
        for violation in violations:
            text = f"{short_name(model.fqn)}: {violation.rule.name}: {violation.violation_msg} ({model._path})"  # noqa: SLF001
            self._error(text) if is_error else self.emit(Note(text, "warning"))

    def log_destructive_change(self, snapshot_name: str, alter_operations: list[Any], dialect: str, error: bool = True) -> None:
        """A change that drops or retypes a column of a table that is kept."""
        text = format_destructive_change_msg(snapshot_name, alter_operations, dialect, error)
        self._error(text) if error else self.emit(Note(text, "warning"))

    def _error(self, text: str) -> None:
        self.errors.append(text.strip())
        self.emit(Note(text.strip(), "error"))


@contextmanager
def as_sqlmesh_console(console: EventConsole) -> Iterator[EventConsole]:
    """SQLMesh's console of this process meanwhile."""
    before = get_console()
    set_console(console)
    try:
        yield console
    finally:
        set_console(before)
