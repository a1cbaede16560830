"""Whether both profiles of a world hold the same rows of each model of the project."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from oso_dagster.orchestration.models.project_place import project_of
from oso_dagster.orchestration.resources import warehouse_of
from oso_dagster.settings import Profile, Settings
from oso_dagster.sqlmesh_assets.manifest.manifest_store import load_manifest
from oso_dagster.warehouse.lakehouse.parity import Compared, compared_tables
from oso_dagster.warehouse.lakehouse.trino_client import rows_of_table


def compared_models(settings: Settings, examples: int = 3) -> Iterator[Compared]:
    """Each model of the project, compared. Raises FileNotFoundError where the embedded profile has no warehouse."""
    embedded, lakehouse = (settings.model_copy(update={"profile": profile}) for profile in Profile)
    models = load_manifest(project_of(embedded)).models
    address = lakehouse.lakehouse_value("lakehouse_trino_url")
    views = [name for name, model in models.items() if model.kind == "VIEW"]  # which only Trino can compute as Trino does
    computed = {name: partial(rows_of_table, address, name) for name in views}
    marks = {name: "grain = 'mark'" for name, model in models.items() if model.kind == "CUSTOM"}  # checksums of each engine's own
    yield from compared_tables(
        warehouse_of(embedded), warehouse_of(lakehouse), embedded.warehouse_path, sorted(models), examples, computed, marks
    )
