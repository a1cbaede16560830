"""What a command loads before it does something: the help knows no command, and no command a library that it does not use."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import typer

from oso_dagster import cli

HEAVY = {
    "alembic",
    "dagster",
    "dlt",
    "duckdb",
    "grpc",
    "jinja2",
    "pandas",
    "pyarrow",
    "pygit2",
    "requests",
    "sqlalchemy",
    "sqlglot",
    "sqlmesh",
}
SETTINGS = {"pydantic", "pydantic_settings", "asyncio"}
"""What reading the environment needs."""
COMMANDS: Any = typer.main.get_group(cli.app).commands


def modules(code: str) -> set[str]:
    """The modules that a new process has loaded after some code."""
    code = f"import sys\n{code}\nprint('modules:', *sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(ended.stdout.rpartition("modules:")[2].split())


def test_the_help_loads_no_command_no_settings_and_no_heavy_library() -> None:
    loaded = modules("from oso_dagster import cli\ntry: cli.app(['--help'])\nexcept SystemExit: pass")
    ours = {name for name in loaded if name.startswith("oso_dagster")}
    assert ours == {"oso_dagster", "oso_dagster.cli", "oso_dagster.cli.lazy_group"}
    assert (HEAVY | SETTINGS) & {name.partition(".")[0] for name in loaded} == set()
    assert "rich" in loaded


def test_the_modules_of_all_commands_load_no_heavy_library_before_a_command_needs_it() -> None:
    loaded = modules("import typer\nfrom oso_dagster import cli\nlist(typer.main.get_command(cli.app).commands.values())")
    assert HEAVY & {name.partition(".")[0] for name in loaded} == set()
    assert "oso_dagster.cli.sources.source_commands" in loaded


@pytest.mark.slow
@pytest.mark.usefixtures("settings")
def test_commands_that_only_look_load_neither_dagster_nor_alembic() -> None:
    """A ledger that holds everything is not filled, and a store of the newest schema not upgraded."""
    run = (
        "from oso_dagster import cli\n"
        "def oso(*words):\n    try: cli.app(list(words))\n    except SystemExit as ended: assert not ended.code, ended.code\n"
    )
    load = (
        "import dagster as dg\nfrom oso_dagster.cli.session.instance import enter\n"
        "from oso_dagster.cli.session.chosen_world import settings_now\nenter(settings_now())\n"
        "@dg.asset(key=['oss_funding', 'funding_data'])\ndef load(): ...\n"
        "with dg.DagsterInstance.get() as instance: dg.materialize([load], instance=instance)\n"
    )
    modules(load)
    assert "dagster" in modules(run + "oso('slo', 'report')")
    for command in ("'slo', 'report'", "'sources', 'list'"):
        loaded = {name.partition(".")[0] for name in modules(f"{run}oso({command})")}
        assert loaded & (HEAVY - {"sqlalchemy"}) == set(), command


@pytest.mark.parametrize("name", COMMANDS)
def test_what_the_help_says_of_a_command_is_what_its_own_help_begins_with(name: str) -> None:
    command, declared = COMMANDS[name], cli.COMMANDS[name]
    assert (command.name, command.rich_help_panel) == (name, declared.panel)
    assert command.help.partition("\n\n")[0].replace("\n", " ") == declared.help
