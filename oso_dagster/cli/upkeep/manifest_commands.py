"""`oso manifest`: what the SQLMesh project holds, built ahead of time into an image, so that no start waits for SQLMesh."""

from __future__ import annotations

import typer

from oso_dagster.cli.session.terminal import failure, say
from oso_dagster.settings import read_settings
from oso_dagster.sources import catalogue

app = typer.Typer(
    no_args_is_help=True,
    help="The manifest of the SQLMesh models: built ahead of time, beside the project, and checked. "
    "Without one, or with a stale or damaged one, the first start builds its own in some seconds.",
)


@app.command()
def build() -> None:
    """Build the manifest into the project's `.cache`, in place of older ones. The last step of building an image.

    Example: `oso manifest build`
    """
    from oso_dagster.orchestration.models.project_place import project_of  # noqa: PLC0415
    from oso_dagster.sqlmesh_assets.manifest.manifest_store import load_manifest, ship_manifest  # noqa: PLC0415  (slow to load)

    project = project_of(read_settings(catalogue()), connected=False)
    path = ship_manifest(project)
    say(f"{len(load_manifest(project).models)} models in {path}")


@app.command()
def check() -> None:
    """Build the manifest again and compare; ends with exit code 1 and the reason when the one beside the project differs.

    Example: `oso manifest check`
    """
    from oso_dagster.orchestration.models.project_place import project_of  # noqa: PLC0415
    from oso_dagster.sqlmesh_assets.manifest.manifest_store import fault_of_shipped  # noqa: PLC0415  (slow to load)

    if fault := fault_of_shipped(project_of(read_settings(catalogue()), connected=False)):
        raise failure(f"{fault}: run `oso manifest build`")
    say("the manifest is up to date")
