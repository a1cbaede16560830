"""`oso status`: make the status page, show it on this machine, open it."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from oso_dagster.cli import announcement_commands
from oso_dagster.cli.session.chosen_world import settings_now, settings_without_sources
from oso_dagster.cli.session.instance import require_free
from oso_dagster.cli.session.page_server import server
from oso_dagster.cli.session.terminal import say
from oso_dagster.sources import catalogue

app = typer.Typer(no_args_is_help=True, help="The public status page.")


class NoPageError(Exception):
    """There is no page yet."""


announcement_commands.register(app)


@app.callback()
def group() -> None:
    """The public status page."""


@app.command()
def build() -> None:
    """Make the page from the last evaluation, and also publish it to OSO_STATUS_URL.

    Example: `OSO_WORLD=sandbox oso status build`
    """
    # Dagster and SQLMesh's manifest load when used.
    from oso_dagster.orchestration.models.platform_project import transform_assets  # noqa: PLC0415
    from oso_dagster.orchestration.status_page.page_asset import write_page  # noqa: PLC0415

    settings = settings_now()
    sources = settings.in_world(catalogue())
    written = write_page(settings, sources, list(transform_assets(settings, sources).specs))
    say(f"{written.page.headline}. {written.files} files, {written.bytes:,} bytes: {written.where}")


@app.command()
def serve(port: Annotated[int, typer.Option(help="Port of loopback to listen on.")] = 8300) -> None:
    """Show the page on this machine, until Ctrl-C.

    Example: `oso status serve --port 8301`
    """
    folder = _folder()
    require_free(port)
    with server(folder, port) as listening:
        say(f"Status page: http://127.0.0.1:{port}/   Ctrl-C to stop")
        try:
            listening.serve_forever()
        except KeyboardInterrupt:
            say("")


@app.command("open")
def open_page() -> None:
    """Open the page in the browser; without a browser, print its address.

    Example: `OSO_WORLD=sandbox oso status open`
    """
    address = (_folder() / "index.html").as_uri()
    if not webbrowser.open(address):
        say(address)


def _folder() -> Path:
    settings = settings_without_sources()
    if not (settings.status_dir / "index.html").is_file():
        raise NoPageError(f"the {settings.world.value} world has no status page yet: make one with `oso status build`")
    return settings.status_dir
