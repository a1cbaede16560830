"""What the commands of `oso slo` work with: settings, times as people write them, an evaluator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from oso_dagster.cli.session.chosen_world import settings_now
from oso_dagster.cli.session.instance import enter
from oso_dagster.cli.session.terminal import refusal
from oso_dagster.sources import catalogue

if TYPE_CHECKING:
    from oso_dagster.orchestration.objectives.evaluator import Evaluator


def moment(text: str | None, zone: str = "UTC") -> datetime:
    """A time as a person writes it, in `zone` where it names none; now when there is no text."""
    if text is None:
        return datetime.now(UTC)
    try:
        here = ZoneInfo(zone)
    except (KeyError, ValueError):
        raise refusal(f"no time zone is called {zone}; write for example Europe/Berlin") from None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise refusal(f"{text} is not a time; write for example 2026-03-01T12:00+00:00") from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=here)


@contextmanager
def evaluator_at(at: str | None) -> Iterator[tuple[Evaluator, datetime]]:
    """An evaluator on the store of this world; without a time the ledger is filled first, with one the past is replayed."""
    from oso_dagster.orchestration.objectives.open_evaluator import evaluator_now, evaluator_then  # noqa: PLC0415  (dagster loads when used)

    settings = settings_now()
    enter(settings)
    sources = settings.in_world(catalogue())
    opened = evaluator_now(settings, sources) if at is None else evaluator_then(settings, sources)
    with opened as evaluator:
        yield evaluator, moment(at)
