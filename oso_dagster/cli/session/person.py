"""Who gives a command: the name that stands in the history of what people do."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from oso_dagster.cli.session.terminal import refusal

Who = Annotated[
    str | None, typer.Option("--as", "--author", help="Your name, for the history. Default: the one you are logged in with.")
]
"""The option of every command that is remembered with a name; `--author` is what some were called before."""


def person(name: str | None) -> str:
    """The name that was given, else that of the login; a refusal where there is neither, as for the user of some containers."""
    try:
        return (name or "").strip() or getpass.getuser()
    except (KeyError, OSError):
        raise refusal("the user of this process has no name: give yours with --as") from None
