"""The log channel: one readable line when an incident opens, one when it is over."""

from __future__ import annotations

import logging

from oso_dagster.domain.alert import Action, Raise, Severity

_LEVELS = {Severity.WARNING: logging.WARNING, Severity.ERROR: logging.ERROR}


class LogChannel:
    """Delivers alerts to a logger; a delivered line has been handed to its handlers when `deliver` returns."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def deliver(self, action: Action) -> None:
        """Say it, once."""
        if isinstance(action, Raise):
            alert = action.alert
            self._logger.log(
                _LEVELS[alert.severity],
                "ALERT %s | key=%s severity=%s owner=%s | %s | next: %s",
                *(one_line(part) for part in (alert.title, alert.key, alert.severity, alert.owner, alert.body, alert.next_step)),
            )
        else:
            self._logger.warning("RECOVERED %s | %s", action.key, one_line(action.text))


def one_line(text: str) -> str:
    """`text` without line breaks, so that one alert is one line for every reader of the log."""
    return " ".join(text.split())
