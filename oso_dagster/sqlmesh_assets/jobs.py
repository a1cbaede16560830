"""Jobs beside materializing: restate, backfill by partition, development environment, deploy alone, janitor."""

import datetime as dt
from collections.abc import Callable, Mapping
from contextlib import closing, nullcontext
from dataclasses import dataclass
from types import MappingProxyType

import dagster as dg
from pydantic import Field

from . import attempt_metadata as attempts
from .assets import Guard
from .events import Event, ModelDone
from .lock import environment_lock
from .manifest import Manifest
from .partitions import UNITS, partitions_of
from .project import Project
from .reporting import report
from .specs import names_of_checks
from .stream import stream

Emit = Callable[[Event], None]
Cancelled = Callable[[], bool]
Window = tuple[dt.datetime, dt.datetime]
_WHOLE: Mapping[str, str] = MappingProxyType({})


class RestateConfig(dg.Config):
    """What to compute anew, on the code that is deployed."""

    models: list[str] = Field(description="Models as `schema.model`; everything that reads them is computed anew too.")
    start: str = Field(description="The first moment, ISO 8601, UTC unless it names its zone: `2024-01-01`, `2024-01-01T06:00`.")
    end: str = Field(description="The moment before which to stop, written like `start`; a date alone is not included.")


class DevConfig(dg.Config):
    """A development environment: its own views, production's tables where nothing changed. No asset is reported."""

    environment: str = Field(
        description="Its name; its schemas are called `<schema>__<environment>`.", pattern="^[a-z][a-z0-9_]*$"
    )
    models: list[str] = Field(default=[], description="SQLMesh selectors, such as `marts.total+`; all changes when empty.")


class JanitorConfig(dg.Config):
    """What counts as expired."""

    ignore_ttl: bool = Field(default=False, description="Drop all unused tables now, however lately they were in use.")


def sqlmesh_jobs(
    project: Project,
    manifest: Manifest,
    *,
    guard: Guard = nullcontext,
    prepare: Callable[[], None] = lambda: None,
    name: str = "sqlmesh",
) -> list[dg.JobDefinition]:
    """The jobs of a project, called `<name>_restate` and so on; a backfill for each unit of time that a model has."""
    hands = _Hands(project, manifest, guard, prepare)
    makers = {"restate": _restate, "deploy": _deploy, "dev": _dev, "janitor": _janitor}
    plain = {verb: make(hands, name) for verb, make in makers.items()}
    units = _by_unit(manifest).items()
    return [_job(f"{name}_{verb}", one) for verb, one in plain.items()] + [
        _backfill(hands, name, unit, *found) for unit, found in units
    ]


@dataclass(frozen=True)
class _Hands:
    """What every job does its work with."""

    project: Project
    manifest: Manifest
    guard: Guard
    prepare: Callable[[], None]

    def execute(
        self, context: dg.OpExecutionContext, work: Callable[[Emit, Cancelled], None], partitions: Mapping[str, str] = _WHOLE
    ) -> None:
        with environment_lock(self.project, self.project.environment), self.guard():
            self.prepare()
            report(context, self.project, work, names_of_checks(self.manifest), partitions)

    def restate(
        self, context: dg.OpExecutionContext, models: list[str], window: Window, partitions: Mapping[str, str] = _WHOLE
    ) -> None:
        from .operations import restate  # noqa: PLC0415  (SQLMesh loads when used)

        if unknown := sorted(set(models) - set(self.manifest.models)):
            raise dg.Failure(f"no model is called {', '.join(unknown)}", allow_retries=False)
        if not models:
            raise dg.Failure("no model is named", allow_retries=False)
        if window[0] >= window[1]:
            span = f"{window[0].isoformat()} until before {window[1].isoformat()}"
            raise dg.Failure(f"nothing lies from {span}: the end is not included", allow_retries=False)
        self.execute(context, lambda emit, cancelled: restate(self.project, models, window, emit, cancelled), partitions)


