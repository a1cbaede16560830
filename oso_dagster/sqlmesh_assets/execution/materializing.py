"""Materializes a project: computes what is deployed and deploys what changed. Imports SQLMesh.

SQLMesh's own `run` computes due intervals only: a FULL model that was computed today is current to it, whatever landed in
the raw tables since. With `Project.recompute_whole` a model without a time column is computed from the raw tables as they
are at every materialization; only incremental models wait for their next interval.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from ..context import is_asset, open_context, short_name
from ..project import Project
from .deployed_fingerprint import is_deployed, record_deployed
from .model_graph import downstream_of, to_compute
from .recording_scheduler import RecordingContext
from .session import Cancelled, Emit, Session, run_unit_tests


class NotDeployedError(Exception):
    """A subset was requested of which the deployed version is not the one in the folder, or nothing is deployed."""


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
        session.emit_promoted()
        if request.audited and (missing := session.audit(request.audited)):
            raise NotDeployedError(
                f"nothing is computed yet for {', '.join(sorted(missing))}: their audits have no rows to query"
            )
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
                record_deployed(project, context.state_sync)
        session.emit_promoted()
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
        record_deployed(session.project, session.context.state_sync)
        session.compute(request.models)
    elif request.models is None:
        _whole(session, plan)
    else:
        _subset(session, plan, request.models, downstream=request.downstream)


def _whole(session: Session, plan: Any) -> None:
    run_unit_tests(session.context)
    difference = plan.context_diff
    upstream = {
        short_name(snapshot.name): {short_name(parent.name) for parent in snapshot.parents}
        for snapshot in difference.snapshots.values()
    }
    changed = {short_name(snapshot.name) for snapshot in difference.added} | {
        short_name(name) for name in difference.modified_snapshots
    }
    models = {short_name(snapshot.name) for snapshot in difference.snapshots.values() if is_asset(snapshot)}
    touched = models & (changed | downstream_of(upstream, changed))
    if not difference.is_new_environment:
        session.compute(models - touched)
    if not session.held_back(upstream, touched) and session.deploy(plan):
        record_deployed(session.project, session.context.state_sync)
        after = models if difference.is_new_environment else touched
        rest = after - session.failed - downstream_of(upstream, session.failed)
        if to_compute(upstream, session.computed) & rest:  # a first deployment computed all; reading the state again is slow
            session.compute(rest)


def _subset(session: Session, plan: Any, models: Collection[str], *, downstream: bool) -> None:
    difference = plan.context_diff
    own = {short_name(snapshot.name) for snapshot in difference.added} | {
        short_name(name) for name in difference.modified_snapshots if difference.directly_modified(name)
    }
    changed = sorted(own.intersection(models))
    if changed and (difference.is_new_environment or not downstream):
        alternative = (
            "" if difference.is_new_environment else ", or set include_downstream: true to deploy them with what reads them"
        )
        raise NotDeployedError(
            f"not deployed yet: {', '.join(changed)}. Materialize all models once: that deploys the change whole{alternative}."
        )
    if changed:
        run_unit_tests(session.context)
        if not session.deploy(session.plan(select_models=[f"{name}+" for name in changed])):
            return
    session.compute(set(models))
