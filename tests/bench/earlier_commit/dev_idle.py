"""What `oso dev` costs while nothing happens: processor time and unique memory of all its processes, beside the baseline's.

Each tree has made its own home by `oso demo` before. `BENCH_DEV_SECONDS` is how long it is watched (180), after half a minute in
which it comes to rest. What runs already ended counts too: a process has the time of the children that it waited for.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import psutil
from rich.console import Console
from rich.table import Table

from tests.bench.baseline import BenchError, Tree, base_tree, this_tree

SECONDS = int(os.environ.get("BENCH_DEV_SECONDS", "180"))
REST_SECONDS, START_SECONDS = 30, 180
MEBI = 2**20
PROCESSOR_GOAL, MEMORY_GOAL = 1 / 3, 0.8


@dataclass(frozen=True)
class Idle:
    """Seconds of processor per second, and unique bytes, by process; of all of them in total."""

    load: float
    unique: int
    parts: tuple[tuple[str, float, int], ...]


def measured(tree: Tree, home: Path, seconds: float = SECONDS) -> Idle:
    """Run `oso dev` of a tree on a home, and watch it. Raises BenchError when it does not start."""
    with _dev(tree, home) as process:
        time.sleep(REST_SECONDS)
        before, at = _spent(process), time.monotonic()
        time.sleep(seconds)
        after, lasted = _spent(process), time.monotonic() - at
        unique = {child.pid: child.memory_full_info().uss for child in _family(process)}
        names = {child.pid: _name(child) for child in _family(process)}
    parts = sorted(
        ((names[pid], (after[pid] - before.get(pid, 0.0)) / lasted, unique[pid]) for pid in names if pid in after),
        key=lambda part: -part[1],
    )
    return Idle(sum(part[1] for part in parts), sum(unique.values()), tuple(parts))


def bench(console: Console) -> list[str]:
    """Both trees, one after the other; the goals that were missed."""
    base = base_tree()
    trees = [this_tree(), *([base] if base else [])]
    idle_by_tree: dict[str, Idle] = {}
    with tempfile.TemporaryDirectory(prefix="oso-bench-") as folder:
        for tree in trees:
            home = Path(folder) / tree.name.replace(" ", "-")
            tree.run(["oso", "demo"], home)
            idle_by_tree[tree.name] = measured(tree, home)
    table = Table("tree", "process", "of a core", "unique MiB")
    for name, idle in idle_by_tree.items():
        for part, load, unique in idle.parts:
            table.add_row(name, part, f"{load:.1%}", f"{unique / MEBI:.0f}")
        table.add_row(name, "all", f"{idle.load:.1%}", f"{idle.unique / MEBI:.0f}", end_section=True)
    console.print(table)
    if base is None:
        return []
    ours, theirs = idle_by_tree[trees[0].name], idle_by_tree[base.name]
    processor, memory = ours.load / theirs.load, ours.unique / theirs.unique
    console.print(
        f"processor {processor:.2f} × {base.name} (goal {PROCESSOR_GOAL:.2f}), unique memory {memory:.2f} × (goal 0.80)"
    )
    missed = [f"processor {processor:.2f} × {base.name}"] if processor > PROCESSOR_GOAL else []
    return missed + ([f"unique memory {memory:.2f} × {base.name}"] if memory > MEMORY_GOAL else [])


@contextmanager
def _dev(tree: Tree, home: Path) -> Iterator[psutil.Process]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    usual = {name: value for name, value in os.environ.items() if not name.startswith(("OSO_", "DAGSTER_", "PYTHON"))}
    environment = usual | {"OSO_WORLD": "sandbox", "OSO_HOME": str(home), "OSO_WEBSERVER_PORT": str(port)}
    with (home / "dev-output").open("w") as output:
        child = subprocess.Popen(
            [tree.program("oso"), "dev"], cwd=tree.root, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        until = time.monotonic() + START_SECONDS
        while not _answers(port):
            if child.poll() is not None or time.monotonic() > until:
                raise BenchError(f"{tree.name}: oso dev did not start: {(home / 'dev-output').read_text()[-2000:]}")
            time.sleep(0.5)
        yield psutil.Process(child.pid)
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(90)


def _answers(port: int) -> bool:
    with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/server_info", timeout=5):
        return True
    return False


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _spent(process: psutil.Process) -> dict[int, float]:
    """Seconds of processor by process, with those of the children that each has waited for."""
    spent: dict[int, float] = {}
    for child in _family(process):
        with suppress(psutil.NoSuchProcess):
            spent[child.pid] = sum(child.cpu_times()[:4])
    return spent


def _name(process: psutil.Process) -> str:
    """What a process is, by the words of its command that differ."""
    words = [word.rsplit("/", 1)[-1] for word in process.cmdline() if not word.startswith("-") and "{" not in word]
    return " ".join(words[:5])[:60]
