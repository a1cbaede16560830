"""Text from outside in every command: it is shown as it is, and neither ends the command nor acts on the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest
import typer
from rich.progress import Progress
from typer.testing import CliRunner

from oso_dagster import cli
from oso_dagster.cli import app, main
from oso_dagster.cli.run import _JobProgress
from oso_dagster.cli.run_result import print_failures
from oso_dagster.cli.sandbox_commands import _print_faults
from oso_dagster.cli.session.instance import prepare
from oso_dagster.cli.session.terminal import console
from oso_dagster.domain.alerts.sprint import Guilty, ObjectiveFinding
from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.domain.printable import printable
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings

HOSTILE = "[bold]x[/nope] [/] \x1b[31mred\x1b]0;owned\x07 \x9b2J \u202etxt :smile: \x00\r"
WRITTEN = HOSTILE.replace("\x00", "")
"""What a person can write: nothing that no store keeps."""
SHOWN = "[bold]x[/nope][/]"
"""Its visible part, without blanks: lines are wrapped anywhere."""
ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
OBJECTIVE = "core_source_data.data_freshness"
NOW = datetime.now(UTC)

CASES: dict[str, list[str]] = {
    "oso sprint list": [],
    "oso sprint show": [OBJECTIVE],
    "oso sprint ack": [OBJECTIVE, "--as", WRITTEN],
    "oso sprint assign": [OBJECTIVE, WRITTEN, "--as", "ada"],
    "oso sprint note": [OBJECTIVE, WRITTEN, "--as", "ada"],
    "oso slo explain": ["core_source_data.materialization_reliability"],
    "oso slo report": ["--service", "sqlmesh"],
    "oso slo maintenance list": [],
    "oso slo maintenance add": [HOSTILE, "--from", "2026-03-01", "--to", "2026-03-02", "--reason", HOSTILE],
    "oso slo maintenance cancel": [HOSTILE],
    "oso slo maintenance end": [HOSTILE],
    "oso slo maintenance log": [],
    "oso slo maintenance reschedule": [HOSTILE, "--to", "2099-03-01"],
    "oso slo record": [HOSTILE, "--good", "1", "--valid", "1"],
    "oso settings": [],
    "oso keys create": [HOSTILE.replace("\x00", "")],
    "oso keys list": [],
    "oso keys revoke": [HOSTILE],
    "oso alerts digest": [],
    "oso status announcements": [],
    "oso sources check": ["oss_funding"],
    "oso sources new": [HOSTILE],
    "oso run": [HOSTILE],
    "oso sql": ["SELECT t FROM hostile"],
}
"""What shows text from outside, with the arguments that make it do so."""
OWN_WORDS = {
    "oso alerts drill": "its failures go through `say`, as those of `oso run`",
    "oso alerts preview": "invented incidents",
    "oso alerts test": "the answer of a channel, in a table as all others",
    "oso backup": "counts",
    "oso demo": "prints with what `oso run` prints with",
    "oso dev": "addresses; the log that it shows goes through `printable`",
    "oso doctor": "every cell goes through `listing` and `under`, as in all other tables",
    "oso manifest build": "a count and a path",
    "oso manifest check": "words of our own",
    "oso migrate": "words of our own",
    "oso parity": "rows go through `say`, as the failures of `oso run`",
    "oso probe check": "tests of the probes: what a server answers goes through the same console",
    "oso probe list": "declarations",
    "oso probe page": "tests of the probes, as `oso probe check`",
    "oso probe run": "the names of declared probes",
    "oso restore": "counts",
    "oso sandbox down": "words of our own",
    "oso sandbox fault clear": "below, without a server",
    "oso sandbox fault list": "below, without a server",
    "oso sandbox fault set": "below, without a server",
    "oso sandbox reset": "counts of the invented world",
    "oso sandbox serve": "the server's own log",
    "oso sandbox status": "the invented world",
    "oso sandbox up": "addresses on loopback",
    "oso slo export": "declarations",
    "oso serve": "addresses",
    "oso slo metrics": "a format for programs, with escapes of its own",
    "oso slo repair": "counts",
    "oso slo simulate": "numbers",
    "oso sources contracts": "declarations",
    "oso sources plan": "numbers and declarations",
    "oso sources list": "declarations and verdicts",
    "oso sources show": "declarations; what is set is not shown",
    "oso status announce": "a number",
    "oso status build": "counts and a path",
    "oso status open": "an address",
    "oso status serve": "an address",
    "oso status withdraw": "a number",
}


@dg.asset(key=["oss_directory", "projects"])
def fails() -> None:
    raise ValueError(HOSTILE)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose ledger, sprints, maintenance and warehouse hold hostile text."""
    settings = Settings(home=tmp_path_factory.mktemp("hostile"))
    guilty = (Guilty("shop/" + HOSTILE, HOSTILE, 1, 1, HOSTILE, HOSTILE),)
    finding = ObjectiveFinding(OBJECTIVE, "core_source_data", Verdict.BREACHED, HOSTILE, 0, 1, 10_000, NOW, guilty, HOSTILE)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in prepare(settings).items():
            patch.setenv(name, value)
        with dg.DagsterInstance.get() as instance:
            dg.materialize([fails], instance=instance, raise_on_error=False)
    with Store.open(settings.reliability_store_url, "live") as store:
        store.sprints.advance([finding])
        store.maintenance.add(Maintenance("sqlmesh", NOW - timedelta(hours=2), NOW - timedelta(hours=1), WRITTEN, WRITTEN, NOW))
        store.public_notices.add(WRITTEN, NOW, None, WRITTEN)
    with duckdb.connect(settings.warehouse_path) as connection:
        connection.execute("CREATE TABLE hostile AS SELECT ? AS t", [HOSTILE])
    return settings.home


