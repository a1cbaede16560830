"""Builds `.venv` (or the folder that SETUP_VENV names) from requirements.lock: whole, or not at all.

Called by `.ci/setup` with the text that `.venv/ready` will hold once everything is there. Standard library only, since
nothing is installed yet. What the tools say goes to `.cache/setup.log`; the terminal gets one line to begin and one to end.

To lock again (`--upgrade` for newer versions), in one line: `.venv/bin/uv pip compile pyproject.toml --all-extras --universal
--generate-hashes --no-emit-index-url --no-header --python-version 3.11 -o requirements.lock`.
"""
# ruff: noqa: INP001 - a script outside any package

from __future__ import annotations

import ast
import contextlib
import fcntl
import functools
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / os.environ.get("SETUP_VENV", ".venv")
READY = VENV / "ready"
LOCK = ROOT / "requirements.lock"
LOG = ROOT / ".cache" / "setup.log"
NEEDED_MB = int(os.environ.get("SETUP_NEEDS_MB", "2500"))

CAUSES = {
    r"no space left|disk quota": "the disk is full: make room and run this again",
    r"hash mismatch|do not match the hashes": "a package is not what requirements.lock says: do not use it, tell the team",
    r"certificate|sslerror": "the package registry's certificate is not trusted: set SSL_CERT_FILE",
    r"\b40[137]\b|forbidden|unauthori[sz]ed": "the package registry refused: check the index and its credentials",
    r"sending request|failed to fetch|dns error|connect|resolve|unreachable|timed? ?out|could not find a version": (
        "the package registry cannot be reached: check the network (or set PIP_INDEX_URL) and run this again"
    ),
}
"""What the tools' own words mean for the person who waits, first match first."""


PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "cert": "SSL_CERT_FILE",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
}
"""A machine is often configured for pip only; uv reads none of it."""


class SetupError(Exception):
    """Why `.venv` cannot be made, in one line that says what to do."""


def main(wanted: str) -> None:
    """Make `.venv` ready for `wanted`, unless another process has done so while this one waited."""
    LOG.parent.mkdir(exist_ok=True)
    with _alone():
        if _ready() == wanted:
            return
        begun, name = time.monotonic(), VENV.relative_to(ROOT)
        stage = _stage(_ready().splitlines(), wanted.splitlines())
        if stage == "all":
            _check_disk()
        _say(f"preparing {name} (once, about a minute)" if stage == "all" else f"bringing {name} up to date")
        _build(stage)
        READY.write_text(wanted)
        _say(f"{name} is ready after {time.monotonic() - begun:.0f} s")


def _stage(before: list[str], wanted: list[str]) -> str:
    """Say how much has to be done: all (another place or Python, or unfinished), the packages, or only our own entry."""
    if before[:2] != wanted[:2]:
        return "all"
    return "packages" if before[2:3] != wanted[2:3] else "own"


def _build(stage: str) -> None:
    """Install into `.venv`; until READY is written again an interruption makes the next run start from nothing."""
    READY.unlink(missing_ok=True)
    LOG.write_text("")
    python, uv = VENV / "bin" / "python", VENV / "bin" / "uv"
    if stage == "all":
        if VENV.exists():
            shutil.rmtree(VENV)
        _run(sys.executable, "-m", "venv", VENV)
    if not uv.exists():
        (VENV / "uv.lock").write_text(_block("uv"))
        _run(python, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "-r", VENV / "uv.lock")
    if stage != "own":
        _run(uv, "pip", "sync", "--require-hashes", "--compile-bytecode", "--python", python, LOCK)
    if not (ROOT / "README.md").exists():
        raise SetupError("README.md is missing, and the package cannot be built without it: restore it")
    _run(uv, "pip", "install", "--no-deps", "--no-build-isolation", "--offline", "--python", python, "--editable", ROOT)
    _run(python, "-m", "compileall", "-q", ROOT / "oso_dagster")


def _run(*command: str | Path) -> None:
    """Run one tool; its words go to the log, and a failure is named by what the log says."""
    start = LOG.stat().st_size
    with LOG.open("ab") as log:
        done = subprocess.run(command, stdout=log, stderr=log, cwd=ROOT, env=_environment(), close_fds=False, check=False)
    if done.returncode == 0:
        return
    words = LOG.read_bytes()[start:].decode(errors="replace").lower()
    cause = next((line for pattern, line in CAUSES.items() if re.search(pattern, words)), "a package cannot be installed")
    raise SetupError(f"{cause} (details: the last lines of {LOG.relative_to(ROOT)})")


@functools.cache
def _environment() -> dict[str, str]:
    """Say pip's configuration in uv's words, and drop what would keep bytecode from being written."""
    values = {name: value for name, value in os.environ.items() if name not in {"PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV"}}
    configured = _pip_configuration()
    chosen = {ours: configured[theirs] for theirs, ours in PIP_TO_UV.items() if theirs in configured}
    return chosen | {"UV_NO_PROGRESS": "1"} | values


def _pip_configuration() -> dict[str, str]:
    """Ask pip itself, which knows where its files are; never print the answer, an index may hold credentials."""
    asked = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    settings = [line.partition("=") for line in asked.stdout.splitlines()]
    weakest_first = [
        (name, value) for section in ("global.", "install.", ":env:.") for name, _, value in settings if section in name
    ]
    return {name.rpartition(".")[2]: " ".join(str(ast.literal_eval(value)).split()) for name, value in weakest_first}


def _block(name: str) -> str:
    """Take the pinned, hashed lines of one package out of requirements.lock."""
    block = re.search(rf"^{name}==.*(?:\n {{4}}--hash=.*)+", LOCK.read_text(), re.MULTILINE)
    if block is None:
        raise SetupError(f"requirements.lock does not pin {name}: lock again")
    return block.group(0) + "\n"


def _check_disk() -> None:
    cache = Path(os.environ.get("UV_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    for folder in (ROOT, cache):
        existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
        free = shutil.disk_usage(existing).free // 1_000_000
        if free < NEEDED_MB:
            raise SetupError(f"{free} MB are free in {existing}, {NEEDED_MB} are needed: free some and run this again")


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One preparation at a time; the lock dies with this process and the tools it has started, which inherit it."""
    with (LOG.parent / "setup.lock").open("w") as handle:
        os.set_inheritable(handle.fileno(), True)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another setup is at work; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _ready() -> str:
    return READY.read_text() if READY.exists() and (VENV / "bin" / "python").exists() else ""


def _say(line: str) -> None:
    sys.stderr.write(f"setup: {line}\n")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except SetupError as error:
        _say(str(error))
        sys.exit(1)
    except OSError as error:
        _say(f"{error.strerror}: {error.filename}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
