"""200,000 Arrow rows through one Dagster run, against dagster-dlt, the public one: `make bench ONLY=arrow_rows`.

Both read the same Parquet file in batches and land it in a DuckDB file of their own, with `replace`, on the same versions of
Dagster, dlt and DuckDB: of dagster-dlt only its own package is added, in `.cache/bench`. Each turn is a process of its own. What
is counted is the run, without what it imports: processor time, and the most memory that it held more than before. Ours judges the
rows by nine checks and publishes them all or nothing; theirs loads them. Both have Dagster's own storage of events; ours is also
measured with the one that the platform ships. The floor reads the batches into DuckDB and reports nine checks, and does no more.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Column, Table

from oso_dagster.settings import PROJECT_ROOT
from tests.bench.baseline import TURNS, BenchError

ROWS = 200_000
PEER = "dagster-dlt==0.29.27"
GOAL = 0.8
"""Of its time and of its memory."""
WAYS = ("ours", "ours, own event store", "floor", "dagster-dlt")
PROGRAM = Path(__file__).parents[1] / "ways" / "arrow_rows.py"


def bench(console: Console) -> list[str]:
    """Load the rows by turns; the goals that were missed."""
    package = peer()
    with tempfile.TemporaryDirectory(prefix="oso-bench-") as scratch:
        file = Path(scratch, "sales.parquet")
        write(file)
        turns = [
            {way: loaded(way, package, Path(scratch, f"{WAYS.index(way)}-{turn}"), file) for way in WAYS}
            for turn in range(TURNS + 1)
        ][1:]
    table = Table("way", *(Column(name, justify="right") for name in ("seconds of a processor", "MiB more", "MiB at most")))
    for way in WAYS:
        seconds, peak, whole = (median(turn[way][name] for turn in turns) for name in ("seconds", "peak", "whole"))
        table.add_row(way, f"{seconds:.2f}", f"{peak:,.0f}", f"{whole:,.0f}")
    console.print(table)
    ratios = {
        way: {name: median(turn[way][name] / turn["dagster-dlt"][name] for turn in turns) for name in ("seconds", "peak")}
        for way in WAYS[:-1]
    }
    for way, of in ratios.items():
        console.print(f"{way} ÷ {PEER}: {of['seconds']:.2f} of its time, {of['peak']:.2f} of its memory")
    words = {"seconds": "time", "peak": "memory"}
    return [
        f"at most {GOAL} × the {words[name]} of {PEER}: {ratio:.2f}" for name, ratio in ratios["ours"].items() if ratio > GOAL
    ]


def write(file: Path, rows_of_file: int = ROWS) -> None:
    """Invent the rows: two numbers, an amount, a time, a flag, a name of few and two texts that are all different."""
    chance, start = Random(1), datetime(2025, 1, 1, tzinfo=UTC).timestamp()
    several = range(rows_of_file)
    rows = {
        "sold_at": pa.array([int(start + 60 * n) * 1_000_000 for n in several], pa.timestamp("us", tz="UTC")),
        "id": pa.array(several, pa.int64()),
        "shop": pa.array([f"shop {chance.randrange(200)}" for _ in several]),
        "article": pa.array([f"article {chance.getrandbits(60):x}" for _ in several]),
        "buyer": pa.array([f"0x{chance.getrandbits(60):016x}" for _ in several]),
        "pieces": pa.array([chance.randrange(1, 100) for _ in several], pa.int64()),
        "price": pa.array([round(chance.random() * 1000, 2) for _ in several]),
        "paid": pa.array([chance.random() > 0.1 for _ in several]),
    }
    pq.write_table(pa.table(rows), file)


def peer() -> Path:
    """The folder with dagster-dlt's package; what it needs is in our .venv. Raises BenchError."""
    folder = PROJECT_ROOT / ".cache" / "bench" / PEER.replace("==", "-")
    if not folder.exists():
        uv = Path(sys.executable).parent / "uv"
        command = [str(uv), "pip", "install", "--python", sys.executable, "--no-deps", "--target", str(folder), PEER]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchError(f"{PEER}: {done.stderr[-1000:]}")
    return folder


def loaded(way: str, package: Path, home: Path, file: Path) -> dict[str, float]:
    """What one run took. Raises BenchError where it failed, or did not land each row."""
    home.mkdir()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(PROJECT_ROOT), str(package)])}
    command = [sys.executable, str(PROGRAM), way, str(home), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise BenchError(f"{way} ended with {done.returncode}: {done.stderr[-2000:]}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    if (figures["rows"], figures["total"]) != (ROWS, sum(range(ROWS))):
        raise BenchError(f"{way} landed other rows: {figures}")
    return figures
