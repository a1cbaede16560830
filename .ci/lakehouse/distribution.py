"""Trino's programs and the Java they run on: had from Maven once, checked by hash, kept outside of the tree."""
# ruff: noqa: INP001 - a script outside any package

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

HERE = Path(__file__).resolve().parent
WANTED = tomllib.loads((HERE / "trino.toml").read_text())
COMPOSE = ".ci/lakehouse/compose.yaml"
_CHUNK = 1 << 20


class LakehouseError(Exception):
    """Why the servers cannot be had or started, with what to do."""


def cache() -> Path:
    """Where downloads and the unpacked server are kept, for every tree of this user."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "oso-lakehouse"


def java_home() -> Path:
    """The home of an installed Java that is new enough: JAVA_HOME's, the one on the PATH, or one of the usual places."""
    too_old: list[str] = []
    for home in _java_homes():
        version = _java_version(home)
        if version is not None and version >= WANTED["java"]:
            return home
        too_old += [f"{home} is {version}"] if version is not None else []
    raise LakehouseError(
        f"Trino {WANTED['version']} needs Java {WANTED['java']} or later{', and ' + ', '.join(too_old) if too_old else ''}: "
        f"install one (any JDK) and set JAVA_HOME, or start the same servers in containers: docker compose -f {COMPOSE} up"
    )


def _java_homes() -> list[Path]:
    named = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    on_path = shutil.which("java")
    if on_path:
        named.append(Path(on_path).resolve().parents[1])
    places = [Path("/usr/lib/jvm"), Path("/opt"), Path.home() / ".sdkman/candidates/java", Path.home() / ".jdks"]
    listed = [home for place in places if place.is_dir() for home in sorted(place.iterdir(), reverse=True)]
    apples = Path("/Library/Java/JavaVirtualMachines")
    listed += [home / "Contents/Home" for home in sorted(apples.iterdir(), reverse=True)] if apples.is_dir() else []
    return [home for home in dict.fromkeys([*named, *listed]) if (home / "bin" / "java").exists()]


def _java_version(home: Path) -> int | None:
    """The main version that a Java says it has."""
    try:
        done = subprocess.run([home / "bin" / "java", "-version"], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    stated = re.search(r'version "(\d+)', done.stderr)
    return int(stated.group(1)) if stated else None


def trino_home(say: Callable[[str], None]) -> Path:
    """The folder of the server with the plugins that are needed, made at the first call. Raises LakehouseError."""
    home = cache() / f"trino-{WANTED['version']}"
    if (home / "ready").exists():
        return home
    cache().mkdir(parents=True, exist_ok=True)
    with FileLock(cache() / "lock"):
        if not (home / "ready").exists():
            _unpack(home, say)
    return home


def _unpack(home: Path, say: Callable[[str], None]) -> None:
    archives = {name.split(":")[1]: _archive(name, hashed, say) for name, hashed in WANTED["sha256"].items()}
    say(f"unpacking into {home}")
    shutil.rmtree(home, ignore_errors=True)
    making = home.with_suffix(".new")
    shutil.rmtree(making, ignore_errors=True)
    with tarfile.open(archives["trino-server-core"]) as archive:
        archive.extractall(making, filter="data")
    (server,) = making.iterdir()
    with zipfile.ZipFile(archives["trino-iceberg"]) as archive:
        for member in archive.infolist():
            archive.extract(member, making)
    shutil.rmtree(server / "plugin")
    (server / "plugin").mkdir()
    (making / f"trino-iceberg-{WANTED['version']}").rename(server / "plugin" / "iceberg")
    (server / "ready").touch()
    server.rename(home)
    shutil.rmtree(making)


def _archive(name: str, hashed: str, say: Callable[[str], None]) -> Path:
    """A file of Maven's, from its own repository on this machine where that has it, checked."""
    group, artifact, kind = name.split(":")
    version, maven = WANTED["version"], shutil.which("mvn")
    own = Path.home() / ".m2" / "repository"
    file = own.joinpath(*group.split("."), artifact, version, f"{artifact}-{version}.{kind}")
    if not file.exists():
        if maven is None:
            raise LakehouseError(f"Maven (mvn) brings Trino and is not installed: install it, or use containers: {COMPOSE}")
        say(f"fetching {artifact} {version} by Maven, a few hundred megabytes, once")
        wanted = [f"-Dartifact={group}:{artifact}:{version}:{kind}", "-Dtransitive=false", f"-Dmaven.repo.local={own}"]
        done = subprocess.run([maven, "-B", "-q", "dependency:get", *wanted], capture_output=True, text=True, check=False)
        if done.returncode or not file.exists():
            raise LakehouseError(f"Maven cannot bring {artifact} {version}: {(done.stdout + done.stderr).strip()[-600:]}")
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != hashed:
        raise LakehouseError(
            f"{file} is not what {HERE.name}/trino.toml says (its sha256 is {digest.hexdigest()}): do not use it"
        )
    return file
