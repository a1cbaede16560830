"""The partitions of one run: drawn one after the other, small ones published together, each recorded by itself.

What a load costs beside its rows (a load package, a database in memory, the attached warehouse, transactions of Dagster's log) is
paid once for the small partitions that come within a second; a large one is loaded alone, as a single one is. What fails takes
none of those before it along.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import chain

import dagster as dg

from oso_dagster.domain.catalogue.loading import Extract, Loaded, RefusedError
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.orchestration.ingest.load_context import LoadStep
from oso_dagster.orchestration.ingest.one_load import ask, load_alone, named_errors, unchanged
from oso_dagster.orchestration.ingest.range_events import Report, materialized, report
from oso_dagster.orchestration.ingest.turn import BusyError, my_turn
from oso_dagster.warehouse.arrow_schemas import fits_together

_SMALL_BYTES = 8 * 2**20
"""The most that a partition may have in Arrow's memory to be published with others; about what they have together."""

_DRAWING_SECONDS = 1.0
"""So long partitions are drawn before those that came are published."""


@dataclass(frozen=True)
class _Drawn:
    """A partition: an extract that is `small` or not, or the report of what is there already; and the bytes that were drawn."""

    window: Window
    extract: Extract | None = None
    kept: Report | None = None
    small: bool = False
    bytes: int = 0


def load_range(step: LoadStep) -> list[dg.Failure]:
    """Load the partitions of a run, oldest first; the refusals among them. Raises dagster.Failure for what may be tried again."""
    refusals: list[dg.Failure] = []
    left = deque(window for window in step.windows if window is not None)
    while left:
        with ExitStack() as turns:
            drawn, failure = _draw(step, left, turns)
            refusals += _publish(step, drawn)
        if failure is not None:
            refusals.append(_refusal(step, failure))
    return refusals


def _draw(step: LoadStep, left: deque[Window], turns: ExitStack) -> tuple[list[_Drawn], dg.Failure | None]:
    """Take the next partitions that are published together off `left`, and the failure of the one behind them."""
    drawn: list[_Drawn] = []
    began, size = time.monotonic(), 0
    while left and size <= _SMALL_BYTES and time.monotonic() - began < _DRAWING_SECONDS:
        window = left[0]
        try:
            with named_errors(step, window):
                turn = my_turn(step.context, step.warehouse, step.source, step.table, window, wait=not drawn)
                waited = turns.enter_context(turn)
                each = _ask(step, window, waited=waited)
        except BusyError:  # those that came are published before another run is waited for
            break
        except dg.Failure as failure:
            left.popleft()
            return drawn, failure
        left.popleft()
        drawn.append(each)
        size += each.bytes
    return drawn, None


def _ask(step: LoadStep, window: Window, *, waited: bool) -> _Drawn:
    """What becomes of a partition."""
    known = step.before(window)
    if window.key in step.done and known is not None:
        step.context.log.info("%s: an earlier try has loaded it", window.key)
        return _Drawn(window, kept=Report(known, unchanged(step, known)))
    outcome = ask(step, window, known, waited=waited)
    if isinstance(outcome, Loaded):
        return _Drawn(window, kept=materialized(step, outcome, unchanged=True))
    extract, size = _drawn(outcome)
    return _Drawn(window, extract, small=size <= _SMALL_BYTES and fits_together(extract), bytes=size)


def _drawn(extract: Extract) -> tuple[Extract, int]:
    """The extract with its batches drawn as far as they are small, and the bytes that were drawn."""
    rows = {landed: iter(batches) for landed, batches in extract.batches.items()}
    came: dict[str, list[object]] = {landed: [] for landed in rows}
    size = 0
    for landed, batches in rows.items():
        for batch in batches:
            came[landed].append(batch)
            size += getattr(batch, "nbytes", _SMALL_BYTES + 1)
            if size > _SMALL_BYTES:
                return replace(extract, batches={name: chain(came[name], rows[name]) for name in rows}), size
    surviving = None if extract.surviving is None else list(extract.surviving)
    return replace(extract, batches=came, surviving=surviving), size


def _publish(step: LoadStep, drawn: Sequence[_Drawn]) -> list[dg.Failure]:
    """Publish and report what was drawn; the refusals among it. Raises dagster.Failure with those before it reported."""
    refusals: list[dg.Failure] = []
    reports = [each.kept for each in drawn if each.kept is not None]
    small = [(each.window, each.extract) for each in drawn if each.small and each.extract is not None]
    alone = [(each.window, each.extract) for each in drawn if not each.small and each.extract is not None]
    try:
        if small or alone:
            step.going_on.require()
        if len(small) <= 1 or not _publish_together(step, small, reports, refusals):
            alone = small + alone
        for window, extract in alone:
            try:
                with named_errors(step, window):
                    reports.append(materialized(step, load_alone(step, window, extract), unchanged=False))
            except dg.Failure as failure:
                refusals.append(_refusal(step, failure))
    finally:
        report(step, reports)
    return refusals


def _publish_together(
    step: LoadStep, small: Sequence[tuple[Window, Extract]], reports: list[Report], refusals: list[dg.Failure]
) -> bool:
    """Publish small partitions in one go; False, with nothing done, where they cannot be staged so: each alone says why."""
    allow = step.config.allow_shrink
    loads = step.warehouse.load_together(step.source, step.table, small, fingerprint=step.mark, allow_shrink=allow)
    with closing(loads):
        try:
            first = next(loads)
        except Exception as error:  # noqa: BLE001  (each alone meets it again, and names its partition)
            step.context.log.info("each partition is loaded by itself: %s", type(error).__name__)
            return False
        for number, (window, _) in enumerate(small):
            try:
                with named_errors(step, window):
                    outcome = next(loads) if number else first
                    if isinstance(outcome, RefusedError):
                        raise outcome
                    reports.append(materialized(step, outcome, unchanged=False))
            except dg.Failure as failure:
                refusals.append(_refusal(step, failure))
    return True


def _refusal(step: LoadStep, failure: dg.Failure) -> dg.Failure:
    """A failure that is no reason to leave the partitions behind it; any other is raised."""
    if failure.allow_retries:
        raise failure
    step.context.log.warning("%s; the partitions behind it are loaded first", failure.description)
    return failure
