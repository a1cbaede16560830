"""Several partitions in one load package: each is what it would be by itself, refused or published."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pyarrow as pa
import pytest

from oso_dagster.domain.catalogue.loading import Extract, Loaded, RefusedError
from oso_dagster.domain.catalogue.partitions import PartitionKind, Partitions, Window
from oso_dagster.domain.catalogue.source import Disposition
from oso_dagster.warehouse.arrow_schemas import fits_together
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from tests.support.clock import clock
from tests.warehouse.shop import SOURCE, TABLE, extract, things

START = datetime(2026, 1, 7, tzinfo=UTC)
PARTITIONS = Partitions(PartitionKind.DAILY, START, due_after=timedelta(hours=4))
BY_DAY = replace(TABLE, disposition=Disposition.REPLACE_PARTITION, partitions=PARTITIONS, children=())


def day(number: int) -> Window:
    return PARTITIONS.window(f"{START + timedelta(days=number):%Y-%m-%d}")


def of_day(number: int, ids: list[int], **extra: Any) -> Extract:
    whole = extract(things(ids, at=START + timedelta(days=number), **extra), version=f"v{number}")
    return replace(whole, batches={"things": list(whole.batches["things"])})


def days() -> list[tuple[Window, Extract]]:
    """A usual day; one with a column that upstream has added; one with a key twice; one whose new column holds nothing."""
    return [
        (day(0), of_day(0, [1, 2])),
        (day(1), of_day(1, [3], colour=pa.array(["red"]))),
        (day(2), of_day(2, [4, 4])),
        (day(3), of_day(3, [5], colour=pa.array([None], pa.null()))),
    ]


def made(folder: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse(folder / "w.duckdb", world="live", cache=folder, lock_timeout_seconds=5, clock=clock)


def alone(warehouse: DuckDBWarehouse) -> list[Loaded | RefusedError]:
    outcomes: list[Loaded | RefusedError] = []
    for window, each in days():
        try:
            outcomes.append(warehouse.load(SOURCE, BY_DAY, each, fingerprint="f", window=window))
        except RefusedError as refusal:
            outcomes.append(refusal)
    return outcomes


def rows(warehouse: DuckDBWarehouse) -> list[Any]:
    with warehouse.read() as connection:
        return connection.execute("SELECT * FROM shop.things ORDER BY id").fetchall()


def test_partitions_that_are_staged_together_are_what_each_would_be_alone(tmp_path: Path) -> None:
    single, several = made(tmp_path / "alone"), made(tmp_path / "together")
    expected = alone(single)
    with closing(several.load_together(SOURCE, BY_DAY, days(), fingerprint="f")) as loads:
        outcomes = list(loads)
    assert [type(outcome) for outcome in outcomes] == [Loaded, Loaded, RefusedError, Loaded]
    assert rows(single) == rows(several)
    for ours, theirs in zip(outcomes, expected, strict=True):
        if isinstance(ours, Loaded) and isinstance(theirs, Loaded):
            same = replace(ours.record, load_id=theirs.record.load_id, loaded_at=theirs.record.loaded_at)
            assert replace(ours, record=same) == theirs
        else:
            assert str(ours) == str(theirs)
    ids = [outcome.record.load_id for outcome in outcomes if isinstance(outcome, Loaded)]
    assert len(set(ids)) == 3, "what a load left is found by its id"
    assert not list((tmp_path / "together" / "dlt").glob("*[!k]")), "only lock files stay"


def test_who_stops_after_one_partition_has_published_that_one_only(tmp_path: Path) -> None:
    warehouse = made(tmp_path)
    with closing(warehouse.load_together(SOURCE, BY_DAY, days(), fingerprint="f")) as loads:
        next(loads)
    assert [row[0] for row in rows(warehouse)] == [1, 2]


def test_a_partition_that_another_loads_is_refused_with_nothing_published(tmp_path: Path) -> None:
    warehouse, taken, done = made(tmp_path), Event(), Event()

    def other() -> None:
        with warehouse.turn(SOURCE, BY_DAY, day(1), lambda: None):
            taken.set()
            done.wait(20)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(other)
        taken.wait(20)
        try:
            with (
                pytest.raises(RefusedError, match="another run is loading it now"),
                closing(warehouse.load_together(SOURCE, BY_DAY, days(), fingerprint="f")) as loads,
            ):
                next(loads)
        finally:
            done.set()
    assert not (tmp_path / "w.duckdb").exists()


def test_batches_of_several_kinds_are_no_load_for_one_package() -> None:
    plain = of_day(0, [1])
    mixed = replace(plain, batches={"things": [*plain.batches["things"], *of_day(0, [2], n=pa.array([1])).batches["things"]]})
    assert fits_together(plain)
    assert not fits_together(mixed)
    assert not fits_together(replace(plain, batches={"things": []}))
