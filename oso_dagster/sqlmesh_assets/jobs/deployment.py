"""Jobs that deploy: to the project's environment, or to a development environment."""

from contextlib import closing

import dagster as dg
from pydantic import Field

from ..attempt_metadata import FAILED
from ..environment_lock import environment_lock
from ..events import ModelDone
from ..stream import stream
from .job_tools import Cancelled, Emit, JobTools


class DeployConfig(dg.Config):
    """What a deployment may do."""

    allow_destructive: list[str] = Field(
        default=[], description="Forward-only models, as SQLMesh selects them, whose columns may be dropped or retyped."
    )


class DevConfig(dg.Config):
    """A development environment: its own views, production's tables where nothing changed. No asset is reported."""

    environment: str = Field(
        description="Its name; its schemas are called `<schema>__<environment>`.", pattern="^[a-z][a-z0-9_]*$"
    )
    models: list[str] = Field(default=[], description="SQLMesh selectors, such as `marts.total+`; all changes when empty.")


def deploy_op(tools: JobTools, name: str) -> dg.OpDefinition:
    """An op that deploys what changed in the folder."""

    @dg.op(name=f"deploy_{name}", description="Deploys what changed; computes only what that needs.")
    def deploy_changes(context: dg.OpExecutionContext, config: DeployConfig) -> None:
        from ..execution.materializing import deploy  # noqa: PLC0415  (SQLMesh loads when used)

        def work(emit: Emit, cancelled: Cancelled) -> None:
            deploy(tools.project, emit, cancelled, allow_destructive=config.allow_destructive)

        tools.execute(context, work)

    return deploy_changes


def dev_op(tools: JobTools, name: str) -> dg.OpDefinition:
    """An op that deploys the folder to a development environment; it logs, and reports no asset."""

    @dg.op(name=f"dev_{name}", description="Deploys what is in the folder to a development environment.")
    def deploy_for_development(context: dg.OpExecutionContext, config: DevConfig) -> None:
        from ..execution.operations import develop  # noqa: PLC0415  (SQLMesh loads when used)

        if config.environment == tools.project.environment:
            raise dg.Failure(f"{config.environment} is not a development environment: use {name}_deploy", allow_retries=False)
        failed: list[ModelDone] = []

        def work(emit: Emit, cancelled: Cancelled) -> None:
            develop(tools.project, config.environment, config.models, emit, cancelled)

        with environment_lock(tools.project, config.environment), tools.guard(), closing(stream(work)) as events:
            tools.prepare()
            for event in events:
                context.log.info("%s: %s", config.environment, event)
                if isinstance(event, ModelDone) and event.outcome == FAILED:
                    failed.append(event)
        if failed:
            raise dg.Failure("; ".join(f"{event.model}: {event.cause}" for event in failed))

    return deploy_for_development
