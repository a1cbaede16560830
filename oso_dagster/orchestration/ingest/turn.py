"""Two loads of one table or partition follow each other: waiting is no failure, and ends when the run is terminated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import Source, Table
from oso_dagster.domain.catalogue.table_names import table_name
from oso_dagster.orchestration.ingest.termination import require_going_on
from oso_dagster.warehouse.base import Warehouse


class BusyError(Exception):
    """Another run is loading it, and was not to be waited for."""


@contextmanager
def my_turn(
    context: dg.AssetExecutionContext,
    warehouse: Warehouse,
    source: Source,
    table: Table,
    window: Window | None,
    *,
    wait: bool = True,
) -> Iterator[bool]:
    """Yield whether another run was waited for. Raises LoadTerminatedError when this one is terminated meanwhile.

    Raises BusyError instead of waiting where `wait` is not set.
    """
    where = table_name(source.name, table.name)
    place = f"{where}[{window.key}]" if window else where
    announced = False

    def waiting() -> None:
        nonlocal announced
        if not wait:
            raise BusyError(place)
        if not announced:
            context.log.info("%s: another run is loading it now; waiting for its end", place)
            announced = True
        require_going_on(context)

    with warehouse.turn(source, table, window, waiting) as waited:
        if waited:
            require_going_on(context)
        yield waited
