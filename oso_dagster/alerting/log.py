"""The log channel, which is always there: one readable line for everything that is said of an incident."""

from __future__ import annotations

import logging

from oso_dagster.alerting.outcomes import Sent
from oso_dagster.alerting.ports import Task
from oso_dagster.alerting.severity_signs import sign_of
from oso_dagster.domain.alerts.announcement import LOG
from oso_dagster.domain.alerts.incident import Severity
from oso_dagster.domain.durations import duration
from oso_dagster.domain.printable import printable

_LEVELS = {Severity.PAGE: logging.ERROR, Severity.TICKET: logging.WARNING, Severity.INFO: logging.INFO}


def one_line(text: str) -> str:
    """`text` without line breaks, so that one alert is one line for every reader of the log, and nothing that acts on it."""
    return printable(" ".join(text.split()))


class LogSender:
    """The channel `log`: hands each announcement to a logger. It has no messages to edit, no limits, and no outage."""

    name = LOG
    fingerprint = LOG
    server = ""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def rest(self) -> float:
        """It never has to be left alone."""
        return 0.0

    def send(self, task: Task, seconds: float) -> Sent:  # noqa: ARG002  (a logger takes no time)
        """Say it, once."""
        announcement = task.announcement
        about = announcement.incident
        again = " (sent again)" if task.perhaps_sent else ""
        since = duration(announcement.at - about.opened_at)
        parts = (announcement.kind.upper() + again, sign_of(about).word, about.title, announcement.key, about.owner, since)
        rest = ("; ".join(about.body), about.next_step if about.open else "nothing")
        self._logger.log(
            _LEVELS[about.severity] if about.open else logging.WARNING,
            "ALERT %s %s: %s | key=%s owner=%s open for %s as of %s | %s | next: %s",
            *(one_line(part) for part in (*parts, f"{announcement.at:%Y-%m-%d %H:%M:%S} UTC", *rest)),
        )
        return Sent("")
