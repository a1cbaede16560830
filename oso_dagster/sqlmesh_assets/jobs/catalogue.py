"""All jobs of a project."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from types import MappingProxyType

import dagster as dg

from ..assets.multi_asset import Guard
from ..manifest.contents import Manifest
from ..project import Project
from .deployment import deploy_op, dev_op
from .janitor import janitor_op
from .job_tools import JobTools, job_of
from .restatement import backfill_jobs, restate_op


def sqlmesh_jobs(
    project: Project,
    manifest: Manifest,
    *,
    guard: Guard = nullcontext,
    prepare: Callable[[], None] = lambda: None,
    name: str = "sqlmesh",
    raw_assets: Mapping[str, dg.AssetKey] = MappingProxyType({}),
) -> list[dg.JobDefinition]:
    """The jobs of a project, called `<name>_restate` and so on; a backfill for each unit of time that a model has.

    `raw_assets` as for `check_specs`.
    """
    tools = JobTools(project, manifest, guard, prepare, raw_assets)
    ops = {"restate": restate_op, "deploy": deploy_op, "dev": dev_op, "janitor": janitor_op}
    jobs = [job_of(f"{name}_{verb}", op(tools, name)) for verb, op in ops.items()]
    return [*jobs, *backfill_jobs(tools, name)]
