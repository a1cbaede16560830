"""What the commands of `oso slo` work with: settings and an evaluator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from oso_dagster.cli.session.chosen_world import settings_now
from oso_dagster.cli.session.instance import enter
from oso_dagster.cli.session.moments import moment
from oso_dagster.sources import catalogue

if TYPE_CHECKING:
    from oso_dagster.orchestration.objectives.evaluator import Evaluator


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
