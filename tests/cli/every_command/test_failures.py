"""What a person can put right is one line, whatever it comes wrapped in; a broken source file stops only what needs sources."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from oso_dagster import sources
from oso_dagster.cli import app, main
from oso_dagster.cli.session.failures import one_line
from oso_dagster.settings import Settings
from oso_dagster.sources import catalogue

OBJECTIVE = "core_source_data.data_freshness"
USING_THE_STORE = [
    ["sprint", "list"],
    ["sprint", "show", OBJECTIVE],
    ["sprint", "ack", OBJECTIVE],
    ["sprint", "assign", OBJECTIVE, "ada"],
    ["sprint", "note", OBJECTIVE, "x"],
    ["slo", "record", "public_applications.requests", "--good", "1", "--valid", "1"],
    ["slo", "repair"],
    ["slo", "maintenance", "list"],
    ["slo", "maintenance", "log"],
    ["slo", "maintenance", "end", "sqlmesh"],
    ["slo", "maintenance", "cancel", "sqlmesh"],
    ["status", "announce", "x"],
    ["status", "announcements"],
    ["status", "withdraw", "1"],
    ["sources", "list"],
    ["alerts", "digest"],
]


def oso(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["oso", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out + captured.err


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize("command", USING_THE_STORE, ids=" ".join)
def test_a_postgres_that_is_away_is_one_line(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OSO_RELIABILITY_URL", "postgresql+psycopg2://ada:hunter2@127.0.0.1:9/oso")
    code, words = oso(monkeypatch, capsys, *command)
    assert code == 1
    assert words.startswith("oso: ")
    assert "the database does not answer" in words
    assert words.count("\n") == 1
    assert "hunter2" not in words


def test_a_home_that_is_a_file_or_cannot_be_written_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("OSO_HOME", str(tmp_path / "file"))
    for command in (["sprint", "list"], ["slo", "maintenance", "list"], ["slo", "report"]):
        code, words = oso(monkeypatch, capsys, *command)
        assert (code, words.count("\n")) == (1, 1), words
        assert "set OSO_HOME to" in words


@pytest.mark.parametrize(
    ("number", "step"), [(errno.ENOSPC, "free some space"), (errno.EROFS, "set OSO_HOME"), (errno.EACCES, "fix the permissions")]
)
def test_a_full_or_read_only_disk_is_one_line_however_deep_it_lies(number: int, step: str) -> None:
    failed = RuntimeError("a load failed")
    failed.__cause__ = OSError(number, os.strerror(number), "/x/y")
    line = one_line(failed)
    assert line is not None
    assert step in line
    assert "/x/y" in line


def test_a_fault_of_the_program_keeps_its_traceback() -> None:
    assert one_line(ValueError("x")) is None


def test_a_broken_source_file_is_named_and_stops_no_command_that_needs_no_source(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken_one.py").write_text("x = 1\ny = x.nothing\n")
    monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(tmp_path)])
    catalogue.cache_clear()
    try:
        assert oso(monkeypatch, capsys, "sprint", "list") == (0, "no sprint is open\n")
        code, words = oso(monkeypatch, capsys, "sources", "list")
        assert code == 1
        assert words == "oso: broken_one.py, line 2: AttributeError: 'int' object has no attribute 'nothing'\n"
    finally:
        catalogue.cache_clear()
        sys.modules.pop("oso_dagster.sources.broken_one", None)
    assert app.registered_callback
