"""Source -> one dlt-backed asset per table: one table = one asset = one op = one retry unit.

Belongs here: how a declaration becomes an asset. The load itself is in `load_step`, its checks in `check_events`, jobs and
schedules in `schedules`. No postponed annotations in this file: Dagster reads the config class from the function's own.
"""

import warnings
from collections.abc import Iterator, Sequence

import dagster as dg

from oso_dagster.domain.catalogue.source import Column, Source, Table
from oso_dagster.domain.catalogue.table_names import table_name
from oso_dagster.orchestration import labels
from oso_dagster.orchestration.ingest.check_events import load_checks, partitions_definition
from oso_dagster.orchestration.ingest.load_context import LoadConfig
from oso_dagster.orchestration.ingest.load_outcome import fingerprint
from oso_dagster.orchestration.ingest.load_step import load
from oso_dagster.orchestration.ingest.needed_values import keys_of
from oso_dagster.orchestration.ingest.termination import ends_when_terminated
from oso_dagster.settings import Settings


def ingest_assets(settings: Settings, sources: Sequence[Source]) -> list[dg.AssetsDefinition]:
    """One asset per declared table."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # of backfill_policy, which is pinned with Dagster
        return [_asset(settings, source, table) for source in sources for table in source.tables]


def _asset(settings: Settings, source: Source, table: Table) -> dg.AssetsDefinition:
    @dg.asset(
        key=labels.asset_key(source, table),
        deps=keys_of(table),
        group_name=labels.group(source),
        description=_describe(source, table),
        owners=[source.owner],
        tags={labels.SOURCE_TAG: source.stability.value} | _retired_tag(source),
        code_version=fingerprint(table)[:8],
        kinds={"dlt", settings.profile.storage},
        metadata={
            "dagster/table_name": table_name(source.name, table.name),
            "dagster/column_schema": column_schema(table.columns, table.primary_key),
            "homepage": dg.MetadataValue.url(source.homepage),
            "licence": source.licence,
            "public": table.public,
            "calls_per_load": table.cost.calls,
            "bytes_per_load": table.cost.bytes,
            **{
                f"columns of {table.name}__{child.suffix}": column_schema(child.columns, child.primary_key)
                for child in table.children
            },
        },
        check_specs=load_checks(source, table),
        partitions_def=partitions_definition(table.partitions) if table.partitions else None,
        backfill_policy=_backfill_policy(table),
        freshness_policy=_freshness_policy(source, table),
        retry_policy=dg.RetryPolicy(
            max_retries=table.retries.limit,
            delay=table.retries.delay.total_seconds(),
            backoff=dg.Backoff.EXPONENTIAL,
            jitter=dg.Jitter.PLUS_MINUS,
        ),
        output_required=False,  # a run over many partitions reports each as it lands
    )
    def _load(
        context: dg.AssetExecutionContext, config: LoadConfig
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult | dg.Output]:  # type: ignore[type-arg]  # Dagster takes the bare class only
        with ends_when_terminated(context):
            yield from load(context, settings, source, table, config)

    return _load


def _freshness_policy(source: Source, table: Table) -> dg.FreshnessPolicy | None:
    """What is promised; nothing of a source that is retired."""
    if source.retired is not None or table.promised_within is None:
        return None
    return dg.FreshnessPolicy.time_window(fail_window=table.promised_within)


def _retired_tag(source: Source) -> dict[str, str]:
    return {labels.RETIRED_TAG: source.retired.since.isoformat()} if source.retired is not None else {}


def _backfill_policy(table: Table) -> dg.BackfillPolicy | None:
    if table.partitions is None:
        return None
    return dg.BackfillPolicy.single_run() if table.range_in_one_run else dg.BackfillPolicy.multi_run(1)


def column_schema(columns: Sequence[Column], key: Sequence[str]) -> dg.TableSchema:
    """The declared columns as Dagster shows them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=column.type_name,
                description=column.description,
                constraints=dg.TableColumnConstraints(nullable=column.nullable, unique=list(key) == [column.name]),
            )
            for column in columns
        ]
    )


def _describe(source: Source, table: Table) -> str:
    promise = f"Promised to be fresh within {table.promised_within.total_seconds() / 3600:g} h." if table.promised_within else ""
    if source.retired is not None:
        promise = f"Retired since {source.retired.since}: {source.retired.reason}. Its rows are kept, it is not loaded any more."
    children = "".join(
        f"\n- `{table_name(source.name, table.name)}__{child.suffix}`: {child.description}" for child in table.children
    )
    nested = f"\n\nNested lists land beside it, in the same transaction:{children}" if children else ""
    return f"{table.description}\n\nFrom [{source.title}]({source.homepage}) ({source.stability.value}). {promise}{nested}"
