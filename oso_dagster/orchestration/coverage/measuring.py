"""One round of comparisons: each declared second count is asked for, and set beside what the warehouse holds.

A second count that cannot be had fails by itself, with its reason, and takes none of the others along; nothing is compared with
an error. A table that was never loaded is left out: that it is missing is what freshness and completeness say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from oso_dagster.domain.catalogue.loading import ExtractRequest, LoadRecord
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.second_count import SecondCount, TrueCount
from oso_dagster.domain.catalogue.source import Source, Table
from oso_dagster.domain.catalogue.table_names import asset_name, table_name
from oso_dagster.domain.coverage.clusters import independent_draws
from oso_dagster.domain.coverage.comparison import Comparison
from oso_dagster.domain.redaction import redact
from oso_dagster.orchestration.ingest.needed_values import inputs_of, values_of
from oso_dagster.orchestration.resources import clients_of, warehouse_of
from oso_dagster.settings import Settings
from oso_dagster.warehouse.base import Warehouse

_NEWEST = 7
"""Among so many of the newest partitions that upstream has, the newest loaded one is compared."""


@dataclass(frozen=True)
class MeasuredRound:
    """What a round measured, and of each second count that could not be had, by asset, why."""

    comparisons: tuple[Comparison, ...]
    failures: Mapping[str, str]


@dataclass(frozen=True)
class CountedTable:
    """A table that declares a second count, and what was loaded last: the whole of it, or its newest partition."""

    source: Source
    table: Table
    second: SecondCount
    loaded: LoadRecord
    window: Window | None


def measure(settings: Settings, sources: Sequence[Source], now: datetime) -> MeasuredRound:
    """Ask every second count of the tables that are loaded, and compare. Errors become `failures`."""
    warehouse, comparisons, failures = warehouse_of(settings), list[Comparison](), dict[str, str]()
    for counted in counted_tables(warehouse, sources, now):
        try:
            comparisons += _compare(settings, warehouse, counted, now)
        except Exception as error:  # noqa: BLE001  (named, without secrets; the caller fails in the end)
            words = redact(str(error), settings.secrets()) or type(error).__name__
            failures[asset_name(counted.source.name, counted.table.name)] = words
    return MeasuredRound(tuple(comparisons), failures)


def counted_tables(warehouse: Warehouse, sources: Sequence[Source], now: datetime) -> Iterator[CountedTable]:
    """The tables with a second count of which something was loaded; none of a retired source."""
    for source in sources:
        for table in source.tables if source.retired is None else ():
            if table.second_count is None:
                continue
            windows: list[Window | None] = [None]
            if table.partitions is not None:
                windows = list(reversed(table.partitions.available(now)[-_NEWEST:]))
            keys = [window.key if window else None for window in windows]
            loads = warehouse.last_loads(source.name, table.name, keys)
            newest = next((window for window, key in zip(windows, keys, strict=True) if key in loads), None)
            loaded = loads.get(newest.key if newest else None)
            if loaded is not None:
                yield CountedTable(source, table, table.second_count, loaded, newest)


def _compare(settings: Settings, warehouse: Warehouse, counted: CountedTable, now: datetime) -> list[Comparison]:
    from oso_dagster.warehouse.held import held_by_item, held_counts  # noqa: PLC0415  (DuckDB loads when used)

    source, table, second = counted.source, counted.table, counted.second
    request = ExtractRequest(
        source=source.name,
        table=table.name,
        now=now,
        cache=settings.cache_dir,
        settings=settings.of_source(source),
        previous=counted.loaded,
        window=counted.window,
        clients=clients_of(source, settings),
        inputs=inputs_of(warehouse, table) | values_of(warehouse, second.needs),
    )
    counts = list(second.count(request))
    _refuse_twice(table_name(source.name, table.name), counts)
    _refuse_undivided(table_name(source.name, table.name), second, counts)
    with warehouse.read() as connection:
        held = held_counts(connection, source, table, second, counts)
        of_items = held_by_item(connection, source, table, second, counts) if second.sample else [{} for _ in counts]
    return [
        Comparison(
            asset=asset_name(source.name, table.name),
            category=count.category,
            measured_at=now,
            held=held_,
            low=count.low,
            high=count.high,
            target=second.target,
            since=count.since,
            until=count.until,
            sampled=second.sample is not None,
            items=sum(number > 0 for number in count.by_item.values()) if second.sample else None,
            draws=independent_draws(held_of_item, count.by_item) if second.sample else None,
        )
        for count, held_, held_of_item in zip(counts, held, of_items, strict=True)
    ]


def _refuse_twice(where: str, counts: Sequence[TrueCount]) -> None:
    """Nothing counted, or a category counted twice, is an error of the second count, no coverage."""
    names = [count.category for count in counts]
    if not names:
        raise ValueError(f"{where}: the second count has counted nothing. Check its answer, then measure again")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{where}: the second count counts {', '.join(twice)} twice")


def _refuse_undivided(where: str, second: SecondCount, counts: Sequence[TrueCount]) -> None:
    """A sample that does not say what each of its items has would be taken for draws of their own: its interval too narrow."""
    lump = [count.category for count in counts if second.sample and count.high and not count.by_item]
    if lump:
        raise ValueError(f"{where}: the second count is of a sample, and does not say what each item has of {lump[0]!r}")
