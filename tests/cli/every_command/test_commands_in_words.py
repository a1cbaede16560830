"""Commands as people read them, in docs, docstrings and messages: each can be typed; one name for one thing in all of them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from oso_dagster.cli import app
from oso_dagster.cli.workers.job_list import all_jobs
from oso_dagster.domain.objectives.objectives import OBJECTIVES
from oso_dagster.settings import PROJECT_ROOT, Settings, settings_model
from oso_dagster.sources import catalogue

ROOT = typer.main.get_command(app)
PAGES = [
    PROJECT_ROOT / "README.md",
    *sorted((PROJECT_ROOT / "docs").rglob("*.md")),
    *sorted((PROJECT_ROOT / ".github").rglob("*.md")),
]
CODE = sorted((PROJECT_ROOT / "oso_dagster").rglob("*.py"))
INVENTED = "coffee_prices"
"""The source of the guide."""
COMMAND = re.compile(r"(?:[A-Z_]+=\S+ )*\boso (?P<rest>[a-z].*)", re.DOTALL)
PLACEHOLDER = re.compile(r"[<{…]|^[A-Z]+$")
OPTIONAL = re.compile(r"\[--[^\]]*\]")
"""What a synopsis leaves open."""
SHELL = {"|", ">", "&&", ";"}
SHOWS = re.compile(r"(List|Show|Report|Explain|Ask|Backtest|Fetch)\b")
NO_DATA = {"oso demo", "oso serve", "oso status serve"}
"""They begin with such a word and show no data."""


def typed(text: str) -> list[str] | None:
    """The words behind `oso` of a line that a person would type, up to a pipe or a comment; None for another line."""
    match = COMMAND.fullmatch(re.sub(r"\s+", " ", OPTIONAL.sub("", text)).strip())
    if match is None:
        return None
    words = shlex.split(match["rest"], comments=True)
    return words[: next((place for place, word in enumerate(words) if word in SHELL), len(words))]


def in_blocks(text: str) -> Iterator[str]:
    """The lines behind `$` in the blocks of a page; a quoted text may go on in the next line."""
    for block in re.findall(r"^```(?:console|sh|bash)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        yield from re.findall(r'^\$ ((?:[^\n"]|"[^"]*")*)', block, re.MULTILINE)


def in_backticks(text: str) -> Iterator[str]:
    """What stands in single backticks."""
    yield from re.findall(r"(?<!`)`([^`]+)`(?!`)", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))


def complaint(words: list[str], *, whole: bool) -> str | None:
    """What the command line says to these words; None when it takes them. A mention (not `whole`) may leave arguments out."""
    command: Any = ROOT
    context = command.make_context("oso", list(words), resilient_parsing=True)
    rest = [*context._protected_args, *context.args] if hasattr(context, "_protected_args") else list(context.args)
    while getattr(command, "commands", None):
        if not rest:
            return "a command is missing" if whole else None
        command = command.commands.get(rest[0])
        if command is None:
            return f"no command is called {rest[0]}"
        rest = rest[1:]
    try:
        command.make_context(words[0], rest)
    except Exception as error:  # noqa: BLE001  (each complaint of the parser; their classes are those of a vendored library)
        kind, place = type(error).__name__, "does not exist" in str(error)
        left_out = kind == "MissingParameter" or "requires an argument" in str(error)
        return None if place or (left_out and not whole) else f"{kind}: {error}"
    return None


def unknown(words: list[str], jobs: set[str]) -> list[str]:
    """Names in a command that nothing has: of jobs, of sources, of objectives."""
    given = [word for word in words[1:] if not word.startswith("-") and not PLACEHOLDER.search(word) and INVENTED not in word]
    match words:
        case ["run", *_]:
            before = next((place for place, word in enumerate(given) if re.match(r"\d", word)), len(given))
            return [name for name in given[:before] if name not in jobs]
        case ["sources", "show" | "check" | "plan", *_]:
            return [name for name in given[1:2] if name not in {source.name for source in catalogue()}]
        case ["slo", "explain" | "record", *_] | ["sprint", "show" | "ack" | "assign" | "note", *_]:
            return [name for name in given[1:2] if name not in {objective.id for objective in OBJECTIVES}]
    return []


def every_command() -> list[tuple[str, list[str], bool]]:
    """Where it stands, its words, and whether it is a line to be typed as it is."""
    texts = [(page, line, True) for page in PAGES for line in in_blocks(page.read_text())]
    texts += [(page, text, False) for page in PAGES for text in in_backticks(page.read_text())]
    texts += [(file, text, False) for file in CODE for text in in_backticks(file.read_text())]
    parsed = ((path, typed(re.sub(r"\{[^{}]*\}", "<x>", text)), whole) for path, text, whole in texts)
    return [(path.relative_to(PROJECT_ROOT).as_posix(), words, whole) for path, words, whole in parsed if words]


def leaves(command: Any, path: str = "oso") -> Iterator[tuple[str, Any]]:
    for name, below in command.commands.items():
        yield from leaves(below, f"{path} {name}") if getattr(below, "commands", None) else [(f"{path} {name}", below)]


def test_every_command_that_is_written_anywhere_can_be_typed(settings: Settings) -> None:
    jobs = {*all_jobs(settings), *(f"ingest_{source.name}" for source in catalogue())}
    wrong = []
    for place, words, whole in every_command():
        answer = complaint(words, whole=whole)
        problems = [answer] if answer else unknown(words, jobs)
        wrong += [f"{place}: oso {' '.join(words)}: {problem}" for problem in problems]
    assert wrong == []


def test_the_check_of_commands_sees_what_is_wrong() -> None:
    page = '```console\n$ oso sprnt list   # open ones\n$ OSO_WORLD=sandbox oso sql "SELECT\n   1" --rows 2\n```\n'
    assert [typed(line) for line in in_blocks(page)] == [["sprnt", "list"], ["sql", "SELECT 1", "--rows", "2"]]
    assert [complaint(typed(line) or [], whole=True) for line in in_blocks(page)] == [
        "no command is called sprnt",
        "NoSuchOption: No such option: --rows",
    ]
    assert complaint(["sprint", "show"], whole=True)
    assert complaint(["sprint", "show"], whole=False) is None
    assert complaint(["run", "--newest", "many"], whole=False)
    assert unknown(["run", "ingest_nothing", "--from", "2026-03-01"], {"transform"}) == ["ingest_nothing"]
    assert unknown(["sprint", "show", "shop.sales"], set()) == ["shop.sales"]
    assert list(in_backticks("`oso run`, `a b`")) == ["oso run", "a b"]
    assert len(every_command()) > 100


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(PROJECT_ROOT).as_posix())
def test_every_variable_and_target_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    known = {f"OSO_{name.upper()}" for name in settings_model(catalogue()).model_fields} | {"OSO_GIT_SHA"}
    named = {name for name in re.findall(r"\bOSO_[A-Z0-9_]*[A-Z0-9]\b(?![_…<*])", text) if INVENTED.upper() not in name}
    assert named <= known, named - known
    targets = re.findall(r"^([a-z0-9-]+):", (PROJECT_ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"(?:`|^\$ )make ([a-z0-9-]+)", text, re.MULTILINE)) <= set(targets)


def test_every_command_has_an_example() -> None:
    assert [
        path for path, command in leaves(ROOT) if not re.search(rf"Examples?: `(\S+=\S+ )*{path}\b", command.help or "")
    ] == []


def test_whatever_lists_or_shows_has_json() -> None:
    showing = {path for path, command in leaves(ROOT) if SHOWS.match(command.help or "")} - NO_DATA
    have = {path for path, command in leaves(ROOT) for option in command.params if "--json" in option.opts}
    assert showing <= have, showing - have


def test_one_name_for_who_does_it_and_for_each_end_of_a_span() -> None:
    options = {(path, tuple(option.opts)) for path, command in leaves(ROOT) for option in command.params}
    names = {opts for _, opts in options}
    assert [opts for opts in names if "--author" in opts and opts[0] != "--as"] == []
    assert [opts for opts in names if "--until" in opts and opts[0] != "--to"] == []
    begins = {path for path, opts in options if opts[0] == "--from"}
    assert begins <= {path for path, opts in options if opts[0] == "--to"}


def test_the_version_is_that_of_the_package() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"oso_dagster {version('oso-dagster')}\n"


def test_the_help_of_the_whole_is_in_three_groups() -> None:
    panels = {command.rich_help_panel for command in ROOT.commands.values()}  # type: ignore[attr-defined]
    assert panels == {"Use", "Operate", "Develop"}
