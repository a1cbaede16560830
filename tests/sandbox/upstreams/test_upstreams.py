"""The sources, reading the sandbox through their own connectors: what arrives is what the generator says there is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest
from oso_dagster.domain.catalogue.source import Source, Table
from oso_dagster.sandbox import lifecycle
from oso_dagster.sandbox.families import points
from oso_dagster.sandbox.upstreams import deps_dev, giveth, l2beat
from oso_dagster.sandbox.world.entities import LINK_KINDS
from oso_dagster.sandbox.world.forge import forge_of
from oso_dagster.settings import Settings, World, read_settings
from oso_dagster.sources import catalogue

pytestmark = pytest.mark.server

_SERVED = {point.setting for point in points()}
_WHOLE = [(source, table) for source in catalogue() for table in source.tables if f"{source.name}_url" in _SERVED]
_TABLES = [(source, table) for source, table in _WHOLE if table.partitions is None]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the sandbox is up, once for all tables."""
    made = tmp_path_factory.mktemp("sandbox")
    with lifecycle.running(Settings(home=made, world=World.SANDBOX)):
        yield made


@pytest.fixture
def settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("OSO_HOME", str(home))
    monkeypatch.setenv("OSO_WORLD", "sandbox")
    return read_settings(catalogue())


@pytest.mark.parametrize(("source", "table"), _TABLES, ids=lambda value: value.name)
def test_a_table_of_the_sandbox_arrives_whole(source: Source, table: Table, settings: Settings, tmp_path: Path) -> None:
    manifest = lifecycle.status(settings).world
    assert manifest is not None
    world = manifest.world()
    needed = {
        "github.repositories.name_with_owner": [
            repository.full_name for repository in forge_of(world).repositories if not repository.deleted
        ],
        "github.sbom__packages.purl": deps_dev.purls(world),
        "l2beat.projects.slug": list(l2beat.document(world)["projects"]),
        "giveth.qf_rounds.id": [entry["id"] for entry in giveth.truth(world)["giveth.qf_rounds"]],
    } | {
        f"oss_directory.projects__{kind}.url": [url for project in world.projects for url in project.links.get(kind, ())]
        for kind in LINK_KINDS
    }
    inputs = {need: needed[need] for need in table.needs}
    values = settings.of_source(source)
    extract = table.extract(ExtractRequest(source.name, table.name, datetime.now(UTC), tmp_path / "cache", values, inputs=inputs))
    assert isinstance(extract, Extract)
    arrived = {name: sum(batch.num_rows for batch in batches) for name, batches in extract.batches.items()}
    assert arrived == {name: manifest.counts[f"{source.name}.{name}"] for name in table.physical}


def test_every_endpoint_of_the_sandbox_is_a_setting_of_a_source() -> None:
    assert {
        f"{source.name}_{setting.name}" for source in catalogue() for setting in source.settings if setting.endpoint
    } >= _SERVED
