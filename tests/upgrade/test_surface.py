"""Asset keys, command line, settings, stored tables and public JSON change only on purpose; the snapshots began at a723b27."""

from __future__ import annotations

from pathlib import Path

import pytest

from oso_dagster.reliability.store import Store
from tests.upgrade import surface

WANTED = "if this is wanted: python -m tests.upgrade.surface [world folder], and commit the diff of tests/upgrade/surface"


@pytest.fixture(scope="module")
def surfaces() -> dict[str, list[str]]:
    return surface.of_code()


@pytest.mark.parametrize("name", ["definitions", "command_line", "settings"])
def test_what_others_hold_on_to_changes_only_on_purpose(surfaces: dict[str, list[str]], name: str) -> None:
    assert surface.without_new_sources(surfaces[name]) == surface.known(name), WANTED


def test_a_new_store_has_the_tables_and_columns_of_the_snapshot(tmp_path: Path) -> None:
    Store.open(f"sqlite:///{tmp_path / 'reliability.db'}", "live").close()
    assert surface.of_reliability_store(tmp_path / "reliability.db") == surface.known("reliability_store"), WANTED


def test_a_source_that_is_new_is_no_change_and_one_that_is_gone_is(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        "asset coffee_prices/daily",
        "job ingest_coffee_prices",
        "schedule ingest_coffee_prices_daily",
        "asset npm/downloads",
    ]
    monkeypatch.setattr(surface, "source_names", lambda: ["coffee_prices", "npm"])
    assert surface.without_new_sources(lines) == ["asset npm/downloads"]
    assert surface.without_new_sources(["OSO_COFFEE_PRICES_URL str = ", "OSO_NPM_URL str = "]) == ["OSO_NPM_URL str = "]
    assert surface.without_new_sources([]) != surface.known("definitions")
