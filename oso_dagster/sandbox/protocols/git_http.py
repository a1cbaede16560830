"""Smart HTTP of git: an ASGI application around git's own `http-backend`, run as a CGI program for each request.

Bodies are streamed both ways; protocol v2, gzipped requests, shallow and partial fetches are git's work. Nothing else of the
environment reaches git, so that a person's configuration or credentials change nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from oso_dagster.sandbox.protocols.source_faults import fault_of

_CHUNK = 64 * 1024


class GitMissingError(Exception):
    """Git, or the part of it that serves over HTTP, is not on this machine."""


def find_backend() -> Path:
    """Where git keeps `git-http-backend`. Raises GitMissingError with what to install."""
    try:
        completed = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise GitMissingError("git is not installed: install it (Debian: apt-get install git) and try again") from None
    backend = Path(completed.stdout.strip()) / "git-http-backend"
    if not os.access(backend, os.X_OK):
        raise GitMissingError(
            "this git has no http-backend: install the whole of git (Debian: apt-get install git) and try again"
        )
    return backend


class GitHttp:
    """Serves every repository under `folder`, for reading, below the path that it is mounted at.

    `damage` commits a file to a copy of the folder that is not as it should be: what is served while the fault is set.
    """

    def __init__(self, folder: Path, backend: Path, damage: Callable[[Path], None]) -> None:
        self._folder = folder
        self._backend = backend
        self._damage = damage
        self._damaged: TemporaryDirectory[str] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        process = await asyncio.create_subprocess_exec(self._backend, stdin=PIPE, stdout=PIPE, env=self._environment(request))
        try:
            # Git answers once it has read the whole request, so one after the other cannot block.
            await _feed(process, request)
            response = await _answer(process)
            await response(scope, receive, send)
        finally:
            await _end(process)

    def _root(self, *, damaged: bool) -> Path:
        """The folder of the repositories. The damaged copy is made when it is first asked for, and thrown away afterwards."""
        if not damaged:
            if self._damaged is not None:
                self._damaged.cleanup()
                self._damaged = None
            return self._folder
        if self._damaged is None:
            self._damaged = TemporaryDirectory(prefix="oso-damaged-")
            shutil.copytree(self._folder, self._damaged.name, dirs_exist_ok=True)
            self._damage(Path(self._damaged.name))
        return Path(self._damaged.name)

    def _environment(self, request: Request) -> dict[str, str]:
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        variables = {
            "PATH": os.environ.get("PATH", os.defpath),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROJECT_ROOT": str(self._root(damaged=fault_of(request.scope) is not None)),
            "PATH_INFO": path,
            "QUERY_STRING": request.url.query,
            "REMOTE_ADDR": request.client.host if request.client else "",
            "REQUEST_METHOD": request.method,
        }
        passed = {
            "content-type": "CONTENT_TYPE",
            "content-length": "CONTENT_LENGTH",
            "content-encoding": "HTTP_CONTENT_ENCODING",
            "git-protocol": "GIT_PROTOCOL",
        }
        return variables | {name: request.headers[header] for header, name in passed.items() if header in request.headers}


async def _feed(process: Process, request: Request) -> None:
    """Hand the body of the request to git; git that has heard enough, or a client that went away, ends it."""
    assert process.stdin is not None  # noqa: S101  (a pipe was asked for)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError, ClientDisconnect):
        async for chunk in request.stream():
            process.stdin.write(chunk)
            await process.stdin.drain()
    process.stdin.close()


async def _answer(process: Process) -> Response:
    assert process.stdout is not None  # noqa: S101  (a pipe was asked for)
    try:
        head = await process.stdout.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return PlainTextResponse("git http-backend gave no answer; the server's log has its reason\n", status_code=502)
    headers = dict(line.split(": ", 1) for line in head.decode("latin-1").strip().split("\r\n"))
    status = int(headers.pop("Status", "200").split()[0])
    return StreamingResponse(_body(process.stdout), status_code=status, headers=headers)


async def _body(stdout: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while chunk := await stdout.read(_CHUNK):
        yield chunk


async def _end(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), timeout=1)
    if process.returncode is None:
        process.kill()
        await process.wait()
