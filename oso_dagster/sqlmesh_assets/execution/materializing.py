"""Materializes a project: computes what is deployed and deploys what changed. Imports SQLMesh.

SQLMesh's own `run` computes due intervals only: a FULL model that was computed today is current to it, whatever landed in
the raw tables since. With `Project.recompute_whole` a model without a time column is computed from the raw tables as they
are at every materialization; only incremental models wait for their next interval.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlmesh.utils.errors import SQLMeshError

from ..context import is_asset, short_name
from ..events import UnitTestsNotRun
from ..project import Project
from .deployed_fingerprint import is_deployed, record_deployed
from .model_graph import downstream_of, to_compute
from .opened_project import opened_project
from .session import Cancelled, Emit, RefusedPlanError, Session
from .unit_tests import run_unit_tests


class NotDeployedError(Exception):
    """A subset was requested of which the deployed version is not the one in the folder, or nothing is deployed."""


@dataclass(frozen=True)
class Request:
    """What to materialize: all models (None) or those named.

    `downstream`: deploy a chosen model that changed, with everything that reads it. `done`: what an earlier attempt of this
    run materialized; it is not computed again unless something above it is. `audited`: models of which only audits are run.
    `tested`: all unit tests passed when they last ran, so that they need not run where nothing is to be deployed.
    """

    models: Collection[str] | None = None
    downstream: bool = False
    done: Collection[str] = ()
    audited: Collection[str] = ()
    tested: bool = True


def materialize(project: Project, request: Request, emit: Emit, cancelled: Cancelled) -> None:
    """Do what is requested. Failures of models are events; raises what keeps the folder from being deployed.

    All models: first what the change in the folder does not touch, then the change is deployed whole (a deployment with a
    failing model promotes nothing). A subset runs on what is deployed, and is refused when one of its own models changed:
    deploying half a change would break what reads it. When SQLMesh refuses what is in the folder, models are computed on the
    code that is deployed before the error is raised.
    """
    with opened_project(project, emit, load=False) as context:
        session = Session(context, project, emit, cancelled, set(request.done))
        try:
            if request.models is None or request.models:
                _compute(session, request)
        finally:
            session.emit_promoted()
        if request.audited and (missing := session.audit(request.audited)):
            raise NotDeployedError(
                f"nothing is computed yet for {', '.join(sorted(missing))}: their audits have no rows to query"
            )


def deploy(project: Project, emit: Emit, cancelled: Cancelled, *, allow_destructive: Collection[str] = ()) -> None:
    """Deploy what changed and compute only what that needs. Failures of models are events.

    `allow_destructive`: SQLMesh's selectors of forward-only models whose columns may be dropped or retyped.
    """
    with opened_project(project, emit) as context:
        session = Session(context, project, emit, cancelled)
        plan = session.plan(allow_destructive_models=list(allow_destructive) or None)
        if plan.has_changes and not session.untested(_touched(plan.context_diff)) and session.deploy(plan):
            record_deployed(project, context.state_sync)
        session.emit_promoted()


def _compute(session: Session, request: Request) -> None:
    if is_deployed(session.project, session.context.state_sync):
        if request.tested:
            session.emit(UnitTestsNotRun("nothing is to be deployed"))
        else:
            session.context.load()
            run_unit_tests(session.context, session.emit)
        session.compute(request.models)
        return
    try:
        session.context.load()
        plan = session.plan()
    except RefusedPlanError as error:
        if not _touched(error.difference).intersection(request.models or ()):
            session.compute_deployed(request.models)
        raise
    except SQLMeshError:
        if request.models is None:  # whether a subset holds models that the change is to is not known
            session.compute_deployed(None)
        raise
    _compare(session, request, plan)


def _compare(session: Session, request: Request, plan: Any) -> None:
    if not plan.has_changes:
        run_unit_tests(session.context, session.emit)
        record_deployed(session.project, session.context.state_sync)
        session.compute(request.models)
    elif request.models is None:
        _whole(session, plan)
    else:
        _subset(session, plan, request.models, downstream=request.downstream)


def _upstream(difference: Any) -> dict[str, set[str]]:
    return {
        short_name(snapshot.name): {short_name(parent.name) for parent in snapshot.parents}
        for snapshot in difference.snapshots.values()
    }


def _models(difference: Any) -> set[str]:
    return {short_name(snapshot.name) for snapshot in difference.snapshots.values() if is_asset(snapshot)}


def _touched(difference: Any) -> set[str]:
    """The models that a change in the folder is to, and those that read them."""
    changed = {short_name(snapshot.name) for snapshot in difference.added} | {
        short_name(name) for name in difference.modified_snapshots
    }
    return _models(difference) & (changed | downstream_of(_upstream(difference), changed))


def _whole(session: Session, plan: Any) -> None:
    difference = plan.context_diff
    upstream, models, touched = _upstream(difference), _models(difference), _touched(difference)
    if not difference.is_new_environment:
        session.compute(models - touched)
    if session.untested(touched):
        return
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
        part = session.plan(select_models=[f"{name}+" for name in changed])
        if session.untested(_touched(part.context_diff)) or not session.deploy(part):
            return
    session.compute(set(models))
