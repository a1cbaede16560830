"""What a page says where there is nothing to show: no data yet, no room now, no such thing."""

from __future__ import annotations

from pathlib import Path
from time import monotonic

import pytest
import requests

from oso_dagster.serving.access.admission import Admission
from oso_dagster.serving.app import application
from oso_dagster.serving.endpoints.door import Door
from oso_dagster.serving.engine.duckdb_engine import DuckDBEngine
from oso_dagster.serving.engine.snapshots import Snapshots
from oso_dagster.serving.provenance import Provenance
from oso_dagster.serving.published import Published
from tests.serving.small_door import NOW, PLENTY
from tests.serving.website.small_site import small_site
from tests.support.asgi import serving

pytestmark = pytest.mark.server


@pytest.mark.parametrize(("world", "command"), [("live", "oso run"), ("sandbox", "make demo")])
def test_before_the_first_load_a_page_says_what_loads_data(tmp_path: Path, world: str, command: str) -> None:
    published = Published([])
    snapshots = Snapshots(tmp_path / "copies", lambda _: None, lambda: None, published.tables)
    admission = Admission(None, lambda: NOW, monotonic, anonymous=PLENTY)
    door = Door(published, DuckDBEngine(snapshots), admission, lambda: Provenance(published), world)
    with serving(application(door, tmp_path / "answers", made_at=lambda: snapshots.made_at)) as address:
        page = requests.get(f"{address}/collections", timeout=30)
    assert page.status_code == 503
    assert f"No data was loaded into the {world} world yet" in page.text
    assert f"<code>{command}</code>" in page.text
    assert "Search for something else" not in page.text


def test_where_there_is_data_a_name_that_there_is_not_leads_to_the_search(tmp_path: Path) -> None:
    with small_site(tmp_path) as address:
        page = requests.get(f"{address}/projects/nobody", timeout=30)
    assert "Search for something else" in page.text
    assert "No data" not in page.text
