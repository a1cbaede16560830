"""Materializes a project: computes what is deployed and deploys what changed. Imports SQLMesh.

SQLMesh's own `run` computes due intervals only: a FULL model that was computed today is current to it, whatever landed in
the raw tables since. With `Project.recompute_whole` a model without a time column is computed from the raw tables as they
are at every materialization; only incremental models wait for their next interval.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from .context import is_asset, open_context, short_name
from .deployed_note import is_deployed, remember
from .model_graph import below, to_compute
from .project import Project
from .session import Cancelled, Emit, Session, run_unit_tests
from .sqlmesh_hooks import RecordingContext


class NotDeployedError(Exception):
    """A subset was asked for, and what is deployed of it is not what is in the folder, or nothing at all."""


@dataclass(frozen=True)
class Request:
    """What to materialize: all models (None) or those named.

    `downstream`: deploy a chosen model that changed, with everything that reads it. `done`: what an earlier attempt of this
    run materialized; it is not computed again unless something above it is. `audited`: models of which only audits are run.
    """

    models: Collection[str] | None = None
    downstream: bool = False
    done: Collection[str] = ()
    audited: Collection[str] = ()


def materialize(project: Project, request: Request, emit: Emit, cancelled: Cancelled) -> None:
    """Do what is requested. Failures of models are events; raises when nothing could be tried.

    All models: first what the change in the folder does not touch, then the change is deployed whole (a deployment with a
    failing model promotes nothing). A subset runs on what is deployed, and is refused when one of its own models changed:
    deploying half a change would break what reads it.
    """
    context = open_context(project, RecordingContext, connected=True, load=False)
    try:
        session = Session(context, project, emit, cancelled, set(request.done))
        if request.models is None or request.models:
            _compute(session, request)
        session.tell_promoted()
        if request.audited and (missing := session.audit(request.audited)):
            raise NotDeployedError(f"nothing is computed yet of {', '.join(sorted(missing))}: their audits have nothing to judge")
    finally:
        context.close()


def deploy(project: Project, emit: Emit, cancelled: Cancelled) -> None:
    """Deploy what changed and compute only what that needs. Failures of models are events."""
    context = open_context(project, RecordingContext, connected=True)
    try:
        session = Session(context, project, emit, cancelled)
        plan = session.plan()
        if plan.has_changes:
            run_unit_tests(context)
            if session.deploy(plan):
                remember(project, context.state_sync)
        session.tell_promoted()
    finally:
        context.close()


def _compute(session: Session, request: Request) -> None:
    if is_deployed(session.project, session.context.state_sync):
        session.compute(request.models)
    else:
        session.context.load()
        _compare(session, request)


def _compare(session: Session, request: Request) -> None:
    plan = session.plan()
    if not plan.has_changes:
        remember(session.project, session.context.state_sync)
        session.compute(request.models)
    elif request.models is None:
        _whole(session, plan)
    else:
        _subset(session, plan, request.models, downstream=request.downstream)


def _whole(session: Session, plan: Any) -> None:
    run_unit_tests(session.context)
    difference = plan.context_diff
    upstream = {
        short_name(one.name): {short_name(parent.name) for parent in one.parents} for one in difference.snapshots.values()
    }
    changed = {short_name(one.name) for one in difference.added} | {short_name(name) for name in difference.modified_snapshots}
    models = {short_name(one.name) for one in difference.snapshots.values() if is_asset(one)}
    touched = models & (changed | below(upstream, changed))
    if not difference.is_new_environment:
        session.compute(models - touched)
    if not session.held_back(upstream, touched) and session.deploy(plan):
        remember(session.project, session.context.state_sync)
        rest = models - session.failed - below(upstream, session.failed)
        if to_compute(upstream, session.computed) & rest:  # a first deployment computed all; reading the state again is slow
            session.compute(rest)


def _subset(session: Session, plan: Any, models: Collection[str], *, downstream: bool) -> None:
    difference = plan.context_diff
    own = {short_name(one.name) for one in difference.added} | {
        short_name(name) for name in difference.modified_snapshots if difference.directly_modified(name)
    }
    changed = sorted(own.intersection(models))
    if changed and (difference.is_new_environment or not downstream):
        way = "" if difference.is_new_environment else ", or set include_downstream: true to deploy them with what reads them"
        raise NotDeployedError(
            f"not deployed yet: {', '.join(changed)}. Materialize all models once: that deploys the change whole{way}."
        )
    if changed:
        run_unit_tests(session.context)
        if not session.deploy(session.plan(select_models=[f"{name}+" for name in changed])):
            return
    session.compute(set(models))
