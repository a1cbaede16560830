"""The SQLMesh wrapper against dagster-sqlmesh, the public one: `make bench ONLY=dagster_sqlmesh` (BENCH_MODELS="30 200").

The projects are those of `sqlmesh_assets.py`, three audits a model. dagster-sqlmesh has an environment of its own in
`.cache/bench`, with this tree's versions of Dagster, SQLMesh, SQLGlot and DuckDB, on Python 3.12 or older as it asks. All figures
are processor time, user and system, of one process and its children, without importing Dagster; the two take turns. Ours writes a
check for each audit, theirs none. The rows:

- load: with neither a manifest nor SQLMesh's cache; one edited: after one model was changed.
- first: the first materialization in a process that had loaded so, without that load.
- first, from manifest: ours with a manifest as an image ships it and without SQLMesh's cache, against the same of theirs.
- both: load and first.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from os import environ
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Column, Table

from oso_dagster.settings import PROJECT_ROOT
from tests.bench.sqlmesh_assets import INSTANCE, generate, spent

PEER = "dagster-sqlmesh==0.22.0"
SAME = ("dagster", "sqlmesh", "sqlglot", "duckdb")
SIZES = (30, 200)
TURNS = int(environ.get("BENCH_TURNS", "3"))
ROWS = ("load", "one edited", "first", "first, from manifest", "both")
GOALS = {"first": 1.0, "first, from manifest": 1.0, "one edited": 0.5}
RUN = """
import resource, sys
import dagster as dg
def spent():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
imported = spent()
{definitions}
defs.get_repository_def()
loaded = spent()
if {run}:
    with dg.DagsterInstance.get() as instance:
        assert defs.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance).success
print("SPENT", loaded - imported, spent() - loaded)
"""
OURS = """
from pathlib import Path
from oso_dagster.sqlmesh_assets import Project, sqlmesh_definitions
defs = sqlmesh_definitions(Project(Path({project!r}), "here", "duckdb", Path({cache!r})))
"""
THEIRS = """
from dagster_sqlmesh import SQLMeshContextConfig, SQLMeshResource, sqlmesh_assets
settings = SQLMeshContextConfig(path={project!r}, gateway="here")
@sqlmesh_assets(environment="prod", config=settings, enabled_subsetting=True)
def project(context: dg.AssetExecutionContext, sqlmesh: SQLMeshResource):
    yield from sqlmesh.run(context, config=settings, environment="prod")
defs = dg.Definitions(assets=[project], resources=dict(sqlmesh=SQLMeshResource()))
"""


@dataclass(frozen=True)
class Bridge:
    """A bridge between SQLMesh and Dagster: what runs it, and the lines that load a project."""

    name: str
    python: str
    definitions: str


@dataclass(frozen=True)
class World:
    """A project and a Dagster instance of one bridge."""

    root: Path
    bridge: Bridge

    @classmethod
    def made(cls, root: Path, bridge: Bridge, models: int) -> World:
        """Nothing is read yet; the instance's files are there."""
        shutil.rmtree(root, ignore_errors=True)
        (root / "dagster").mkdir(parents=True)
        generate(root / "project", root, "project", models)
        world = cls(root, bridge)
        (root / "dagster" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        world.run(INSTANCE)
        return world

    def seconds(self, *, run: bool) -> tuple[float, float]:
        """Processor time of loading the definitions, and of materializing everything if `run`."""
        lines = self.bridge.definitions.format(project=str(self.root / "project"), cache=str(self.root / "cache"))
        load, first = self.run(RUN.format(definitions=lines, run=run)).split("SPENT ")[1].split()[:2]
        return float(load), float(first)

    def run(self, code: str) -> str:
        """What a process of the bridge's prints."""
        variables = {"DAGSTER_HOME": str(self.root / "dagster"), "DAGSTER_EVENT_BATCH_SIZE": "1000"}
        return spent([self.bridge.python, "-c", code], PROJECT_ROOT, variables).output

    def edit(self) -> None:
        """Change one model in the middle of the graph."""
        models = sorted((self.root / "project" / "models").iterdir())
        path = models[len(models) // 2]
        path.write_text(path.read_text().replace("/* a day */", "/* the day */") + " WHERE TRUE")

    def forget(self) -> None:
        """Leave the manifest; SQLMesh's cache, what is deployed and the instance begin anew."""
        for path in (self.root / "cache" / "sqlmesh", self.root / "cache" / "deployed", *self.root.glob("*.duckdb*")):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def peer() -> Bridge:
    """dagster-sqlmesh in an environment of its own, made at the first call."""
    pins = [f"{name}=={version(name)}" for name in SAME]
    folder = PROJECT_ROOT / ".cache" / "bench" / "dagster-sqlmesh"
    made, wanted = folder / "made", "\n".join([PEER, *pins])
    python = str(folder / "bin" / "python")
    if not made.exists() or made.read_text() != wanted:
        uv = str(Path(sys.executable).parent / "uv")
        base = f"{sys.version_info[0]}.{min(sys.version_info[1], 12)}"
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", base, str(folder)], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, PEER, *pins], check=True)
        made.write_text(wanted)
    return Bridge("dagster-sqlmesh", python, THEIRS)


def measured(models: int) -> dict[str, tuple[float, float]]:
    """Each row: the median seconds of ours and of theirs."""
    bridges = (peer(), Bridge("ours", sys.executable, OURS))
    rows: dict[str, list[list[float]]] = {name: [[], []] for name in ROWS}
    with TemporaryDirectory(prefix="oso-bench-") as folder:
        for _ in range(TURNS):
            for place, bridge in enumerate(bridges):
                world = World.made(Path(folder) / bridge.name, bridge, models)
                load, first = world.seconds(run=True)
                world.edit()
                edited = world.seconds(run=False)[0]
                shipped = first
                if place:
                    world.forget()
                    shipped = world.seconds(run=True)[1]
                for name, value in zip(rows, (load, edited, first, shipped, load + first), strict=True):
                    rows[name][place].append(value)
    return {name: (median(ours), median(theirs)) for name, (theirs, ours) in rows.items()}


def bench(console: Console) -> list[str]:
    """Measure the sizes that BENCH_MODELS names; the goals that were missed."""
    sizes = [int(word) for word in environ.get("BENCH_MODELS", "").split()] or list(SIZES)
    names = ("models", "what", "ours", "theirs", "÷")
    table = Table(*(Column(name, justify="right") for name in names), title="seconds of processor, ours and dagster-sqlmesh's")
    missed = []
    for models in sizes:
        for name, (ours, theirs) in measured(models).items():
            ratio = ours / theirs
            table.add_row(str(models), name, f"{ours:.2f}", f"{theirs:.2f}", f"{ratio:.2f}")
            if ratio > GOALS.get(name, ratio):
                missed.append(f"{models} models, {name}: at most {GOALS[name]} × dagster-sqlmesh: {ratio:.2f}")
    console.print(table)
    return missed
