"""One op for the whole project: it logs every model and every audit when it is done, and is red at the end if one failed.

Yielding the results instead would hold them back in topological order and cost time quadratic in their number.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

import dagster as dg
from pydantic import Field

from .events import Event
from .gc_tuning import keep_what_is_loaded, rarely_collected
from .lock import environment_lock
from .project import Project
from .reporting import report
from .specs import AUDIT

Guard = Callable[[], AbstractContextManager[None]]
"""Held around all work on the warehouse, inside the lock of the environment."""


class MaterializeConfig(dg.Config):
    """How to materialize a subset."""

    include_downstream: bool = Field(
        default=False,
        description="Deploy chosen models that changed since the last deployment, with everything that reads them. "
        "Otherwise a subset with such a model is refused.",
    )


@rarely_collected()
def sqlmesh_assets(
    project: Project,
    specs: Sequence[dg.AssetSpec],
    checks: Sequence[dg.AssetCheckSpec],
    *,
    guard: Guard = nullcontext,
    prepare: Callable[[], None] = lambda: None,
    name: str = "sqlmesh",
    retry_policy: dg.RetryPolicy | None = None,
) -> dg.AssetsDefinition:
    """The assets of a project. `guard` is held around all work on the warehouse; `prepare` runs first, inside it.

    Raises dagster.DagsterInvalidDefinitionError when a check is of an asset that is not among `specs`.
    """
    if strange := {check.asset_key for check in checks} - {spec.key for spec in specs}:
        raise dg.DagsterInvalidDefinitionError(f"checks of assets that are not made here: {sorted(strange)}")

    @dg.multi_asset(
        name=name,
        specs=specs,
        check_specs=checks,
        can_subset=True,
        retry_policy=retry_policy,
        allow_arbitrary_check_specs=True,  # Dagster would look for each check's asset in the list of all; done above in sets
    )
    def run_sqlmesh(context: dg.AssetExecutionContext, config: MaterializeConfig) -> Iterator[dg.MaterializeResult[None]]:
        with rarely_collected():
            from .materializing import Request, materialize  # noqa: PLC0415  (SQLMesh loads when used)

        chosen = {".".join(key.path) for key in context.selected_asset_keys}
        whole = chosen == {".".join(spec.key.path) for spec in specs}
        asked = [check for check in checks if check.key in context.selected_asset_check_keys]
        known = {(".".join(check.asset_key.path), check.metadata[AUDIT]): check.name for check in asked}
        warnings: dict[str, list[str]] = {}
        for check in asked:
            if not check.metadata["blocking"]:
                warnings.setdefault(".".join(check.asset_key.path), []).append(check.name)
        audited = {model for model, _ in known} - chosen
        request = Request(None if whole else chosen, config.include_downstream, _done_before(context, chosen), audited)

        def work(emit: Callable[[Event], None], cancelled: Callable[[], bool]) -> None:
            materialize(project, request, emit, cancelled)

        with environment_lock(project, project.environment), guard():
            prepare()
            report(context, project, work, known, warnings=warnings)
        yield from ()  # a generator without results: all of them were logged as they happened

    keep_what_is_loaded("the definitions")
    return run_sqlmesh


def _done_before(context: dg.AssetExecutionContext, chosen: set[str]) -> set[str]:
    """What earlier attempts of this step materialized: in this run, and in the runs that this one takes up from their failure."""
    runs = [context.run.run_id] if context.retry_number else []
    run: dg.DagsterRun | None = context.run
    while run is not None and run.tags.get("dagster/is_resume_retry") == "true" and run.parent_run_id:
        runs.append(run.parent_run_id)
        run = context.instance.get_run_by_id(run.parent_run_id)
    done: set[str] = set()
    for run_id in runs:
        for entry in context.instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION):
            if entry.dagster_event is not None and entry.dagster_event.asset_key is not None:
                done.add(".".join(entry.dagster_event.asset_key.path))
    return done & chosen
