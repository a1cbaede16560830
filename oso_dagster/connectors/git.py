"""Reading files out of any git repository: shallow, sparse, over whatever transport the git client speaks.

The clone is bare and lives in a cache folder that may be deleted at any time. Only the newest commit is fetched, and of it,
where the server can filter, only the blobs under the wanted folders.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from filelock import FileLock

from oso_dagster.domain.redaction import redact

TIMEOUT_SECONDS = 600.0
"""How long one command of git may take."""
_HEADER_FIELDS = 3
"""What `git cat-file --batch` writes before a blob: its id, its type, its size."""

_COMPLETE = "oso-complete"
"""Written into a clone once all wanted blobs of a commit are there: address, commit, folders."""

_REDIRECTED = re.compile(r"returned error: 30[1-8]\b")


class GitError(Exception):
    """The repository could not be read; the message names it, git's own words, and what to do next."""


@dataclass(frozen=True)
class Remote:
    """A repository's address and, for a private one over https, a token (sent as a header, never as an argument)."""

    url: str
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Snapshot:
    """One commit that is present in the local bare clone at `path`."""

    path: Path
    sha: str
    committed_at: datetime


@dataclass(frozen=True)
class File:
    """One file of a snapshot: its path in the repository and its bytes."""

    path: str
    content: bytes


def head(remote: Remote) -> str:
    """The commit that the repository's HEAD points at, asked over the network. Raises GitError, also for an empty one."""
    out = _git(remote, "ls-remote", remote.url, "HEAD").decode()
    if not out.strip():
        raise GitError(f"{redact(remote.url)} is empty: it has no commit at HEAD. Is this the right repository?")
    return out.split()[0]


def fetch(remote: Remote, cache: Path, folders: Sequence[str], sha: str) -> Snapshot:
    """Bring the newest commit, with the blobs under `folders`, into the clone below `cache`.

    Nothing is asked of the server when the clone already holds `sha` whole; a damaged clone is made anew.
    """
    wanted = "\n".join((remote.url, sha, *sorted(folders)))
    path = cache / "git" / sha256(remote.url.encode()).hexdigest()[:16]
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock", timeout=TIMEOUT_SECONDS):
        if (path / _COMPLETE).exists() and (path / _COMPLETE).read_text() == wanted:
            return _snapshot(path, sha)
        try:
            return _fetch(remote, path, folders)
        except GitError:
            if not path.exists():
                raise
            shutil.rmtree(path)
            return _fetch(remote, path, folders)


def read(snapshot: Snapshot, folder: str, suffix: str) -> Iterator[File]:
    """All files below `folder` whose name ends in `suffix`, in path order, while git still unpacks the next ones."""
    entries = [(oid, name) for oid, name in _tree(snapshot.path, snapshot.sha, folder) if name.endswith(suffix)]
    with TemporaryFile() as wanted:
        wanted.write("".join(f"{oid}\n" for oid, _ in entries).encode())
        wanted.seek(0)
        command = ["git", "cat-file", "--batch", "--buffer"]
        with subprocess.Popen(
            command, cwd=snapshot.path, stdin=wanted, stdout=subprocess.PIPE, env=_environment(None)
        ) as process:
            if process.stdout is None:
                raise GitError("git cat-file has no output")
            try:
                yield from _files(process.stdout, [name for _, name in entries])
            finally:
                process.kill()


def names(snapshot: Snapshot, folder: str, suffix: str) -> list[str]:
    """The paths of the files below `folder` whose names end in `suffix`, as git lists them: no file is read."""
    return [name for _, name in _tree(snapshot.path, snapshot.sha, folder) if name.endswith(suffix)]


def _fetch(remote: Remote, path: Path, folders: Sequence[str]) -> Snapshot:
    if not path.exists():
        _git(None, "init", "--quiet", "--bare", str(path))
        for key, value in {"url": remote.url, "promisor": "true", "partialclonefilter": "blob:none"}.items():
            _git(None, "config", f"remote.origin.{key}", value, cwd=path)
    _git(remote, "fetch", "--quiet", "--depth=1", "--no-tags", "--filter=blob:none", "origin", "HEAD", cwd=path)
    snapshot = _snapshot(path, "FETCH_HEAD")
    sha = snapshot.sha
    listed = _git(None, "rev-list", "--objects", "--missing=print", "--no-object-names", sha, cwd=path).decode()
    missing = {line[1:] for line in listed.splitlines() if line.startswith("?")}
    if missing:
        wanted = sorted(missing & {oid for folder in folders for oid, _ in _tree(path, sha, folder)})
        _fetch_blobs(remote, path, wanted)
    (path / _COMPLETE).write_text("\n".join((remote.url, sha, *sorted(folders))))
    return snapshot


