"""Jobs that compute again what is deployed: over a span, or one partition a run."""

import datetime as dt

import dagster as dg
from pydantic import Field

from ..manifest.contents import Manifest
from .job_tools import JobTools
from .model_partitions import UNITS, partitions_of


class RestateConfig(dg.Config):
    """What to compute again, on the code that is deployed."""

    models: list[str] = Field(description="Models as `schema.model`; everything that reads them is computed again too.")
    start: str = Field(description="The first moment, ISO 8601, UTC unless it names its zone: `2024-01-01`, `2024-01-01T06:00`.")
    end: str = Field(description="The moment before which to stop, written like `start`; a date alone is not included.")


class BackfillConfig(dg.Config):
    """Which models of the unit to compute."""

    models: list[str] = Field(default=[], description="Models as `schema.model`; all incremental ones of the unit when empty.")


def restate_op(tools: JobTools, name: str) -> dg.OpDefinition:
    """An op that restates models over a span."""

    @dg.op(name=f"restate_{name}", description="Computes models again over a span of time, with everything that reads them.")
    def restate(context: dg.OpExecutionContext, config: RestateConfig) -> None:
        tools.restate(context, config.models, (_moment(config.start), _moment(config.end)))

    return restate


def backfill_jobs(tools: JobTools, name: str) -> list[dg.JobDefinition]:
    """A partitioned job for each unit of time that an incremental model with a start has."""
    return [_backfill(tools, name, unit, *models_and_start) for unit, models_and_start in _by_unit(tools.manifest).items()]


def _backfill(tools: JobTools, name: str, unit: str, models: list[str], start: dt.datetime) -> dg.JobDefinition:
    description = f"Computes exactly one {unit} of {', '.join(models)} again, with what reads it."

    @dg.op(name=f"backfill_{unit}_{name}", description=description)
    def backfill(context: dg.OpExecutionContext, config: BackfillConfig) -> None:
        window = context.partition_time_window
        keys = dict.fromkeys(models, context.partition_key)
        tools.restate(context, config.models or models, (window.start, window.end), keys)

    @dg.job(name=f"{name}_backfill_{unit}", description=description, partitions_def=partitions_of(unit, start))
    def job() -> None:
        backfill()

    return job


def _by_unit(manifest: Manifest) -> dict[str, tuple[list[str], dt.datetime]]:
    units: dict[str, tuple[list[str], dt.datetime]] = {}
    for model in manifest.models.values():
        if model.incremental and model.start and model.interval_unit in UNITS:
            models, start = units.get(model.interval_unit, ([], _moment(model.start)))
            units[model.interval_unit] = ([*models, model.name], min(start, _moment(model.start)))
    return units


def _moment(text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise dg.Failure(f"{text!r} is not a moment in ISO 8601, such as 2024-01-01", allow_retries=False) from None
    return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
