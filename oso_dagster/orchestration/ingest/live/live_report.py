"""The report of a check of one source: what a dry run of its tables brought, and what its questions were answered. Markdown.

Made to be pasted where everybody reads it: secrets are taken out, and nothing of the machine is in it but versions.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

from oso_dagster.connectors.http.glance import Glancer
from oso_dagster.domain.catalogue.source import Source
from oso_dagster.domain.redaction import redact
from oso_dagster.orchestration.ingest.dry_run import Trial
from oso_dagster.orchestration.ingest.live.asking import Asked
from oso_dagster.orchestration.ingest.live.live_questions import QUESTIONS, answers_of
from oso_dagster.orchestration.resources import clients_of
from oso_dagster.settings import Settings


@dataclass(frozen=True)
class LiveAnswer:
    """The answer to one question, in lines without secrets, and what it took."""

    name: str
    question: str
    lines: tuple[str, ...]
    requests: int
    seconds: float


def ask_live(settings: Settings, source: Source, now: datetime) -> list[LiveAnswer]:
    """Ask all questions of a source, one after the other. Raises SettingsError where nothing can be asked."""
    glancer = Glancer()
    answers: list[LiveAnswer] = []
    for question in QUESTIONS.get(source.name, ()):
        asked = Asked(settings.of_source(source), clients_of(source, settings), now, glancer)
        left, begun = glancer.left, time.monotonic()
        lines = tuple(redact(line, settings.secrets()) for line in answers_of(question, asked))
        answers.append(LiveAnswer(question.name, question.text, lines, left - glancer.left, time.monotonic() - begun))
    return answers


def markdown(source: Source, world: str, now: datetime, trials: Sequence[Trial], answers: Sequence[LiveAnswer]) -> str:
    """The report as Markdown."""
    versions = f"oso_dagster {version('oso-dagster')}, Python {platform.python_version()}"
    lines = [
        f"# Check of `{source.name}` ({source.title})",
        "",
        f"{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC, world `{world}`, {versions}.",
        "",
        "## Tables",
        "",
        "| table | partition | rows | would stop a load | would warn |",
        "|---|---|---|---|---|",
    ]
    for trial in trials:
        rows = ", ".join(f"{name}: {number:,}" for name, number in trial.rows.items()) or "none"
        cells = [trial.table, trial.partition or "", rows, "; ".join(trial.problems), "; ".join(trial.warnings)]
        lines.append(f"| {' | '.join(map(_cell, cells))} |")
    lines += ["", "## Questions", ""]
    for answer in answers:
        lines += [f"### {answer.name}: {answer.question}", ""]
        lines += [f"- {_line(line)}" for line in answer.lines]
        lines += [f"- {answer.requests} requests, {answer.seconds:.1f} s", ""]
    if not answers:
        lines += ["Nothing about this source needs a live request that a load does not make.", ""]
    return "\n".join(lines)


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")
