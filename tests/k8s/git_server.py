"""A git repository served over smart HTTP by git's own program, and changed by git's own client."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from oso_dagster.sandbox.protocols.git_http import GitHttp, find_backend

_WHO = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "Test"), ("EMAIL", "t@e.org"))}


@dataclass(frozen=True)
class GitServer:
    """Its address, and the work tree from which `commit` pushes to branch main."""

    url: str
    tree: Path

    def commit(self, files: dict[str, str | None] | None = None) -> str:
        """Write these files (None deletes one) and push all that is new in the tree; the commit."""
        for name, text in (files or {}).items():
            place = self.tree / name
            if text is None:
                place.unlink()
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(text)
        for arguments in (["add", "-A"], ["commit", "-qm", "Change"], ["push", "-q", "origin", "main"]):
            self.git(*arguments)
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *arguments: str) -> str:
        """What git prints, in the tree."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.tree, env=os.environ | _WHO, capture_output=True, text=True, check=True
        )
        return done.stdout


@contextmanager
def serving(folder: Path) -> Iterator[GitServer]:
    """An empty repository `only.git` for the block."""
    served, tree = folder / "served", folder / "tree"
    served.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", served / "only.git"], check=True)
    subprocess.run(["git", "init", "-q", "-b", "main", tree], check=True)
    subprocess.run(["git", "remote", "add", "origin", str(served / "only.git")], cwd=tree, check=True)
    app = Starlette(routes=[Mount("/", app=GitHttp(served, find_backend(), lambda _: None))])
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", loop="asyncio"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield GitServer(f"http://127.0.0.1:{listener.getsockname()[1]}/only.git", tree)
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
        shutil.rmtree(folder, ignore_errors=True)
