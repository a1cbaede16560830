"""Make `old_home.tar.xz` and the snapshots in `surface/`: a small world that an older revision really ran, with a past.

`python -m tests.upgrade.make_old_home` checks the revision out beside a new folder, prepares its `.venv` by its own `.ci/setup`
(the network is needed), lets it load, transform, fail, judge and open a sprint, and packs what it left. Five minutes. Run it
again only to start from another revision: the point of the fixture is that nobody writes it anew when a test fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from oso_dagster.settings import PROJECT_ROOT
from tests.conftest import FUNDING
from tests.support.repository import small_directory
from tests.upgrade.packing import pack
from tests.upgrade.surface import FOLDER

REVISION = "a723b27"
FIXTURE = Path(__file__).with_name("old_home.tar.xz")
DELTA = {"data/projects/d/delta.yaml": "version: 7\nname: delta\ndisplay_name: Delta\n"}
EPSILON = {"data/projects/e/epsilon.yaml": "version: 7\nname: epsilon\ndisplay_name: Epsilon\n"}
SPRINT = "core_source_data.materialization_reliability"
MACHINE = {f"{sys.base_prefix}/": "/opt/python/", f"{Path.home()}/": "/home/oso/"}
"""Places of this machine that traces of errors name, and what is written instead."""

TICK = """
import dagster as dg
from oso_dagster.definitions import defs
with dg.DagsterInstance.get() as instance:
    sensor = defs.get_repository_def().get_sensor_def("remedial_alerts")
    print(sensor.evaluate_tick(dg.build_sensor_context(instance=instance)).skip_message)
"""


@contextmanager
def checked_out(folder: Path) -> Iterator[Path]:
    """The tree of the old revision, ready to run."""
    tree = folder / "tree"
    git = ("git", "-C", str(PROJECT_ROOT), "worktree")
    subprocess.run([*git, "add", "--quiet", "--detach", str(tree), REVISION], check=True)
    try:
        subprocess.run([tree / ".ci" / "setup"], check=True)
        yield tree
    finally:
        subprocess.run([*git, "remove", "--force", str(tree)], check=True)


def live(tree: Path, folder: Path) -> Path:
    """Let the tree run for a while; the folder of its world."""
    home, bin_folder = folder / "home", tree / ".venv" / "bin"
    repository = small_directory(folder / "oss-directory")
    (folder / "funding.csv").write_text(FUNDING)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OSO_", "DAGSTER_"))}
    clean |= {
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "OSO_HOME": str(home),
        "DAGSTER_HOME": str(home / "live/dagster"),
    }
    clean |= {"OSO_OSS_DIRECTORY_URL": repository.url, "OSO_OSS_FUNDING_URL": (folder / "funding.csv").as_uri()}

    def run(*command: str, code: int = 0, **more: str) -> None:
        done = subprocess.run(command, cwd=tree, env=clean | more, check=False)
        if done.returncode != code:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}, not {code}")

    run("oso", "run", "ingest_oss_directory", "ingest_oss_funding", "transform", "evaluate_slos")
    repository.commit(dict(DELTA))
    run("oso", "run", "ingest_oss_directory")
    run("oso", "run", "ingest_oss_directory", "evaluate_slos", code=1, OSO_OSS_DIRECTORY_URL=(folder / "gone").as_uri())
    run("oso", "slo", "record", "kubernetes.availability", "--good", "59", "--valid", "60")
    run("oso", "slo", "maintenance", "add", "sqlmesh", "--from", "2036-01-01", "--to", "2036-01-02", "--reason", "a new disk")
    run("python", "-c", TICK)
    run("oso", "sprint", "ack", SPRINT, "--as", "ada")
    run("oso", "sprint", "note", SPRINT, "public: the mirror is down", "--as", "ada")
    run("dagster", "schedule", "stop", "ingest_oss_funding", "-w", "workspace.yaml")
    run("oso", "status", "build")
    run("python", str(Path(__file__).with_name("surface.py")), str(home / "live"), str(FOLDER))
    return home / "live"


def main() -> None:
    """Everything, in a folder that is thrown away."""
    with tempfile.TemporaryDirectory() as name, checked_out(Path(name)) as tree:
        world = live(tree, Path(name))
        size = pack(world, FIXTURE, {name: "/srv/oso"} | MACHINE)
    sys.stderr.write(f"{FIXTURE.name}: {size:,} bytes\n")


if __name__ == "__main__":
    main()
