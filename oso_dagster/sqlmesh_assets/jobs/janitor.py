"""The job that removes what no environment uses any more."""

import dagster as dg
from pydantic import Field

from .job_tools import JobTools


class JanitorConfig(dg.Config):
    """What counts as expired."""

    ignore_ttl: bool = Field(default=False, description="Drop all unused tables now, however lately they were in use.")


def janitor_op(tools: JobTools, name: str) -> dg.OpDefinition:
    """An op that drops expired environments and unused tables."""

    @dg.op(name=f"janitor_{name}", description="Drops expired environments, and tables that no environment uses.")
    def clean_up(context: dg.OpExecutionContext, config: JanitorConfig) -> None:
        from ..execution.operations import clean  # noqa: PLC0415  (SQLMesh loads when used)

        tools.execute(context, lambda emit, _: clean(tools.project, emit, ignore_ttl=config.ignore_ttl))

    return clean_up
