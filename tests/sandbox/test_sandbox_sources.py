"""The sources, reading the sandbox through their own connectors: what arrives is what the generator says there is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from oso_dagster.domain.loading import Extract, Request
from oso_dagster.domain.source import Source, Table
from oso_dagster.sandbox import deps_dev, giveth, l2beat, lifecycle
from oso_dagster.sandbox.entities import LINK_KINDS
from oso_dagster.sandbox.families import FAMILIES
from oso_dagster.settings import read_settings
from oso_dagster.sources import catalogue

_SERVED = {point.setting for family in FAMILIES for point in family.endpoints}
_WHOLE = [(source, table) for source in catalogue() for table in source.tables if f"{source.name}_url" in _SERVED]
_TABLES = [(source, table) for source, table in _WHOLE if table.partitions is None]


@pytest.mark.parametrize(("source", "table"), _TABLES, ids=lambda value: value.name)
def test_a_table_of_the_sandbox_arrives_whole(
    source: Source, table: Table, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OSO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OSO_WORLD", "sandbox")
    settings = read_settings(catalogue())
    with lifecycle.running(settings):
        manifest = lifecycle.status(settings).world
        assert manifest is not None
        projects = manifest.world().projects
        world_now = manifest.world()
        needed: dict[str, list[str]] = {"github.sbom__packages.purl": deps_dev.purls(world_now)}
        needed["l2beat.projects.slug"] = list(l2beat.document(world_now)["projects"])
        needed["giveth.qf_rounds.id"] = [one["id"] for one in giveth.document(world_now)["rounds"]]
        for kind in LINK_KINDS:
            needed[f"oss_directory.projects__{kind}.url"] = [url for project in projects for url in project.links.get(kind, ())]
        inputs = {need: needed[need] for need in table.needs}
        now, values = datetime.now(UTC), settings.of_source(source)
        asked = Request(source.name, table.name, now, tmp_path / "cache", values, inputs=inputs)
        found = table.extract(asked)
        assert isinstance(found, Extract)
        arrived = {name: sum(batch.num_rows for batch in batches) for name, batches in found.batches.items()}
        world = lifecycle.status(settings).world
    assert world is not None
    assert arrived == {name: world.counts[f"{source.name}.{name}"] for name in table.physical}


def test_every_endpoint_of_the_sandbox_is_a_setting_of_a_source() -> None:
    assert {
        f"{source.name}_{setting.name}" for source in catalogue() for setting in source.settings if setting.endpoint
    } >= _SERVED