@pytest.fixture(autouse=True)
def _environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OSO_HOME", str(home))
    monkeypatch.setenv("OSO_NPM_URL", "http://npm.test/" + WRITTEN)
    monkeypatch.setenv("OSO_OSS_FUNDING_URL", "file:///nowhere/" + WRITTEN)
    monkeypatch.setenv("COLUMNS", "120")
    return


def leaves(command: object, path: str = "oso") -> list[str]:
    below = getattr(command, "commands", None)
    if below is None:
        return [path]
    return [leaf for name, each in below.items() for leaf in leaves(each, f"{path} {name}")]


def harmless(text: str) -> bool:
    return ACTS.search(text) is None and SHOWN in re.sub(r"[\s│]", "", text)


def test_every_command_is_tried_or_says_why_not() -> None:
    assert {*CASES, *OWN_WORDS} == set(leaves(typer.main.get_command(app)))


@pytest.mark.parametrize("command", CASES)
def test_it_shows_text_from_outside_as_it_is(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", [*command.split(), *CASES[command]])
    with pytest.raises(SystemExit):
        main()
    output = "".join(capsys.readouterr())
    assert "Traceback" not in output
    assert harmless(output) or (command, SHOWN in output) == ("oso slo report", False), output


@pytest.mark.parametrize("command", ["oso slo maintenance list", "oso sprint list", "oso sprint show", "oso sql"])
def test_as_json_it_is_escaped_by_json(command: str) -> None:
    result = CliRunner().invoke(app, [*command.split()[1:], *CASES[command], "--json"])
    assert result.exit_code == 0, result.output
    assert ACTS.search(result.output) is None


def test_failures_progress_and_faults_are_harmless_too(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = console()
    print_failures(terminal, [HOSTILE])
    _print_faults([{"owner": None, "times": None, "family": "npm", "path": HOSTILE, "kind": "html"}])
    assert harmless(capsys.readouterr().out)
    with Progress("{task.description}", console=terminal) as progress:
        board = _JobProgress(progress, {"job": HOSTILE})
        board.job_started("job")
        board.job_described("job", HOSTILE)
    assert ACTS.search(capsys.readouterr().out) is None


def test_a_traceback_is_harmless(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> None:
        raise RuntimeError(HOSTILE)

    monkeypatch.setattr(cli, "app", broken)
    with pytest.raises(SystemExit):
        main()
    output = capsys.readouterr().err
    assert "RuntimeError" in output
    assert ACTS.search(output) is None


def test_what_acts_is_spelled_out_and_the_rest_stays() -> None:
    assert printable("a\tb\nü 漢 👩\u200d💻 \x1b[0m\u2066\ud800") == "a\tb\nü 漢 👩\u200d💻 \\x1b[0m\\u2066\\ud800"


def test_only_one_module_prints() -> None:
    """A console of its own, `typer.echo` or `print` would go around it."""
    folder = Path(cli.__file__).parent
    around = re.compile(r"\bConsole\(|typer\.(?:echo|secho)|rich\.markup|(?<![.\w])(?<!def )print\(|sys\.std(?:out|err)\.write")
    assert [path.name for path in folder.rglob("*.py") if path.name != "terminal.py" and around.search(path.read_text())] == []
