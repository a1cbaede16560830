"""The SQLMesh wrapper against SQLMesh itself, on generated projects: `python -m tests.bench.sqlmesh_assets [models …]`.

50 and 200 models by default (some seven minutes on an idle machine); arguments, or `BENCH_MODELS="50 200 800" make bench`, choose
others; 800 takes ten more. A model has seven columns and three audits, as the platform's own have on average. Each
number is one process from start to end, bytecode compiled: `sqlmesh plan` and `sqlmesh run` as typed, and a Dagster job on a
persistent instance with the platform's `dagster.yaml` and variables. SQLMesh's cache is empty before each first run; the manifest
and the instance's files were made before, as in an image and by the daemon. All but the first runs of more than 200 models are
done several times, by turns; the ratio is the median of the turns' ratios. The goals are judged on whole processes;
ratios "when loaded" leave out importing Dagster and loading the definitions, which has its own goal.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from rich.console import Console
from rich.table import Column, Table

from oso_dagster.settings import PROJECT_ROOT

WIDTH, TURNS, FIRSTS, MANY = 20, 3, 5, 200
DEFAULT = (50, 200)
CONFIG = """
default_gateway: here
gateways:
  here:
    connection: {{type: duckdb, database: {root}/{name}.duckdb}}
    state_connection: {{type: duckdb, database: {root}/{name}_state.duckdb}}
model_defaults: {{dialect: duckdb, cron: '@daily'}}
disable_anonymized_analytics: true
"""
HEAD = """MODEL (
  name layers.m{number}, kind FULL, owner 'team:data', description 'Made up, number {number}', grain (id),
  audits (not_null(columns := (id, name)), unique_values(columns := (id)), number_of_rows(threshold := 1))
);
"""
GROUND = """SELECT i::BIGINT AS id, 'n' || i AS name, i % 7 = 0 AS flag, (i * 0.5)::DOUBLE AS share,
  DATE '2026-01-01' AS day, TIMESTAMP '2026-01-01 00:00:00' AS at, {place}::BIGINT AS n
FROM range(100) AS t(i)
"""
ABOVE = """SELECT a.id::BIGINT AS id, /* the key */ a.name::TEXT AS name, /* its name */ a.flag OR b.flag AS flag, /* either */
  (a.share + b.share)::DOUBLE AS share, /* both */ a.day::DATE AS day, /* a day */ b.at::TIMESTAMP AS at, /* a moment */
  (a.n + b.n)::BIGINT AS n /* their sum */
FROM layers.m{left} AS a JOIN layers.m{right} AS b ON a.id = b.id
"""
BRIDGE = """
import sys
from pathlib import Path
from time import perf_counter, process_time
import dagster as dg
began = perf_counter()
from oso_dagster.sqlmesh_assets import Project, sqlmesh_definitions
defs = sqlmesh_definitions(Project(Path({project!r}), "here", "duckdb", Path({cache!r})))
defs.get_repository_def()
print("LOADED", perf_counter() - began, perf_counter(), process_time())
if {run}:
    with dg.DagsterInstance.get() as instance:
        assert defs.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance).success
"""

INSTANCE = """
import dagster as dg
with dg.DagsterInstance.get():
    pass
"""


@dataclass(frozen=True)
class Spent:
    """What one process took: seconds by the clock, and of processors, its children's included; and what it printed."""

    seconds: float
    processors: float
    output: str
    begun: float = 0

    @property
    def loaded(self) -> list[float]:
        """Of a process of ours: seconds of loading definitions; when that was done, by the clock and in processor seconds."""
        load, at, processors = map(float, self.output.split("LOADED ")[1].split()[:3])
        return [load, at - self.begun, processors]

    @property
    def worked(self) -> Spent:
        """What was done when the definitions were loaded."""
        _, seconds, processors = self.loaded
        return Spent(self.seconds - seconds, self.processors - processors, "")


Turns = list[tuple[Spent, Spent]]
"""SQLMesh by itself and through the wrapper, one right after the other: a machine's pace changes from minute to minute."""


@dataclass(frozen=True)
class Figures:
    """One size of project."""

    models: int
    load: float
    first: Turns
    again: Turns

    def missed(self) -> list[str]:
        """The goals that this size was meant to reach and did not."""
        first, again = ratio(self.first, "seconds"), ratio(self.again, "seconds")
        goals = {
            f"{self.models} models: load at most 0.5 s: {self.load:.2f}": self.models < 800 or self.load <= 0.5,
            f"200 models: first at most 1.10 × sqlmesh plan: {first:.2f}": self.models != 200 or first <= 1.10,
            f"200 models: nothing to do at most 1.5 × sqlmesh run: {again:.2f}": self.models != 200 or again <= 1.5,
            f"{self.models} models: first at most 1.3 × sqlmesh plan: {first:.2f}": self.models < 800 or first <= 1.3,
        }
        return [goal for goal, met in goals.items() if not met]


