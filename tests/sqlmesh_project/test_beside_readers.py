"""The whole transform while another program opens and closes the DuckDB file without a pause."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from oso_dagster.orchestration.models.platform_project import transform_assets
from oso_dagster.orchestration.resources import warehouse_of
from oso_dagster.settings import Settings
from oso_dagster.sources import catalogue
from tests.sqlmesh_project.test_rows import world_at
from tests.warehouse.embedded.test_held import outside_reader

pytestmark = pytest.mark.slow


def test_a_reader_of_the_file_does_not_fail_the_transform(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    world_at(settings.home)
    with outside_reader(settings.warehouse_path, 1.0):
        result = dg.materialize([transform_assets(settings, catalogue())], raise_on_error=True)
    assert result.success
    with warehouse_of(settings).read() as connection:
        assert connection.execute("SELECT count(*) FROM marts.projects_v1").fetchone() == (3,)
