"""`oso keys`: what it prints, and that the key is printed once."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from oso_dagster.cli import app
from oso_dagster.settings import Settings


@pytest.fixture
def oso(make_settings: Callable[..., Settings]) -> Callable[..., str]:
    make_settings(OSO_WORLD="sandbox")

    def run(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["keys", *words])
        assert done.exit_code == code, done.output
        return done.stdout

    return run


def test_a_key_is_made_shown_once_and_revoked(oso: Callable[..., str]) -> None:
    text = oso("create", "a [bold]notebook[/bold]", "--days", "0", "--scope", "sql").strip()
    assert text.startswith("oso_")
    listed = json.loads(oso("list", "--json"))
    assert [(key["name"], key["scopes"], key["expires_at"]) for key in listed] == [("a [bold]notebook[/bold]", ["sql"], None)]
    assert text not in json.dumps(listed)
    assert "[/bold]" in oso("list")
    assert "revoked" in oso("revoke", listed[0]["id"])
    assert json.loads(oso("list", "--json"))[0]["revoked_at"] is not None
    oso("revoke", "nobody", code=2)
    oso("create", "x", "--scope", "everything", code=2)
