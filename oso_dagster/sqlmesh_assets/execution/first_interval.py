"""Intervals in which the start of a model lies: SQLMesh computes one whole when it deploys, and alone never again.

It takes the span from the start to the end of a restatement for too short to hold an interval. With the interval behind it the
span is long enough, and both are computed. Imports SQLMesh.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlmesh.utils.date import now_timestamp, to_datetime, to_timestamp

from .recording_scheduler import RecordingContext

Span = tuple[int, int]
"""Milliseconds since 1970, without the last one."""


def end_with_the_next(context: RecordingContext, models: Sequence[str], span: Span) -> int:
    """The end of the span, or of the interval behind a model's first one, where the span holds no more of the model than that.

    Counted for `models` and for all that reads them; never later than now.
    """
    reading = (each for each in _and_readers(context, models) if each.start and not each.kind.is_full)
    wanted = [_end_of_second(model) for model in reading if _holds_only_the_first(model, span)]
    return max([span[1], *(min(end, now_timestamp()) for end in wanted)])


def _and_readers(context: RecordingContext, models: Iterable[str]) -> list[Any]:
    named = [model for name in models if (model := context.get_model(name)) is not None]
    names = {name for model in named for name in (model.fqn, *context.dag.downstream(model.fqn))}
    return [model for name in sorted(names) if (model := context.get_model(name)) is not None]


def _holds_only_the_first(model: Any, span: Span) -> bool:
    start, unit = to_datetime(model.start), model.interval_unit
    first = to_timestamp(unit.cron_floor(start))
    first_end = to_timestamp(unit.cron_next(unit.cron_floor(start)))
    if first == to_timestamp(start) or not (span[0] < first_end and first < span[1]):
        return False
    return bool(max(span[1], first_end) - to_timestamp(start) < unit.milliseconds)


def _end_of_second(model: Any) -> int:
    unit = model.interval_unit
    return to_timestamp(unit.cron_next(unit.cron_next(unit.cron_floor(to_datetime(model.start)))))
