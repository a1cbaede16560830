"""The world's HTTP server: every family below its own path, an index page for people, `/health` for the lifecycle.

It serves what is on disk at the time of each request, so that a world may be changed or made anew under it. Starting and
ending it is `lifecycle`'s.
"""

from __future__ import annotations

import os
import signal
import socket
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import uvicorn
from jinja2 import Environment
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route

from oso_dagster.sandbox import disk
from oso_dagster.sandbox.discord import discord_app
from oso_dagster.sandbox.families import endpoints, points
from oso_dagster.sandbox.faults.injection import Faults
from oso_dagster.sandbox.protocols import postgres
from oso_dagster.sandbox.protocols.former_database import FormerDatabase
from oso_dagster.sandbox.upstreams import families

_PAGE = Environment(autoescape=True).from_string(
    """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>OSO sandbox world</title>
<h1>OSO sandbox world</h1>
<p><strong>Everything here is invented</strong>, from seed {{ manifest.seed }}, as it looked at
<time datetime="{{ manifest.now.isoformat() }}">{{ manifest.now.strftime("%Y-%m-%d %H:%M UTC") }}</time>.</p>
<h2>Endpoints</h2>
<ul>
{%- for point in points %}
<li><code>{{ addresses.get(point.setting, "not available") }}</code>: {{ point.description }}</li>
{%- endfor %}
<li><a href="{{ base }}/discord/"><code>{{ base }}/discord/</code></a>: the messages sent to Discord, as a reader sees them</li>
<li><code>{{ base }}/health</code>: whether the server is healthy</li>
</ul>
<h2>What a complete load holds</h2>
<table>
<tr><th scope="col">table</th><th scope="col">rows</th></tr>
{%- for table, rows in manifest.counts.items() %}
<tr><td>{{ table }}</td><td>{{ "{:,}".format(rows) }}</td></tr>
{%- endfor %}
</table>
</html>
"""
)


def create_app(world: Path, database_port: int = 0) -> Starlette:
    """The application that serves the world in the folder `world`, which must be there."""

    def index(request: Request) -> Response:
        base = str(request.base_url).rstrip("/")
        addresses = endpoints(request.url.port or 0, database_port)
        return HTMLResponse(_PAGE.render(manifest=disk.read(world), points=points(), base=base, addresses=addresses))

    def health(_: Request) -> Response:
        return JSONResponse({"status": "ok", "pid": os.getpid()})

    served = {family.name: family.serve(world / family.name) for family in families() if family.serve}
    databases = [
        FormerDatabase(database_port, world, family.name, family.endpoints[0].path, family.former)
        for family in families()
        if family.former and database_port
    ]
    faults = Faults({family.name: family.faults for family in families() if family.serve}, databases)
    mounts = [Mount(f"/{name}", faults.around(name, app)) for name, app in served.items()]
    mounts.append(discord_app.mount(world.parent / "discord"))
    return Starlette(routes=[Route("/", index), Route("/health", health), *faults.routes(), *mounts])


def serve(world: Path, listener: socket.socket, database_port: int = 0) -> None:
    """Answer on `listener` until SIGTERM or SIGINT; requests under way get a second to end. PostgreSQL runs beside it, 0: not."""
    # Loop and parser are named, so that the world behaves the same whatever else is installed.
    # No Date of uvicorn's own: a fault may send another time.
    options: dict[str, Any] = {"loop": "asyncio", "http": "h11", "lifespan": "off", "date_header": False}
    config = uvicorn.Config(create_app(world, database_port), timeout_graceful_shutdown=1, **options)
    # uvicorn handles the signal, then raises it again; the default action would skip what callers still have to clean up.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with postgres.serving(database_port, world) if database_port else nullcontext():
        uvicorn.Server(config).run(sockets=[listener])
