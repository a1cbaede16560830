"""Fields that nobody declared: what is plain arrives where the table is open, everything is told, and no other value changes."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from oso_dagster.domain.catalogue.loading import UNKNOWN_FIELDS, Loaded
from oso_dagster.domain.catalogue.source import SchemaContract, Source
from oso_dagster.sandbox.faults.spoiling import NEW_FIELD
from oso_dagster.sandbox.upstreams import deps_dev, eas_optimism, giveth, growthepie, open_collective
from oso_dagster.sources import catalogue
from tests.support.landing import WORLD, Landing, clear_fault, landing, named, spoil, web_families

pytestmark = pytest.mark.server

SOURCES = {source.name: source for source in catalogue()}
OF_WEB = [SOURCES[family.name.replace("-", "_")] for family in web_families()]
INPUTS = {
    "giveth.qf_rounds.id": [row["id"] for row in giveth.truth(WORLD)["giveth.qf_rounds"]],
    "l2beat.projects.slug": list(growthepie.CHAINS),
    "github.sbom__packages.purl": deps_dev.purls(WORLD),
} | {
    f"oss_directory.projects__{kind}.url": named(WORLD, kind)
    for kind in ("defillama", "npm", "open_collective", "crates", "pypi", "go")
}


def unknown_fields(there: Landing, table: str) -> list[str]:
    """What a load of a table, or of its newest partition, tells that nobody declared."""
    loaded = there.load(table, there.windows(table)[-1])
    assert isinstance(loaded, Loaded)
    (schema,) = [finding for finding in loaded.findings if finding.check == "schema"]
    unknown: list[str] = loaded.record.facts.get(UNKNOWN_FIELDS) or []
    assert schema.passed is not bool(unknown), "the check says the same"
    return unknown


def columns(there: Landing, table: str) -> list[str]:
    return [row["column_name"] for row in there.rows("", f'DESCRIBE "{there.source.name}"."{table}"')]


@pytest.mark.parametrize("source", OF_WEB, ids=lambda source: source.name)
def test_a_field_more_in_every_record_is_told_and_arrives_where_it_may(source: Source, tmp_path: Path) -> None:
    table = source.tables[0]
    with landing(source, tmp_path, INPUTS) as there:
        there.settings = {"packages_per_run": "25000"}
        spoil(there, "new_fields")
        unknown = unknown_fields(there, table.name)
        assert any(NEW_FIELD in field for field in unknown), unknown
        wide = there.rows(table.name)
        assert (NEW_FIELD in columns(there, table.name)) is (table.contract is SchemaContract.EVOLVE)
        clear_fault(there)
        there.home = tmp_path / "again"
        there.home.mkdir()
        assert unknown_fields(there, table.name) == []
        assert [{k: v for k, v in row.items() if k != NEW_FIELD} for row in wide] == there.rows(table.name)


@pytest.mark.parametrize(
    ("module", "table", "before", "open_"),
    [
        (eas_optimism, "attestations", "isOffchain: Boolean!", True),
        (giveth, "qf_rounds", "endDate: DateTime!", True),
        (giveth, "projects", "countUniqueDonors: Int", False),
        (open_collective, "accounts", "currency: String, isArchived: Boolean!", False),
        (open_collective, "transactions", "fromAccount: Account", False),
    ],
)
def test_a_new_field_of_a_graphql_schema_is_asked_for_where_the_table_is_open_and_else_only_told(
    module: ModuleType, table: str, before: str, open_: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = ", newKind: String!, withArgument(n: Int): Int, nested: [Query]"
    assert module._SCHEMA.count(before) == 1
    monkeypatch.setattr(module, "_SCHEMA", module._SCHEMA.replace(before, before + more.replace("String!", "String")))
    with landing(SOURCES[module.__name__.rpartition(".")[2]], tmp_path, INPUTS) as there:
        unknown = unknown_fields(there, table)
        arrived = [f"{table}.new_kind (VARCHAR)"]
        assert unknown == [*(arrived if open_ else []), "nested", *([] if open_ else ["newKind"]), "withArgument"]
        assert ("new_kind" in columns(there, table)) is open_


@pytest.mark.parametrize("answer", ["drift", "status"])
def test_a_schema_that_cannot_be_had_for_a_fault_fails_the_load_as_any_answer_does(answer: str, tmp_path: Path) -> None:
    with landing(SOURCES["giveth"], tmp_path, INPUTS) as there:
        spoil(there, answer)
        with pytest.raises(Exception, match=r"is missing|500"):
            there.load("qf_rounds")


def test_an_endpoint_that_does_not_tell_its_schema_is_loaded_all_the_same_and_that_is_told(tmp_path: Path) -> None:
    with landing(SOURCES["giveth"], tmp_path, INPUTS) as there:
        spoil(there, "status", status=400, times=1)
        loaded: Any = there.load("qf_rounds")
    assert loaded.record.facts["schema_untold"] == "the endpoint answers 400 when asked for its schema"
    assert loaded.record.row_count == len(INPUTS["giveth.qf_rounds.id"])
