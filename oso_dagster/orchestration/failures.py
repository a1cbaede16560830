"""What went wrong in a run, in the words of those who raised it."""

from __future__ import annotations

import dagster as dg


def failures_of(result: dg.ExecuteInProcessResult) -> list[str]:
    """One line per failed step: the innermost error's message, without its trace."""
    return [_words(event) for event in result.all_events if event.is_step_failure]


def _words(event: dg.DagsterEvent) -> str:
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    message = error.message.strip() if error is not None else event.message or "no reason was given"
    return message.removeprefix("dagster._core.definitions.events.Failure: ")