def _snapshot(path: Path, revision: str) -> Snapshot:
    sha, committed = _git(None, "show", "--no-patch", "--format=%H %ct", revision, cwd=path).split()
    return Snapshot(path, sha.decode(), datetime.fromtimestamp(int(committed), UTC))


def _fetch_blobs(remote: Remote, path: Path, oids: Sequence[str]) -> None:
    """One request for all blobs: left to itself, git would fetch them one by one as they are read."""
    if oids:
        options = (
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--recurse-submodules=no",
            "--filter=blob:none",
            "--stdin",
        )
        wanted = "".join(f"{oid}\n" for oid in oids).encode()
        _git(remote, "-c", "fetch.negotiationAlgorithm=noop", "fetch", *options, "origin", cwd=path, stdin=wanted)


def _tree(path: Path, sha: str, folder: str) -> list[tuple[str, str]]:
    listing = _git(None, "ls-tree", "-r", "-z", "--full-tree", sha, "--", f"{folder.rstrip('/')}/", cwd=path)
    entries = [entry.split(b"\t", 1) for entry in listing.split(b"\0") if entry]
    return [(meta.split()[2].decode(), name.decode("utf-8", "replace")) for meta, name in entries if meta.split()[1] == b"blob"]


def _files(stream: IO[bytes], names: Sequence[str]) -> Iterator[File]:
    for name in names:
        header = stream.readline().split()
        if len(header) != _HEADER_FIELDS:
            raise GitError(f"{name}: git has no content for it: the clone is damaged; run the load again")
        content = stream.read(int(header[2]))
        if stream.read(1) != b"\n":
            raise GitError(f"{name}: git ended before the end of the file; run the load again")
        yield File(name, content)


def _git(remote: Remote | None, *arguments: str, cwd: Path | None = None, stdin: bytes = b"") -> bytes:
    try:
        process = subprocess.Popen(
            ["git", *arguments],
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(remote),
            process_group=0,  # what git starts (its transports) ends with it
        )
    except FileNotFoundError:
        raise GitError("git is not installed: install it (Debian: apt-get install git) and run again") from None
    try:
        output, errors = process.communicate(stdin, TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        raise GitError(f"git {arguments[0]} took more than {TIMEOUT_SECONDS:g} s and was stopped; run the load again") from None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.returncode:
        where = redact(remote.url) if remote else "the local clone"
        words = redact(" ".join(errors.decode("utf-8", "replace").split()), [remote.token] if remote and remote.token else [])
        step = "Check the address and the credentials of the source"
        if remote and remote.token and _REDIRECTED.search(words):
            step = "It is a redirect, which is not followed with a token: set the address that it leads to"
        raise GitError(f"{where} cannot be read ({words}). {step}, then run again.")
    return output


def _environment(remote: Remote | None) -> dict[str, str]:
    """Git asks nobody, gives up on a server that drips, and sends no password of a `.netrc`, which curl would take from HOME."""
    fixed = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_HTTP_LOW_SPEED_LIMIT": "1000", "GIT_HTTP_LOW_SPEED_TIME": "60"}
    home = Path(os.environ.get("HOME", os.devnull))
    if (home / ".netrc").exists():
        settings = os.environ.get("GIT_CONFIG_GLOBAL") or str(home / ".gitconfig")
        fixed |= {"HOME": os.devnull, "GIT_CONFIG_GLOBAL": settings}
    return {**os.environ, **fixed} | _credentials(remote)


def _credentials(remote: Remote | None) -> dict[str, str]:
    """The token as a header, by the environment: an argument would show in the process list.

    With a token no redirect is followed: git would send it on to whatever host it is sent to.
    """
    if remote is None or remote.token is None:
        return {}
    basic = b64encode(f"x-access-token:{remote.token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": f"http.{remote.url}.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
        "GIT_CONFIG_KEY_1": "http.followRedirects",
        "GIT_CONFIG_VALUE_1": "false",
    }
