"""`oso sources` as a person uses it: the catalogue after a real load, a dry run of a source well and sick, a new file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from typer.testing import CliRunner

from oso_dagster import sources
from oso_dagster.cli import app, main
from oso_dagster.cli.demo import not_invented
from oso_dagster.cli.run import all_jobs
from oso_dagster.cli.sources.new_source import write
from oso_dagster.domain.catalogue.source import Source
from oso_dagster.sandbox import lifecycle
from oso_dagster.settings import Settings, World, read_settings
from oso_dagster.sources import catalogue
from tests.support.platform import BIN, run


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home in which the sandbox is up, and nothing was loaded."""
    made = tmp_path_factory.mktemp("sources") / "oso"
    with lifecycle.running(Settings(home=made, world=World.SANDBOX)):
        yield made


@pytest.fixture
def sandbox(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OSO_HOME", str(home))
    monkeypatch.setenv("OSO_WORLD", "sandbox")
    monkeypatch.setenv("OSO_GROWTHEPIE_PAUSE_SECONDS", "0.001")
    monkeypatch.setenv("COLUMNS", "200")
    return home


@pytest.fixture
def fault(home: Path) -> Iterator[None]:
    """growthepie answers HTML."""
    server = lifecycle.status(Settings(home=home, world=World.SANDBOX)).server
    assert server is not None
    control = f"http://127.0.0.1:{server.port}/faults"
    assert requests.post(control, json={"family": "growthepie", "kind": "html"}, timeout=10).ok
    yield
    assert requests.delete(control, timeout=10).ok


def oso(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["sources", *arguments])
    assert result.exit_code == code, result.output
    return result.output


def files(folder: Path) -> dict[str, float]:
    """Every file below with its time of change, the sandbox's own left out."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): path.stat().st_mtime for path in paths if "sandbox-world" not in path.parts}


@pytest.mark.server
def test_before_anything_was_loaded_the_list_has_every_table_and_says_so(settings: Settings) -> None:
    rows = json.loads(oso("list", "--json"))
    assert [(row["source"], row["table"]) for row in rows] == [(s.name, t.name) for s in catalogue() for t in s.tables]
    retired = {source.name for source in catalogue() if source.retired}
    assert all(row["last_load"] is None for row in rows)
    assert {(row["source"] in retired, row["verdict"]) for row in rows} == {(True, "retired"), (False, "no data")}
    assert not settings.home.exists()


def test_a_source_shows_all_that_it_says_and_no_secret(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSO_GITHUB_TOKEN", "hunter2")
    monkeypatch.setenv("COLUMNS", "200")
    printed, shown = oso("show", "github", "--json"), oso("show", "github")
    source = json.loads(printed)
    token = next(setting for setting in source["settings"] if setting["variable"] == "OSO_GITHUB_TOKEN")
    assert token["set"] is True
    assert "hunter2" not in printed + shown
    events = next(table for table in source["tables"] if table["name"] == "events")
    assert (events["partitions"]["kind"], events["job"], events["contract"]) == ("daily", "ingest_github_daily", "report")
    assert {
        "arrived",
        "primary_key",
        "event_time_not_in_future",
        "row_count_band",
        "freshness",
        "partition_completeness",
    } <= events["checks"].keys()
    for words in (
        "push_regime",
        "licence:",
        "retries: ",
        "a load costs about",
        "columns of repositories",
        "needs: oss_directory",
    ):
        assert words in " ".join(shown.split())


def now_of(source: str) -> dict[str, str]:
    """What is said to be in effect, by the name of the setting."""
    return {setting["variable"]: setting["now"] for setting in json.loads(oso("show", source, "--json"))["settings"]}


@pytest.mark.server
def test_a_setting_of_the_sandbox_world_that_is_up_is_shown_as_it_is_in_effect(
    sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (github,) = [source for source in catalogue() if source.name == "github"]
    effect = read_settings(catalogue()).of_source(github)
    now = now_of("github")
    assert now["OSO_GITHUB_ARCHIVE_URL"] == effect["archive_url"]
    assert now["OSO_GITHUB_ARCHIVE_URL"].startswith("http://127.0.0.1:")
    assert now["OSO_GITHUB_LEAST_EVENTS_PER_DAY"] == effect["least_events_per_day"]
    assert effect["archive_url"] in oso("show", "github")
    monkeypatch.setenv("OSO_GITHUB_LEAST_EVENTS_PER_DAY", "7")
    assert now_of("github")["OSO_GITHUB_LEAST_EVENTS_PER_DAY"] == "set"


def test_a_setting_of_the_sandbox_world_that_is_down_is_the_sandboxs_while_it_is_up(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = now_of("github")["OSO_GITHUB_ARCHIVE_URL"]
    assert live == "https://data.gharchive.org"
    monkeypatch.setenv("OSO_WORLD", "sandbox")
    assert now_of("github")["OSO_GITHUB_ARCHIVE_URL"] == "the sandbox's, while it is up"


@pytest.mark.server
@pytest.mark.parametrize("name", ["growthepie", "github", "gitcoin", "superchain", "oss_directory"])
def test_a_source_that_is_well_passes_a_dry_run_of_some_rows(name: str, sandbox: Path) -> None:
    (source,) = [source for source in catalogue() if source.name == name]
    fed = [table for table in source.tables if not table.needs]
    before = files(sandbox)
    trials = {}
    for table in fed:
        (trials[table.name],) = json.loads(oso("check", name, "--table", table.name, "--rows", "20", "--json"))
    assert files(sandbox) == before
    assert {trial["table"]: trial["problems"] for trial in trials.values()} == {table.name: [] for table in fed}
    for table in fed:
        assert trials[table.name]["rows"].keys() == table.physical.keys()
        assert 0 < trials[table.name]["rows"][table.name] <= 20
        assert (trials[table.name]["partition"] is None) == (table.partitions is None)


@pytest.mark.server
def test_a_dry_run_of_a_sick_source_names_the_cause_ends_with_1_and_writes_nothing(sandbox: Path, fault: None) -> None:
    before = files(sandbox)
    (trial,) = json.loads(oso("check", "growthepie", "--json", code=1))
    assert trial["rows"] == {}
    assert "the answer is HTML, not JSON" in trial["problems"][0]
    assert "the answer is HTML, not JSON" in " ".join(oso("check", "growthepie", code=1).split())
    assert files(sandbox) == before


@pytest.mark.server
def test_a_dry_run_says_what_has_to_be_loaded_first(sandbox: Path) -> None:
    (trial,) = json.loads(oso("check", "npm", "--json", code=1))
    assert "oss_directory.projects was never loaded: load that first" in trial["problems"][0]


@pytest.mark.server
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "nobody"), "no source is called nobody; there are "),
        (("check", "npm", "--table", "nothing"), "npm has no table nothing; there are downloads"),
        (("check", "growthepie"), "the sandbox world is not up: start it with `oso sandbox up`"),
        (("new", "npm"), "npm.py is there already"),
        (("new", "Coffee"), "lower-case snake_case only"),
        (("new", "marts"), "reserved for a schema of the platform"),
        (("new", "discord"), "two settings are called OSO_DISCORD_URL"),
        (("new", "coffee", "--title", 'a "quoted" one'), "is no title"),
    ],
)
def test_a_name_that_cannot_be_is_refused_in_a_line(
    arguments: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before = sorted(Path(sources.__path__[0]).glob("*.py"))
    monkeypatch.setenv("OSO_HOME", str(tmp_path))
    monkeypatch.setenv("OSO_WORLD", "sandbox")
    monkeypatch.setattr("sys.argv", ["oso", "sources", *arguments])
    with pytest.raises(SystemExit, match="1"):
        main()
    message = capsys.readouterr().err
    assert words in message
    assert message.count("\n") == 1
    assert sorted(Path(sources.__path__[0]).glob("*.py")) == before


def test_the_demo_leaves_out_what_the_sandbox_does_not_invent_and_says_how_to_have_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    (known,) = [source for source in catalogue() if source.name == "growthepie"]
    added = replace(known, name="coffee")
    assert not_invented(read_settings([known, added]), [known, added]) == {"coffee": ["OSO_COFFEE_URL"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OSO_COFFEE_URL", "https://example.org/coffee.json")
        assert not_invented(read_settings([known, added]), [known, added]) == {}
    assert [job for job in all_jobs(settings, without=["growthepie"]) if "growthepie" in job] == []
    assert "ingest_growthepie" in all_jobs(settings)


def test_a_new_file_is_a_whole_source_and_is_never_written_over(tmp_path: Path) -> None:
    path = write("coffee_prices", "Coffee & prices", tmp_path)
    made: dict[str, Any] = {"__name__": "coffee_prices"}
    exec(compile(path.read_text(), str(path), "exec"), made)
    assert isinstance(made["SOURCE"], Source)
    assert (made["SOURCE"].name, made["SOURCE"].title) == ("coffee_prices", "Coffee & prices")
    path.write_text("mine")
    with pytest.raises(ValueError, match="there already"):
        write("coffee_prices", "Again", tmp_path)
    assert path.read_text() == "mine"


@pytest.mark.server
def test_a_new_file_needs_no_hand_to_please_the_linter(tmp_path: Path) -> None:
    write("coffee_prices", "Coffee prices", tmp_path)
    shutil.copy(Path(sources.__path__[0]).parents[1] / "pyproject.toml", tmp_path)
    for how in (["check"], ["format", "--check"]):
        done = run([str(BIN / "ruff"), *how, str(tmp_path / "coffee_prices.py")], tmp_path)
        assert done.returncode == 0, done.stdout
