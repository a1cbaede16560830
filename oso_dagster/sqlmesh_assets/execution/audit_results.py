"""Turns the results of SQLMesh's audits into events. Imports SQLMesh."""

from __future__ import annotations

import copy
from collections.abc import Collection
from functools import partial
from typing import Any

from ..context import short_name
from ..events import AuditDone
from ..manifest.audit_names import check_names, checked_model_of
from ..manifest.builder import plain_arguments
from .recorder import Recorder

SAMPLE_ROWS = 5
SAMPLE_LETTERS = 200
"""The longest text that is kept of a value."""


def checked_model(snapshot: Any, models: Collection[str]) -> str:
    """The model or table of which the audits of a snapshot are checks: itself, or one that a standalone audit reads; or empty."""
    if snapshot.is_model:
        return short_name(snapshot.name)
    return checked_model_of(map(short_name, snapshot.audit.depends_on), models)


def with_audit_events(evaluator: Any, recorder: Recorder, models: Collection[str]) -> Any:
    """The evaluator, emitting each audit's result, passed or failed: the exception of a failed one names only itself."""
    reporting = copy.copy(evaluator)

    def audit(snapshot: Any, **kwargs: Any) -> Any:
        results = type(evaluator).audit(reporting, snapshot, **kwargs)
        model = checked_model(snapshot, models)
        adapter = reporting.get_adapter(snapshot.model_gateway)
        names = check_names([(result.audit.name, partial(plain_arguments, result.audit_args)) for result in results])
        for result, name in zip(results, names, strict=True):
            if model and not result.skipped:
                recorder.emit(_event(model, name, result, adapter))
        return results

    reporting.audit = audit
    return reporting


def _event(model: str, check: str, result: Any, adapter: Any) -> AuditDone:
    count, query = result.count or 0, result.query
    sample = _sample(adapter, query) if count else ()
    return AuditDone(model, check, count, result.blocking, query.sql(dialect=adapter.dialect, pretty=True), sample)


def _sample(adapter: Any, query: Any) -> tuple[dict[str, str], ...]:
    frame = adapter.fetchdf(query.limit(SAMPLE_ROWS))
    return tuple({str(name): str(value)[:SAMPLE_LETTERS] for name, value in row.items()} for row in frame.to_dict("records"))
