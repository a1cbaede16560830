"""Source -> one dlt-backed asset per table: one table = one asset = one op = one retry unit.

Belongs here: how a declaration becomes an asset, a job and a schedule. The load itself is in `loading`. No postponed annotations
in this file: Dagster reads the config class from the function's own.
"""

from collections.abc import Sequence

import dagster as dg

from oso_dagster.domain.source import Column, Source, Table
from oso_dagster.orchestration import labels
from oso_dagster.orchestration.loading import CHECKS, LoadConfig, fingerprint, load
from oso_dagster.settings import Settings


def ingest_assets(settings: Settings, sources: Sequence[Source]) -> list[dg.AssetsDefinition]:
    """One asset per declared table."""
    return [_asset(settings, source, table) for source in sources for table in source.tables]


def ingest_jobs(sources: Sequence[Source]) -> list[dg.ScheduleDefinition]:
    """A job and a running schedule per source and cadence: `ingest_<source>`, numbered when a source has several."""
    schedules: list[dg.ScheduleDefinition] = []
    for source in sources:
        cadences = sorted({table.schedule for table in source.tables}, key=lambda schedule: (schedule.cron, schedule.timezone))
        for number, cadence in enumerate(cadences, start=1):
            keys = [labels.asset_key(source, table) for table in source.tables if table.schedule == cadence]
            name = f"ingest_{source.name}" if len(cadences) == 1 else f"ingest_{source.name}_{number}"
            job = dg.define_asset_job(
                name,
                selection=dg.AssetSelection.assets(*keys),
                description=f"Load {', '.join(key.to_user_string() for key in keys)} from {source.title}",
            )
            schedules.append(
                dg.ScheduleDefinition(
                    name=name,
                    job=job,
                    cron_schedule=cadence.cron,
                    execution_timezone=cadence.timezone,
                    default_status=dg.DefaultScheduleStatus.RUNNING,
                )
            )
    return schedules


def _asset(settings: Settings, source: Source, table: Table) -> dg.AssetsDefinition:
    if table.partitions is not None:
        raise NotImplementedError(f"{source.name}.{table.name}: partitioned tables have no schedule yet; leave partitions out")

    @dg.asset(
        key=labels.asset_key(source, table),
        group_name=labels.group(source),
        description=_describe(source, table),
        owners=[source.owner],
        tags={labels.SOURCE_TAG: source.stability.value},
        code_version=fingerprint(table)[:8],
        kinds={"dlt", "duckdb"},
        metadata={
            "dagster/table_name": f"{source.name}.{table.name}",
            "dagster/column_schema": column_schema(table.columns, table.primary_key),
            "homepage": dg.MetadataValue.url(source.homepage),
            "licence": source.licence,
            "public": table.public,
            "calls_per_load": table.cost.calls,
            "bytes_per_load": table.cost.bytes,
        },
        check_specs=[_check(source, table, name, about) for name, about in CHECKS.items()],
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=table.fresh_within) if table.fresh_within else None,
        retry_policy=dg.RetryPolicy(
            max_retries=table.retries.limit,
            delay=table.retries.delay.total_seconds(),
            backoff=dg.Backoff.EXPONENTIAL,
            jitter=dg.Jitter.PLUS_MINUS,
        ),
    )
    def _load(context: dg.AssetExecutionContext, config: LoadConfig) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster takes the bare class only
        return load(context, settings, source, table, config)

    return _load


def column_schema(columns: Sequence[Column], key: Sequence[str]) -> dg.TableSchema:
    """The declared columns as Dagster shows them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=column.type.value,
                description=column.description,
                constraints=dg.TableColumnConstraints(nullable=column.nullable, unique=list(key) == [column.name]),
            )
            for column in columns
        ]
    )


def _check(source: Source, table: Table, name: str, about: str) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(name, asset=labels.asset_key(source, table), description=about, blocking=True)


def _describe(source: Source, table: Table) -> str:
    promise = f"Promised to be fresh within {table.fresh_within.total_seconds() / 3600:g} h." if table.fresh_within else ""
    children = "".join(f"\n- `{source.name}.{table.name}__{child.suffix}`: {child.description}" for child in table.children)
    nested = f"\n\nNested lists land beside it, in the same transaction:{children}" if children else ""
    return f"{table.description}\n\nFrom [{source.title}]({source.homepage}) ({source.stability.value}). {promise}{nested}"
