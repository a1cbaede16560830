"""Fetches the schemas that GitHub publishes of its APIs, against which tests hold the sandbox and the connectors.

`make schemas` calls it. It prints nothing when all is there already. They are packages of npm, asked for by its client and taken
only when they are what schemas.lock says: a line each of name, version and the SHA-512 of the packed file.
"""
# ruff: noqa: INP001 - a script outside any package

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from prepare import ROOT, SetupError, _say

LOCK = ROOT / ".ci" / "schemas.lock"
FOLDER = ROOT / ".cache" / "schemas"
READY = FOLDER / "ready"
WANTED = {"@octokit/openapi": "package/generated/api.github.com.json", "@octokit/graphql-schema": "package/schema.graphql"}
"""The one file that is wanted of each package."""
_SECONDS = 300


def main() -> None:
    """Have the schemas as locked, whole or not at all."""
    wanted = LOCK.read_text()
    if READY.exists() and READY.read_text() == wanted:
        return
    begun, npm = time.monotonic(), shutil.which("npm")
    if npm is None:
        raise SetupError("npm is missing: install Node.js, which brings it, and run this again")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    for line in wanted.splitlines():
        name, version, checksum = line.split()
        _fetch(npm, name, version, checksum)
    READY.write_text(wanted)
    _say(f"GitHub's schemas are ready after {time.monotonic() - begun:.0f} s")


def _fetch(npm: str, name: str, version: str, checksum: str) -> None:
    """One package, and its file out of it. Raises SetupError for a package that cannot be had or is another one."""
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", f"{name}@{version}", "--silent", "--pack-destination", folder]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False)
        packed = list(Path(folder).glob("*.tgz"))
        if done.returncode or len(packed) != 1:
            words = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise SetupError(f"{name} {version} cannot be fetched: {''.join(words)} (is the network there?)")
        if base64.b64encode(hashlib.sha512(packed[0].read_bytes()).digest()).decode() != checksum:
            raise SetupError(f"{name} {version} is not what {LOCK.name} says: do not use it")
        with tarfile.open(packed[0]) as archive:
            member = archive.extractfile(WANTED[name])
            if member is None:
                raise SetupError(f"{name} {version} has no {WANTED[name]}")
            (FOLDER / Path(WANTED[name]).name).write_bytes(member.read())


if __name__ == "__main__":
    try:
        main()
    except (SetupError, OSError, KeyError, subprocess.SubprocessError) as error:
        _say(f"GitHub's schemas cannot be had: {error}")
        sys.exit(1)