def _restate(hands: _Hands, name: str) -> dg.OpDefinition:
    @dg.op(name=f"restate_{name}", description="Computes models anew over a span of time, with everything that reads them.")
    def restate_op(context: dg.OpExecutionContext, config: RestateConfig) -> None:
        hands.restate(context, config.models, (_moment(config.start), _moment(config.end)))

    return restate_op


def _deploy(hands: _Hands, name: str) -> dg.OpDefinition:
    @dg.op(name=f"deploy_{name}", description="Deploys what changed; computes only what that needs.")
    def deploy_op(context: dg.OpExecutionContext) -> None:
        from .materializing import deploy  # noqa: PLC0415

        hands.execute(context, lambda emit, cancelled: deploy(hands.project, emit, cancelled))

    return deploy_op


def _dev(hands: _Hands, name: str) -> dg.OpDefinition:
    @dg.op(name=f"dev_{name}", description="Deploys what is in the folder to a development environment.")
    def dev_op(context: dg.OpExecutionContext, config: DevConfig) -> None:
        from .operations import develop  # noqa: PLC0415

        if config.environment == hands.project.environment:
            raise dg.Failure(f"{config.environment} is no development environment: use {name}_deploy", allow_retries=False)
        failed: list[ModelDone] = []

        def work(emit: Emit, cancelled: Cancelled) -> None:
            develop(hands.project, config.environment, config.models, emit, cancelled)

        with environment_lock(hands.project, config.environment), hands.guard(), closing(stream(work)) as events:
            hands.prepare()
            for event in events:
                context.log.info("%s: %s", config.environment, event)
                if isinstance(event, ModelDone) and event.outcome == attempts.FAILED:
                    failed.append(event)
        if failed:
            raise dg.Failure("; ".join(f"{event.model}: {event.cause}" for event in failed))

    return dev_op


def _janitor(hands: _Hands, name: str) -> dg.OpDefinition:
    @dg.op(name=f"janitor_{name}", description="Drops expired environments, and tables that no environment uses.")
    def janitor_op(context: dg.OpExecutionContext, config: JanitorConfig) -> None:
        from .operations import clean  # noqa: PLC0415

        hands.execute(context, lambda emit, _: clean(hands.project, emit, ignore_ttl=config.ignore_ttl))

    return janitor_op


def _job(name: str, one: dg.OpDefinition) -> dg.JobDefinition:
    @dg.job(name=name, description=one.description)
    def made() -> None:
        one()

    return made


class BackfillConfig(dg.Config):
    """Which of the models of the unit to compute."""

    models: list[str] = Field(default=[], description="Models as `schema.model`; all incremental ones of the unit when empty.")


def _backfill(hands: _Hands, name: str, unit: str, models: list[str], start: dt.datetime) -> dg.JobDefinition:
    description = f"Computes exactly one {unit} of {', '.join(models)} anew, with what reads it."

    @dg.op(name=f"backfill_{unit}_{name}", description=description)
    def backfill_op(context: dg.OpExecutionContext, config: BackfillConfig) -> None:
        window = context.partition_time_window
        keys = dict.fromkeys(models, context.partition_key)
        hands.restate(context, config.models or models, (window.start, window.end), keys)

    @dg.job(name=f"{name}_backfill_{unit}", description=description, partitions_def=partitions_of(unit, start))
    def made() -> None:
        backfill_op()

    return made


def _by_unit(manifest: Manifest) -> dict[str, tuple[list[str], dt.datetime]]:
    found: dict[str, tuple[list[str], dt.datetime]] = {}
    for model in manifest.models.values():
        if model.incremental and model.start and model.interval_unit in UNITS:
            models, start = found.get(model.interval_unit, ([], _moment(model.start)))
            found[model.interval_unit] = ([*models, model.name], min(start, _moment(model.start)))
    return found


def _moment(text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise dg.Failure(f"{text!r} is no moment in ISO 8601, such as 2024-01-01", allow_retries=False) from None
    return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
