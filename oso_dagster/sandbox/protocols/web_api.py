"""What the families that speak JSON share: a document on disk, read anew at each change, and an application around it.

A fault of a family's data (`faults.at_source`) is a function from the document to what upstream has then: its `damages`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oso_dagster.sandbox.protocols.source_faults import FROZEN, fault_of
from oso_dagster.sandbox.world.world import SandboxWorld

Damage = Callable[[Any], Any]
"""From the document of a family to the one that it would have under a fault; the first stays as it is."""

DAYS = 60
"""How much history the families serve."""

FILE = "data.json"


def save(folder: Path, document: Any) -> None:
    """Write what the family serves."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(json.dumps(document))


def read(folder: Path) -> Any:
    """What the family serves now; nobody may change it. Parsed once for each version of the file."""
    path = folder / FILE
    state = path.stat()
    return _parsed(path, state.st_mtime_ns, state.st_ino)


@lru_cache(maxsize=32)
def _parsed(path: Path, _written: int, _file: int) -> Any:
    return json.loads(path.read_text())


def damaged(folder: Path, kind: str | None, damages: Mapping[str, Damage]) -> Any:
    """What the family serves under a fault of this kind; as it is where the kind damages nothing."""
    path = folder / FILE
    state = path.stat()
    return _damaged(path, state.st_mtime_ns, state.st_ino, damages[kind]) if kind and kind in damages else read(folder)


@lru_cache(maxsize=16)
def _damaged(path: Path, written: int, file: int, damage: Damage) -> Any:
    return damage(_parsed(path, written, file))


def serve(
    folder: Path, routes: Mapping[str, Callable[[Any, Request], Response]], damages: Mapping[str, Damage] | None = None
) -> Starlette:
    """An application that answers each path from the document in `folder`; every answer has an ETag, and honours one."""

    def endpoint(answer: Callable[[Any, Request], Response]) -> Callable[[Request], Response]:
        def respond(request: Request) -> Response:
            return _conditional(answer(damaged(folder, fault_of(request.scope), damages or {}), request), request)

        return respond

    return Starlette(routes=[Route(path, endpoint(answer)) for path, answer in routes.items()])


def midnights(world: SandboxWorld) -> list[datetime]:
    """The days that the families serve, oldest first; today is the last and is not over."""
    today = datetime(world.now.year, world.now.month, world.now.day, tzinfo=UTC)
    return [today - timedelta(days=back) for back in range(DAYS, -1, -1)]


def _conditional(response: Response, request: Request) -> Response:
    sent, frozen = request.headers.get("if-none-match"), fault_of(request.scope) == FROZEN
    tag = sent or '"frozen"' if frozen else f'"{hashlib.sha256(bytes(response.body)).hexdigest()[:32]}"'
    if response.status_code == 200 and sent == tag:  # noqa: PLR2004  (OK)
        return Response(status_code=304, headers={"ETag": tag})
    response.headers["ETag"] = tag
    return response
