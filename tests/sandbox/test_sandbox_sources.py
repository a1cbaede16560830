"""The sources, reading the sandbox through their own connectors: what arrives is what the generator says there is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from oso_dagster.domain.loading import Extract, Request
from oso_dagster.domain.source import Source, Table
from oso_dagster.sandbox import lifecycle
from oso_dagster.sandbox.families import FAMILIES
from oso_dagster.settings import read_settings
from oso_dagster.sources import catalogue

_SERVED = {point.setting for family in FAMILIES for point in family.endpoints}
_TABLES = [(source, table) for source in catalogue() for table in source.tables if f"{source.name}_url" in _SERVED]


@pytest.mark.parametrize(("source", "table"), _TABLES, ids=lambda value: value.name)
def test_a_table_of_the_sandbox_arrives_whole(
    source: Source, table: Table, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OSO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OSO_WORLD", "sandbox")
    settings = read_settings(catalogue())
    with lifecycle.running(settings):
        asked = Request(source.name, table.name, datetime.now(UTC), tmp_path / "cache", settings.of_source(source))
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
