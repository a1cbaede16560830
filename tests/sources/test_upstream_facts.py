"""Small facts of docs/upstreams.md that need no server: names that are known upstream, and texts as people write them."""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import pytest
from sqlglot import exp

from oso_dagster.domain.catalogue.source import Source
from oso_dagster.sources import catalogue, deps_dev, superchain
from sqlmesh_project.macros.text import trimmed

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "upstreams.md").read_text()


@pytest.mark.parametrize("table", ["transactions", "traces"])
def test_the_second_form_of_a_value_is_no_news_of_the_superchain(table: str) -> None:
    assert superchain._KNOWN[table].unknown(["value", "value_64", "value_lossless", "a_surprise"]) == ["a_surprise"]


def test_a_cooldown_is_no_news_of_deps_dev() -> None:
    assert deps_dev._KNOWN.unknown(["cooldown", "publishedAt", "aSurprise"]) == ["aSurprise"]


def test_the_chain_of_a_signature_is_a_column_of_op_atlas() -> None:
    (atlas,) = [source for source in catalogue() if source.name == "op_atlas"]
    columns = {table.name: {column.name for column in table.columns} for table in atlas.tables}
    assert "verification_chain_id" in columns["project_contract"]


def test_every_network_of_the_directory_that_was_missing_has_its_chain() -> None:
    rows = csv.DictReader((ROOT / "sqlmesh_project" / "seeds" / "networks.csv").read_text().splitlines())
    chains = {row["network"]: row["chain_id"] for row in rows}
    assert all(chains[name].isdigit() for name in ("swan", "automata", "pgn", "xterio", "lyra", "kroma"))


def test_white_space_of_any_kind_at_the_ends_of_a_text_is_taken_away() -> None:
    expression = trimmed(None, exp.column("url"))  # type: ignore[arg-type]
    query = f"SELECT {expression.sql('duckdb')} FROM (VALUES (E'\\n\\t https://github.com/a/b \\r\\n')) AS t(url)"
    assert duckdb.sql(query).fetchall() == [("https://github.com/a/b",)]


@pytest.mark.parametrize("source", [source for source in catalogue() if source.retired is None], ids=lambda source: source.name)
def test_what_an_upstream_does_is_in_the_document(source: Source) -> None:
    words = {"github": "GitHub: REST", "npm": "npm", "eas_optimism": "EAS on Optimism"}
    title = words.get(source.name, source.title)
    assert f"\n## {title}" in DOCUMENT or f"\n## {title.split(' on ')[0]}" in DOCUMENT, f"no section for {title}"
