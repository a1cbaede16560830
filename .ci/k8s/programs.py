"""The programs of a cluster: built once from the Go module proxy, every source checked by hash, kept outside of the tree."""
# ruff: noqa: INP001 - a script outside any package

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

HERE = Path(__file__).resolve().parent
MODULES = HERE / "modules"
VERSIONS = tomllib.loads((HERE / "versions.toml").read_text())
_ENVIRONMENT = {"GOFLAGS": "-mod=readonly", "GOWORK": "off"}


class ClusterError(Exception):
    """Why the programs cannot be had or started, with what to do."""


def cache() -> Path:
    """Where programs are kept, for every tree of this user."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "oso-k8s"


def programs(say: Callable[[str], None]) -> dict[str, Path]:
    """Each program by its name, built where it is not there yet. Raises ClusterError."""
    files = {name: cache() / f"{name}-{_version(folder)}" for name, (folder, _) in VERSIONS["programs"].items()}
    if all(file.exists() for file in files.values()):
        return files
    go = _go()
    cache().mkdir(parents=True, exist_ok=True)
    with FileLock(cache() / "lock"):
        missing = [name for name, file in files.items() if not file.exists()]
        for number, name in enumerate(missing, 1):
            say(f"building {name} ({number} of {len(missing)}); all of them take a quarter of an hour on two cores, once")
            begun = time.monotonic()
            _build(go, *VERSIONS["programs"][name], files[name])
            say(f"built {name} in {time.monotonic() - begun:.0f} s")
    return files


def definitions() -> list[Path]:
    """The files that define the custom resources of the cluster. Raises ClusterError."""
    files: list[Path] = []
    for module, (hashed, folder) in VERSIONS["definitions"].items():
        done = subprocess.run([_go(), "mod", "download", "-json", module], capture_output=True, text=True, check=False, cwd=HERE)
        answer = json.loads(done.stdout or "{}")
        if done.returncode or "Dir" not in answer:
            raise ClusterError(f"Go cannot bring {module}: {answer.get('Error', done.stderr.strip())[-400:]}")
        if answer["Sum"] != hashed:
            raise ClusterError(f"{module} is not what {HERE.name}/versions.toml says (its sum is {answer['Sum']}): do not use it")
        files += sorted(path for path in (Path(answer["Dir"]) / folder).glob("*.yaml") if path.name != "kustomization.yaml")
    return files


def _version(folder: str) -> str:
    """Of a program: the hash of what its module is made of."""
    digest = hashlib.sha256()
    for name in ("go.mod", "go.sum"):
        digest.update((MODULES / folder / name).read_bytes())
    return digest.hexdigest()[:12]


def _go() -> str:
    go = shutil.which("go")
    stated = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout if go else ""
    version = re.match(r"go(\d+)\.(\d+)", stated)
    wanted = tuple(int(part) for part in VERSIONS["go"].split("."))
    if go is None or version is None or (int(version[1]), int(version[2])) < wanted:
        words = f"{go} is {stated.strip()}" if go else "go is not installed"
        raise ClusterError(f"a cluster for tests is built by Go {VERSIONS['go']} or later, and {words}: see https://go.dev/dl/")
    return go


def _build(go: str, folder: str, package: str, file: Path) -> None:
    new = file.with_suffix(f".{os.getpid()}.new")
    command = [go, "build", "-trimpath", "-ldflags", "-s -w", "-o", str(new), package]
    done = subprocess.run(
        command, cwd=MODULES / folder, env=os.environ | _ENVIRONMENT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ClusterError(f"{package} cannot be built: {done.stderr.strip()[-800:]}")
    new.replace(file)
