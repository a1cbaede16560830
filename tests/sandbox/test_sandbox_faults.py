"""`oso sandbox fault`: what a person sets spoils the answers, and clearing it mends them."""

from __future__ import annotations

from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from typer.testing import CliRunner

from oso_dagster.cli.sandbox import app
from oso_dagster.sandbox import lifecycle
from oso_dagster.settings import Settings
from oso_dagster.settings import World as WhichWorld

RUNNER = CliRunner()


def test_a_fault_is_set_listed_spent_and_cleared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSO_HOME", str(tmp_path / "home"))
    with lifecycle.running(Settings(home=tmp_path / "home", world=WhichWorld.SANDBOX)) as endpoints:
        url = endpoints["growthepie_url"]
        set_one = ["fault", "set", "growthepie", "status", "--status", "503", "--times", "1"]
        assert RUNNER.invoke(app, set_one).output == "growthepie: status, 1 more times\n"
        with pytest.raises(HTTPError, match="503"):
            urlopen(url, timeout=10)
        with urlopen(url, timeout=10) as answer:
            assert answer.status == 200
        RUNNER.invoke(app, ["fault", "set", "growthepie", "html"])
        with urlopen(url, timeout=10) as answer:
            assert b"Please log in" in answer.read()
        assert "growthepie: html, until it is cleared" in RUNNER.invoke(app, ["fault", "list"]).output
        assert RUNNER.invoke(app, ["fault", "clear", "growthepie"]).output == "no faults are set\n"
        for wrong, words in [(["nobody", "html"], "no family 'nobody'"), (["npm", "gremlins"], "no fault is called 'gremlins'")]:
            failed = RUNNER.invoke(app, ["fault", "set", *wrong])
            assert failed.exit_code == 1
            assert words in failed.stderr
    assert "the sandbox world is down" in RUNNER.invoke(app, ["fault", "list"]).stderr
