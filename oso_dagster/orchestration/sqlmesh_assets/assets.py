"""One op for the whole project: it logs every model and every audit when it is done, and is red at the end if one failed.

Yielding the results instead would hold them back in topological order and cost time quadratic in their number.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, closing

import dagster as dg

from oso_dagster.orchestration.sqlmesh_assets import attempts
from oso_dagster.orchestration.sqlmesh_assets.events import AuditDone, Event, ModelDone, Note
from oso_dagster.orchestration.sqlmesh_assets.project import Project
from oso_dagster.orchestration.sqlmesh_assets.specs import asset_key
from oso_dagster.orchestration.sqlmesh_assets.stream import stream

NAMED_IN_FAILURE = 20


def sqlmesh_assets(
    project: Project,
    specs: Sequence[dg.AssetSpec],
    checks: Sequence[dg.AssetCheckSpec],
    *,
    guard: Callable[[], AbstractContextManager[None]],
    prepare: Callable[[], None],
    name: str = "sqlmesh",
) -> dg.AssetsDefinition:
    """The assets of a project. `guard` is held around all work on the warehouse; `prepare` runs first, inside it."""

    @dg.multi_asset(name=name, specs=specs, check_specs=checks, can_subset=True)
    def run_sqlmesh(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        chosen = {".".join(key.path) for key in context.selected_asset_keys}
        whole = chosen == {".".join(spec.key.path) for spec in specs}
        known = {(".".join(key.asset_key.path), key.name) for key in context.selected_asset_check_keys}
        with guard():
            prepare()
            failed = _log(context, project, None if whole else chosen, known)
        if failed:
            raise dg.Failure(_summary(failed), metadata={event.model: event.cause for event in failed})
        yield from ()  # a generator without results: all of them were logged as they happened

    return run_sqlmesh


def _log(
    context: dg.AssetExecutionContext, project: Project, models: Collection[str] | None, known: Collection[tuple[str, str]]
) -> list[ModelDone]:
    from oso_dagster.orchestration.sqlmesh_assets.running import materialize  # noqa: PLC0415  (SQLMesh loads when used)

    def work(emit: Callable[[Event], None], cancelled: Callable[[], bool]) -> None:
        materialize(project, models, emit, cancelled)

    bad: list[ModelDone] = []
    findings: dict[str, list[AuditDone]] = {}
    with closing(stream(work)) as events:
        for event in events:
            if isinstance(event, Note):
                context.log.info(event.text)
            elif isinstance(event, AuditDone):
                if event.count and event.blocking:
                    findings.setdefault(event.model, []).append(event)
                if (event.model, event.check) in known:
                    context.log_event(_evaluation(event))
            else:
                told = _with_findings(event, findings.get(event.model, []))
                _log_model(context, told, project)
                if told.outcome != attempts.OK:
                    bad.append(told)
    return bad


def _log_model(context: dg.AssetExecutionContext, event: ModelDone, project: Project) -> None:
    if event.outcome == attempts.OK:
        facts: dict[str, dg.MetadataValue] = {
            "duration_seconds": dg.MetadataValue.float(round(event.ended - event.started, 3)),
            "sqlmesh/environment": dg.MetadataValue.text(project.environment),
            "sqlmesh/version": dg.MetadataValue.text(event.version),
        }
        if event.rows is not None:
            facts["dagster/row_count"] = dg.MetadataValue.int(event.rows)
        context.log_event(dg.AssetMaterialization(asset_key(event.model), metadata=facts))
    else:
        context.log.error("%s %s: %s", event.model, event.outcome, event.cause)
    told = {
        attempts.OUTCOME: dg.MetadataValue.text(event.outcome),
        attempts.CAUSE: dg.MetadataValue.text(event.cause),
        attempts.STARTED: dg.MetadataValue.float(event.started),
        attempts.ENDED: dg.MetadataValue.float(event.ended),
    }
    context.log_event(dg.AssetObservation(asset_key(event.model), metadata=told))


def _evaluation(event: AuditDone) -> dg.AssetCheckEvaluation:
    metadata: dict[str, dg.MetadataValue] = {
        "count": dg.MetadataValue.int(event.count),
        "query": dg.MetadataValue.md(f"```sql\n{event.query}\n```"),
    }
    if event.sample:
        metadata["sample"] = dg.MetadataValue.json([dict(row) for row in event.sample])
    return dg.AssetCheckEvaluation(
        asset_key=asset_key(event.model),
        check_name=event.check,
        passed=event.count == 0,
        severity=dg.AssetCheckSeverity.ERROR if event.blocking else dg.AssetCheckSeverity.WARN,
        metadata=metadata,
        description=f"{event.count} row(s) found" if event.count else None,
    )


def _with_findings(event: ModelDone, findings: Sequence[AuditDone]) -> ModelDone:
    """The failure of a blocking audit with the first rows it found."""
    if event.outcome != attempts.FAILED or not findings:
        return event
    samples = "; ".join(f"{one.check}: {[dict(row) for row in one.sample]}" for one in findings if one.sample)
    return ModelDone(event.model, event.outcome, event.started, event.ended, f"{event.cause}. {samples}", version=event.version)


def _summary(bad: Sequence[ModelDone]) -> str:
    failed = [event for event in bad if event.outcome == attempts.FAILED]
    rest = sorted(event.model for event in bad if event.outcome != attempts.FAILED)
    lines = [f"{len(failed)} model(s) failed:", *(f"- {event.model}: {event.cause}" for event in failed)]
    if rest:
        more = f" and {len(rest) - NAMED_IN_FAILURE} more" if len(rest) > NAMED_IN_FAILURE else ""
        lines.append(f"not materialized because of that: {', '.join(rest[:NAMED_IN_FAILURE])}{more}")
    return "\n".join(lines)
