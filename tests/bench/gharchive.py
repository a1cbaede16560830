"""One hour of GH Archive, 150,000 invented events: ours against the floor, dlt with dicts and DuckDB's own JSON reader.

`python -m tests.bench.gharchive`; with `--day` half a day and a day of such hours, for the memory (minutes, 4 GB of disk).
Each way runs in a process of its own, so that peak memory is its own. With an earlier commit (`make bench BASE=…`) its load of
the hour is measured beside ours, by turns, in seconds of processor.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from threading import Thread
from time import perf_counter
from typing import Any

import duckdb
from isal import igzip
from rich.console import Console
from rich.table import Column, Table

from oso_dagster.connectors.github import archive, archive_events, archive_files, archive_gaps, archive_lines
from oso_dagster.domain.catalogue.loading import Extract
from oso_dagster.sandbox.upstreams import gharchive
from oso_dagster.sandbox.world import forge
from oso_dagster.sandbox.world.world import DEFAULT_SEED, generate
from oso_dagster.sources.github import SOURCE
from oso_dagster.warehouse import staging
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from tests.bench.baseline import BASE, Tree, base_tree, by_turns, this_tree
from tests.support.clock import clock

EVENTS = 150_000
SAMPLE = 10
"""The slow ways read one line in so many; their time is scaled up."""
DAY = datetime(2025, 9, 1, tzinfo=UTC)
GOAL, MOST_MEMORY, GROWTH = 2.0, 500, 1.02
"""Times the floor; MiB; how much more a day may hold than an hour."""
GOAL_OF_BASE = 1.2
AS_OURS = f"SET threads = 1; SET memory_limit = '{staging._MEMORY}B'; BEGIN"
"""What DuckDB may use in a load, and one transaction for all rows."""
WAY = Path(__file__).parent / "ways" / "hour_of_the_archive.py"
TABLE = SOURCE.tables[0]


def write(folder: Path, hours: int) -> None:
    """Write hourly files of the size that upstream has: the sandbox's events, padded with the texts that we never read."""
    rng, hub = Random(1), forge.forge_of(generate(DEFAULT_SEED, DAY + timedelta(days=20)))
    templates = [event for hour in range(40) for event in gharchive.events(hub, DAY + timedelta(hours=hour))]
    # Only partly random: about as compressible as the texts of real events.
    texts = ["".join(rng.choices("0123456789abcdef ", k=380)) for _ in range(300)]
    for hour in range(hours):
        with igzip.open(folder / f"2025-09-01-{hour}.json.gz", "wb", compresslevel=1) as file:
            for number in range(EVENTS):
                event = templates[number % len(templates)]
                start = rng.randrange(200)
                when = DAY + timedelta(hours=hour, seconds=number * 3600 // EVENTS)
                body = rng.choice(texts)[start:] + rng.choice(texts) + rng.choice(texts)
                trimmed = event | {
                    "id": str(10_000_000 * (hour + 1) + number),
                    "created_at": f"{when:%Y-%m-%dT%H:%M:%SZ}",
                    "payload": event["payload"] | {"description": body},
                }
                file.write(json.dumps(trimmed).encode() + b"\n")


def ours(folder: Path, scratch: Path, *, hours: int = 1) -> int:
    """The real thing: fetched over HTTP, judged, staged by dlt, published as a partition."""
    archive_files.HOURS = hours
    facts: dict[str, Any] = {}
    with _served(folder) as url:
        day = archive_files.Day(url, DAY, late_hours=0)
        tries = archive_gaps.Tries(scratch / "tries.json", DAY.date())
        rows = archive.read(day, TABLE.columns, scratch / "files", facts, archive_gaps.Floors(), tries)
        warehouse = DuckDBWarehouse(scratch / "w.duckdb", world="live", cache=scratch, lock_timeout_seconds=60, clock=clock)
        window = TABLE.partitions.window("2025-09-01") if TABLE.partitions else None
        extract = Extract("bench", {TABLE.name: rows}, facts)
        return warehouse.load(SOURCE, TABLE, extract, fingerprint="bench", window=window).record.row_count


def floor(folder: Path, scratch: Path, *, hours: int = 1, settings: str = "") -> int:
    """Fast gunzip, typed decode, Arrow, one CREATE TABLE: from files on disk, no checks, nothing atomic to others."""
    connection = duckdb.connect(str(scratch / "w.duckdb"))
    if settings:
        connection.execute(settings)
    rows = 0
    for hour in range(hours):
        for lines in archive_lines.slices(folder / f"2025-09-01-{hour}.json.gz"):
            arrived = archive_events.table_of(archive_events.decode(lines), TABLE.columns)
            connection.execute("INSERT INTO events FROM arrived" if rows else "CREATE TABLE events AS FROM arrived")
            rows += arrived.num_rows
    if settings:
        connection.commit()
    connection.close()
    return rows


def dicts(folder: Path, scratch: Path) -> int:
    """What a first version usually is, on a sample."""
    import dlt

    dlt.config["runtime.dlthub_telemetry"] = False
    destination = dlt.destinations.duckdb(str(scratch / "w.duckdb"))
    pipeline = dlt.pipeline("dicts", pipelines_dir=str(scratch / "dlt"), destination=destination, dataset_name="github")
    with igzip.open(folder / "2025-09-01-0.json.gz", "rb") as file:
        lines = [json.loads(line) for number, line in enumerate(file) if number % SAMPLE == 0]
    pipeline.run(lines, table_name="events", write_disposition="replace")
    return len(lines)


def auto(folder: Path, scratch: Path) -> int:
    """DuckDB finds the columns out by itself."""
    with duckdb.connect(str(scratch / "w.duckdb")) as connection:
        source = str(folder / "2025-09-01-0.json.gz")
        connection.execute(f"CREATE TABLE events AS FROM read_json_auto('{source}', format = 'newline_delimited')")
        (count,) = connection.execute("SELECT count(*) FROM events").fetchone() or (0,)
    return int(count)


WAYS: dict[str, tuple[str, Callable[[Path, Path], int], int]] = {
    "floor": ("floor: isal, msgspec, Arrow, plain DuckDB", floor, 1),
    "ours": ("ours: HTTP, judged, dlt, guards, published", ours, 1),
    "dicts": (f"dlt with dicts (1 in {SAMPLE}, scaled)", dicts, SAMPLE),
    "auto": ("DuckDB read_json_auto", auto, 1),
    "bare": ("floor, an hour in one transaction, DuckDB bounded as ours", partial(floor, settings=AS_OURS), 1),
    "bare day": ("the same, a day", partial(floor, hours=24, settings=AS_OURS), 1),
    "half": ("ours, half a day: 12 such hours", partial(ours, hours=12), 1),
    "day": ("ours, a day of 24 such hours", partial(ours, hours=24), 1),
}
LONG = ("bare", "bare day", "half", "day")


def bench(console: Console, *, whole_day: bool = False) -> list[str]:
    """Measure each way in a process of its own, and print."""
    with tempfile.TemporaryDirectory(prefix="oso-bench-") as scratch:
        folder = Path(scratch) / "files"
        folder.mkdir()
        write(folder, 1)
        if whole_day:
            _write_day(folder)
        size = (folder / "2025-09-01-0.json.gz").stat().st_size / 1e6
        names = [name for name in WAYS if name not in LONG or whole_day]
        measured = {name: _measure(name, folder, 3 if name in {"floor", "ours"} else 1) for name in names}
        slower = _against_base(console, folder)
    base = measured["floor"]["seconds"]
    table = Table("way", *(Column(name, justify="right") for name in ("seconds", "÷ floor", "peak MiB")))
    for name, figures in measured.items():
        table.add_row(WAYS[name][0], f"{figures['seconds']:.1f}", f"{figures['seconds'] / base:.1f}", f"{figures['peak']:,.0f}")
    console.print(f"{EVENTS:,} events, {size:.0f} MB gz")
    console.print(table)
    ratio = measured["ours"]["seconds"] / base
    peaks = {name: measured[name]["peak"] for name in ("ours", "half", "day") if name in measured}
    missed = [f"at most {GOAL} × the floor: {ratio:.2f}"] if ratio > GOAL else []
    if whole_day:
        growth, bare = peaks["day"] / peaks["ours"], measured["bare day"]["peak"] / measured["bare"]["peak"]
        console.print(f"memory of a day ÷ of an hour: ours {growth:.2f}, the floor {bare:.2f}")
        missed += [f"a day at most {GROWTH} × the memory of an hour: {growth:.2f}"] if growth > GROWTH else []
    missed += slower
    return missed + [f"under {MOST_MEMORY} MiB: {name} {peak:,.0f}" for name, peak in peaks.items() if peak >= MOST_MEMORY]


def _against_base(console: Console, folder: Path) -> list[str]:
    """The load of the hour by an earlier commit and by this tree, by turns; the goal that was missed."""
    base = base_tree()
    if base is None:
        console.print(f"not compared: no commit to compare with: BASE=commit (in {BASE})")
        return []

    def loaded(tree: Tree, scratch: Path) -> float:
        _, printed = tree.run(["python", str(WAY), url, str(scratch), str(EVENTS)], scratch)
        shutil.rmtree(scratch)
        return float(printed.split()[-1])

    with _served(folder) as url, tempfile.TemporaryDirectory(prefix="oso-bench-") as scratch:
        ways = {tree.name: lambda turn, tree=tree: loaded(tree, Path(scratch, f"{turn}")) for tree in (base, this_tree())}
        before, now = by_turns(ways).values()
    console.print(f"seconds of processor: {base.name} {before:.2f}, this tree {now:.2f}; ÷ {base.name}: {now / before:.2f}")
    return [] if now <= GOAL_OF_BASE * before else [f"at most {GOAL_OF_BASE:g} × {base.name}: {now / before:.2f}"]


def _write_day(folder: Path) -> None:
    """The other 23 hours: the first one with other ids and times, which is quicker than inventing each."""
    content = igzip.decompress((folder / "2025-09-01-0.json.gz").read_bytes())
    for hour in range(1, 24):
        moved = content.replace(b'"id": "10', f'"id": "{hour + 10}'.encode()).replace(b"T00:", f"T{hour:02}:".encode())
        (folder / f"2025-09-01-{hour}.json.gz").write_bytes(igzip.compress(moved, compresslevel=1))


def _measure(name: str, folder: Path, repeats: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.gharchive", "way", name, str(folder), str(repeats)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _one(name: str, folder: Path, repeats: int) -> None:
    """The best of some repeats: what disturbs a run only ever makes it slower."""
    _, way, scale = WAYS[name]
    spent: list[float] = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory(prefix="oso-bench-") as scratch:
            began = perf_counter()
            rows = way(folder, Path(scratch))
            spent.append((perf_counter() - began) * scale)
            shutil.rmtree(scratch, ignore_errors=True)
            Path(scratch).mkdir()
    peak = _peak_mebibytes()
    print(json.dumps({"rows": rows, "seconds": min(spent), "peak": peak}))


def _peak_mebibytes() -> float:
    """The most that this process held; Linux tells it since its own start, getrusage since that of its parent."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 64

    server = Server(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["way"]:
        _one(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
    else:
        sys.exit(1 if bench(Console(), whole_day="--day" in sys.argv) else 0)
