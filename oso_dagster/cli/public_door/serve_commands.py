"""`oso serve`: the public door of this world on this machine."""

from __future__ import annotations

import logging
import webbrowser
from contextlib import ExitStack
from typing import Annotated

import typer

from oso_dagster.cli.public_door.lineage_server import lineage_server
from oso_dagster.cli.public_door.memory_limit import limit_memory
from oso_dagster.cli.session.chosen_world import settings_now
from oso_dagster.cli.session.instance import require_free
from oso_dagster.cli.session.terminal import say
from oso_dagster.cli.workers.interruption import interruptible
from oso_dagster.sources import catalogue


def serve(
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8400,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every one of this machine.")] = "127.0.0.1",
    address: Annotated[str, typer.Option(help="Where clients reach it, if not there: https://data.example.org")] = "",
    need_key: Annotated[bool, typer.Option("--need-key", help="Answer no SQL without an API key (`oso keys create`).")] = False,
    lineage: Annotated[bool, typer.Option(help="Show Dagster's own pages below /lineage, read-only and filtered.")] = False,
    show: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
) -> None:
    """Show the data to everyone: pages, and SQL as `pyoso` asks. Read-only, beside whoever writes, until Ctrl-C.

    Example: `OSO_WORLD=sandbox oso serve`, then `pyoso.Client(key, ClientConfig(base_url="http://127.0.0.1:8400/"))`
    """
    import uvicorn  # noqa: PLC0415  (loads when used)

    from oso_dagster.orchestration.public_door.service import service_of  # noqa: PLC0415  (dagster loads when used)
    from oso_dagster.serving.app import application  # noqa: PLC0415
    from oso_dagster.serving.lineage.filter import PREFIX  # noqa: PLC0415

    settings = settings_now()
    require_free(port)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stack = ExitStack()
    service = service_of(settings, settings.in_world(catalogue()), anonymous=not need_key)
    try:
        webserver = stack.enter_context(lineage_server(settings, PREFIX)) if lineage else ""
        app = application(
            service.door,
            service.files,
            address=address,
            made_at=lambda: service.snapshots.made_at,
            upkeep=service.upkeep,
            webserver=webserver,
        )
        here = address or f"http://{host}:{port}"
        limit_memory()  # after the webserver began, which has its own work to do
        say(f"The public door ({settings.world.value} world): {here}/   Ctrl-C to stop")
        if show:
            webbrowser.open(here)
        # A disconnect is seen at once, and an open stream does not hold up the end for longer than this.
        with interruptible():  # uvicorn raises the signal again once it has ended: what follows has to be done all the same
            uvicorn.run(app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=3, server_header=False)
    finally:
        stack.close()
        service.close()
