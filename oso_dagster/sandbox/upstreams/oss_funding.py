"""OSS Funding as the sandbox keeps it: one CSV file. Which grants there are is decided in `grants`.

Fault: an amount in one line is no number; what the file is made of are uploads of people (opensource-observer/oss-funding).
"""

from __future__ import annotations

import csv
import io
import json
import os
from datetime import timedelta
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from oso_dagster.sandbox.protocols.family import Endpoint, Family
from oso_dagster.sandbox.protocols.source_faults import fault_of
from oso_dagster.sandbox.world.entities import Grant
from oso_dagster.sandbox.world.world import SandboxWorld

FILE = "funding_data.csv"
HEADER = ("to_project_name", "amount", "funding_date", "from_funder_name", "grant_pool_name", "metadata", "file_path")
_AGE = timedelta(hours=2)
"""How old the file is in a fresh world, as its Last-Modified says."""


def write(world: SandboxWorld, folder: Path) -> None:
    """Write `<folder>/funding_data.csv`, last modified two hours before the world's now."""
    path = folder / FILE
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(render(world.grants))
    modified = (world.now - _AGE).timestamp()
    os.utime(path, (modified, modified))


def render(grants: tuple[Grant, ...]) -> bytes:
    """Write the rows as the real file has them: UTF-8, quotes only where needed, plain line feeds."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(_row(grant) for grant in grants)
    return text.getvalue().encode()


def _row(grant: Grant) -> tuple[str, ...]:
    return (
        grant.to_project_name,
        repr(grant.amount),
        grant.funding_date.isoformat(),
        grant.from_funder_name,
        grant.grant_pool_name,
        json.dumps(grant.metadata, ensure_ascii=False),
        grant.file_path,
    )


def damaged(content: bytes) -> bytes:
    """The file with one line whose amount is none."""
    lines = content.decode().splitlines(keepends=True)
    name, amount, rest = lines[1].split(",", 2)
    return "".join([lines[0], f"{name},{amount} USD,{rest}", *lines[2:]]).encode()


def serve(folder: Path) -> ASGIApp:
    """The file, or what is left of it under a fault."""
    files = StaticFiles(directory=folder)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if fault_of(scope) == "damaged_line":
            await Response(damaged((folder / FILE).read_bytes()), media_type="text/csv")(scope, receive, send)
        else:
            await files(scope, receive, send)

    return answer


FAMILY = Family(
    "oss-funding",
    (Endpoint("oss_funding_url", f"/oss-funding/{FILE}", "OSS Funding, a CSV file with ETag and Last-Modified"),),
    write,
    serve,
    faults=("damaged_line",),
)
