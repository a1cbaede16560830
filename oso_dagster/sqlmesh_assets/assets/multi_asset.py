"""One op for the whole project: it logs every model and every audit as it ends, and fails at the end if a model did.

Yielding the results instead would delay them into topological order and cost time quadratic in their number.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

import dagster as dg
from pydantic import Field

from ..environment_lock import environment_lock
from ..events import Event
from ..gc_tuning import freeze_loaded_objects_once, infrequent_gc
from ..project import Project
from ..reporting.run_log import report
from ..reporting.standing_failures import all_passed
from .specs import AUDIT, EXTERNAL, TABLE, UNIT_TEST

Guard = Callable[[], AbstractContextManager[None]]
"""Held around all work on the warehouse, inside the lock of the environment."""


class MaterializeConfig(dg.Config):
    """How to materialize a subset."""

    include_downstream: bool = Field(
        default=False,
        description="Deploy chosen models that changed since the last deployment, with everything that reads them. "
        "Otherwise a subset with such a model is refused.",
    )


@infrequent_gc()
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

    Raises dagster.DagsterInvalidDefinitionError when a check is of a model that is not among `specs`.
    """
    models = {spec.key: str(spec.metadata.get("dagster/table_name", ".".join(spec.key.path))) for spec in specs}
    foreign = {check.asset_key for check in checks if not check.metadata.get(EXTERNAL)} - {spec.key for spec in specs}
    if foreign:
        names = ", ".join(sorted(key.to_user_string() for key in foreign))
        raise dg.DagsterInvalidDefinitionError(f"checks of assets that are not among the specs: {names}")

    @dg.multi_asset(
        name=name,
        specs=specs,
        check_specs=checks,
        can_subset=True,
        retry_policy=retry_policy,
        allow_arbitrary_check_specs=True,  # Dagster would search the list of assets for each check; done above with sets
    )
    def run_sqlmesh(context: dg.AssetExecutionContext, config: MaterializeConfig) -> Iterator[dg.MaterializeResult[None]]:
        with infrequent_gc():
            from ..execution.materializing import Request, materialize  # noqa: PLC0415  (SQLMesh loads when used)

        chosen = {models[key] for key in context.selected_asset_keys}
        whole = len(chosen) == len(models)
        keys = {
            (check.metadata[TABLE], check.metadata[AUDIT]): check.key
            for check in checks
            if check.metadata.get(EXTERNAL) or check.key in context.selected_asset_check_keys  # a table's stops its readers
        }
        selected: dict[str, list[dg.AssetCheckKey]] = {}
        unit_tests: list[dg.AssetCheckKey] = []
        for check in checks:
            if check.key in context.selected_asset_check_keys and check.metadata.get(UNIT_TEST):
                unit_tests.append(check.key)
            elif check.key in context.selected_asset_check_keys:
                selected.setdefault(check.metadata[TABLE], []).append(check.key)
        audited = set() if whole else selected.keys() - chosen
        done = _already_materialized(context, models) & chosen
        tested = all_passed(context.instance, unit_tests)
        request = Request(None if whole else chosen, config.include_downstream, done, audited, tested)

        def work(emit: Callable[[Event], None], cancelled: Callable[[], bool]) -> None:
            materialize(project, request, emit, cancelled)

        with environment_lock(project, project.environment), guard():
            prepare()
            report(context, project, work, keys, selected=selected, unit_tests=unit_tests)
        yield from ()  # a generator without results: all of them were logged as they happened

    freeze_loaded_objects_once("definitions loaded")
    return run_sqlmesh


def _already_materialized(context: dg.AssetExecutionContext, models: Mapping[dg.AssetKey, str]) -> set[str]:
    """What earlier attempts of this step materialized: in this run, and in those of which it is the retry from failure."""
    runs = [context.run.run_id] if context.retry_number else []
    run: dg.DagsterRun | None = context.run
    while run is not None and run.tags.get("dagster/is_resume_retry") == "true" and run.parent_run_id:
        runs.append(run.parent_run_id)
        run = context.instance.get_run_by_id(run.parent_run_id)
    done: set[str] = set()
    for run_id in runs:
        for entry in context.instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION):
            if entry.dagster_event is not None and entry.dagster_event.asset_key in models:
                done.add(models[entry.dagster_event.asset_key])
    return done
