"""Killed with -9 at any moment: readers miss no view, and the next run ends equal to a clean build."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from oso_dagster.settings import PROJECT_ROOT
from tests.sqlmesh_assets.execution.test_materializing import ALL
from tests.sqlmesh_assets.playground import Playground
from tests.support.postgres import empty

KILLS = {"duckdb": 20, "postgresql": 6}
"""By where SQLMesh's state lies; the warehouse is DuckDB."""
SEED, FOREVER = 2026, 200.0
VIEWS = sorted(ALL | {"marts.days"})


@contextmanager
def forge(root: Path, state: dict[str, object]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.sqlmesh_assets.execution.forge", str(root), json.dumps(state)]
    with (root / "forge.log").open("w") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, cwd=PROJECT_ROOT
        )
        try:
            yield process
        finally:
            process.stdin.close()
            process.wait()
            process.stdout.close()


def work(process: subprocess.Popen[str], seconds: float) -> tuple[str, float]:
    process.stdin.write(f"{seconds}\n")
    process.stdin.flush()
    how, took = process.stdout.readline().split()
    return how, float(took)


def content(playground: Playground) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every view; a view that is missing, or reads a table that is, is an error."""
    return {name: sorted(playground.sql(f"SELECT * FROM {name}"), key=str) for name in VIEWS}


def change(playground: Playground, number: int) -> None:
    """New raw rows each time; every second time new code, of which children, and all days, must be computed anew."""
    playground.sql(f"INSERT INTO raw.things VALUES ({number}, {number % 7})")
    factor = number // 2
    playground.write("marts.sizes", "FULL", "small(most := 1000)", f"SELECT id, size * {factor} AS size FROM staging.stg_things")
    days(playground, factor)


def days(playground: Playground, factor: int) -> None:
    kind = "INCREMENTAL_BY_TIME_RANGE (time_column day, batch_size 1), start '2026-01-01', end '2026-01-04'"
    query = f"SELECT CAST(@end_date AS DATE) AS day, CAST(MIN(id) * {factor} AS BIGINT) AS n FROM staging.stg_others"
    playground.write("marts.days", kind, "not_null(columns := day)", query)


@pytest.fixture(params=["duckdb", pytest.param("postgresql", marks=pytest.mark.server)])
def kills(request, playground, make_settings) -> int:
    """How often to kill what works on the playground, whose state lies where the parameter says."""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        playground.state = make_settings(OSO_SQLMESH_STATE_URL=empty(server)).sqlmesh_state
    return KILLS[request.param]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_after_each_of_many_kills_readers_miss_nothing_and_the_next_run_equals_a_clean_build(kills, playground, tmp_path_factory):
    dice = Random(SEED)
    days(playground, 1)
    with forge(playground.root, playground.state) as process:
        assert work(process, FOREVER)[0] == "done"
        _, typical = work(process, FOREVER)
        killed, number = 0, 10
        while killed < kills:
            change(playground, number)
            moment = dice.uniform(0.05, typical)
            how, _ = work(process, moment)
            killed += how == "killed"
            print(f"{number}: {how} after {moment:.3f} of {typical:.3f} s")
            content(playground)
            _, typical = work(process, FOREVER)
            assert content(playground) == expected(playground, number // 2)
            number += 1
            assert number < 10 + 4 * kills, "the work ends before it can be killed"
    assert content(playground) == clean_build(playground, tmp_path_factory.mktemp("clean"))


def expected(playground: Playground, factor: int) -> dict[str, list[tuple[object, ...]]]:
    """What the models say of the raw tables as they are."""
    things = playground.sql("SELECT id, size FROM raw.things")
    others = playground.sql("SELECT id FROM raw.others")
    sizes = [(key, size * factor) for key, size in things]
    tables = {
        "staging.stg_things": things,
        "staging.stg_others": others,
        "marts.sizes": sizes,
        "marts.total": [(sum(size for _, size in sizes),)],
        "marts.others": others,
        "marts.days": playground.sql(f"SELECT DATE '2026-01-01' + i::INTEGER, {7 * factor}::BIGINT FROM range(4) AS t(i)"),
    }
    return {name: sorted(rows, key=str) for name, rows in tables.items()}


def clean_build(playground: Playground, folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """The same project and raw tables in a place where nothing was ever built."""
    clean = Playground(folder, playground.instance)
    shutil.copytree(playground.root / "project", folder / "project")
    raw = playground.root / "warehouse.duckdb"
    clean.sql(
        f"ATTACH '{raw}' AS old; CREATE SCHEMA raw; CREATE TABLE raw.things AS FROM old.raw.things;"
        "CREATE TABLE raw.others AS FROM old.raw.others"
    )
    with forge(folder, {}) as process:
        assert work(process, FOREVER)[0] == "done"
    return content(clean)
