"""Data contracts of the real catalogue, held to the schema that the standard publishes."""

import json
from importlib.resources import files

import pytest
import yaml
from jsonschema import Draft201909Validator
from typer.testing import CliRunner

from oso_dagster.cli import app
from oso_dagster.sources import catalogue

SCHEMA = Draft201909Validator(json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text()))


@pytest.fixture(scope="module")
def contracts():
    result = CliRunner().invoke(app, ["sources", "contracts"])
    assert result.exit_code == 0
    return {contract["id"]: contract for contract in yaml.safe_load_all(result.stdout)}


def test_every_public_table_has_a_contract_and_no_other(contracts):
    assert contracts.keys() == {
        f"{source.name}.{table.name}" for source in catalogue() for table in source.tables if table.public
    }


def test_each_is_what_the_standard_says_and_the_schema_can_refuse(contracts):
    wrong = {name: [error.message for error in SCHEMA.iter_errors(contract)] for name, contract in contracts.items()}
    assert {name: errors for name, errors in wrong.items() if errors} == {}
    broken = contracts["npm.downloads"] | {"slaProperties": [{"value": 3}]}
    assert list(SCHEMA.iter_errors(broken))


def test_the_promises_of_a_table_are_its_sla_properties(contracts):
    for source in catalogue():
        for table in source.tables:
            if not table.public:
                continue
            promised = contracts[f"{source.name}.{table.name}"]["slaProperties"]
            named = {row["property"]: row for row in reversed(promised)}
            if source.retired:
                assert promised == []
                continue
            assert named["reliability"]["value"] == (99 if source.stability.value == "core" else 75)
            assert ("latency" in named) >= (table.promised_within is not None)
            assert ("coverage" in named) == (table.second_count is not None)
            if table.promised_within is not None:
                assert named["latency"]["value"] * 3600 == table.promised_within.total_seconds()


def test_a_folder_gets_a_file_for_each_table_and_an_unknown_source_is_refused(tmp_path):
    assert CliRunner().invoke(app, ["sources", "contracts", "npm", "--to", str(tmp_path / "contracts")]).exit_code == 0
    assert yaml.safe_load((tmp_path / "contracts" / "npm.downloads.odcs.yaml").read_text())["id"] == "npm.downloads"
    assert CliRunner().invoke(app, ["sources", "contracts", "npn"]).exit_code == 2