def ratio(turns: Turns, name: str) -> float:
    """The median over the turns of what the wrapper took, in what SQLMesh took."""
    return median(getattr(ours, name) / getattr(alone, name) for alone, ours in turns)


def bench(console: Console) -> list[str]:
    """Measure the sizes that BENCH_MODELS names; the goals that were missed."""
    sizes = [int(word) for word in os.environ.get("BENCH_MODELS", "").split()] or list(DEFAULT)
    return show(console, [measure(models) for models in sizes])


def show(console: Console, figures: list[Figures]) -> list[str]:
    """Print the table; the goals that were missed."""
    names = ("models", "what", "alone s", "ours s", "÷", "by CPU", "÷ when loaded", "by CPU")
    table = Table(*(Column(name, justify="right") for name in names), title="SQLMesh by itself, and through the wrapper")
    for figure in figures:
        table.add_row(str(figure.models), "load", "", f"{figure.load:.2f}")
        table.add_row("", "first ÷ plan", *_compared(figure.first))
        table.add_row("", "idle ÷ run", *_compared(figure.again))
    console.print(table)
    return [goal for figure in figures for goal in figure.missed()]


def measure(models: int) -> Figures:
    """All figures of one size, each first run in a folder of its own."""
    first: Turns = []
    for left in reversed(range(1 if models > MANY else FIRSTS)):
        with TemporaryDirectory(prefix="oso-bench-") as folder:
            world = World.made(Path(folder), models)
            loads = [] if left else [world.load().loaded[0] for _ in range(TURNS)]
            first.append((world.sqlmesh("plan", "--auto-apply", "--no-prompts"), world.materialize()))
            again = [] if left else [(world.sqlmesh("run"), world.materialize()) for _ in range(TURNS)]
    return Figures(models, median(loads), first, again)


@dataclass(frozen=True)
class World:
    """Two projects that are the same, one for SQLMesh alone, and a Dagster instance."""

    root: Path

    @classmethod
    def made(cls, root: Path, models: int) -> World:
        """All is there but what the first runs make; SQLMesh's cache is empty."""
        for name in ("plain", "bridge"):
            generate(root / name, root, name, models)
        (root / "dagster").mkdir()
        shutil.copy(PROJECT_ROOT / "dagster.yaml", root / "dagster")
        world = cls(root)
        world.load()  # builds the manifest
        shutil.rmtree(root / "cache" / "sqlmesh")
        world._python(INSTANCE)
        return world

    def load(self) -> Spent:
        """Load the definitions."""
        return self._python(self._bridge(run=False))

    def materialize(self) -> Spent:
        """Materialize all models with their checks."""
        return self._python(self._bridge(run=True))

    def sqlmesh(self, *words: str) -> Spent:
        """A command of SQLMesh's own."""
        return spent([str(Path(sys.executable).parent / "sqlmesh"), "--paths", str(self.root / "plain"), *words], self.root)

    def _bridge(self, *, run: bool) -> str:
        return BRIDGE.format(project=str(self.root / "bridge"), cache=str(self.root / "cache"), run=run)

    def _python(self, code: str) -> Spent:
        variables = {"DAGSTER_HOME": str(self.root / "dagster"), "DAGSTER_EVENT_BATCH_SIZE": "1000"}
        return spent([sys.executable, "-c", code], self.root, variables)


def generate(folder: Path, root: Path, name: str, models: int) -> None:
    """Layers of WIDTH models; each reads two of the layer below."""
    (folder / "models").mkdir(parents=True)
    (folder / "config.yaml").write_text(CONFIG.format(root=root, name=name))
    for number in range(models):
        layer, place = divmod(number, WIDTH)
        left, right = ((layer - 1) * WIDTH + (place + shift) % WIDTH for shift in (0, 1))
        query = ABOVE.format(left=left, right=right) if layer else GROUND.format(place=place)
        (folder / "models" / f"m{number}.sql").write_text(HEAD.format(number=number) + query)


def spent(command: list[str], folder: Path, more: Mapping[str, str] = {}) -> Spent:
    """Run a process to its end; raises with its output when it failed."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder, env=os.environ | more)
    seconds, after = perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{command[:2]} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return Spent(seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout, began)


def _compared(turns: Turns) -> list[str]:
    alone, ours = (median(timing.seconds for timing in several) for several in zip(*turns, strict=True))
    worked = [(floor, done.worked) for floor, done in turns]
    ratios = [ratio(several, name) for several in (turns, worked) for name in ("seconds", "processors")]
    return [f"{alone:.1f}", f"{ours:.1f}", *(f"{ratio:.2f}" for ratio in ratios)]


if __name__ == "__main__":
    sizes = [int(word) for word in sys.argv[1:]] or list(DEFAULT)
    missed = show(Console(), [measure(models) for models in sizes])
    sys.exit("\n".join(missed) if missed else 0)
