"""What every command prints with: text as it is, never as markup, escape sequence or emoji, and tables that cut nothing.

The only place that makes a console. Text from outside (causes, reasons, names, addresses) may go into any cell or line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text

from oso_dagster.domain.printable import printable

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
"""The option of every command that lists or shows something."""


class _Console(Console):
    """Prints strings as they are, with what would act on the terminal spelled out."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(printable(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The same for what was no string: a Text of our own, a progress bar's description."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


def console(*, stderr: bool = False) -> Console:
    """The console of a command. Style is given by `style=` or a `Text`, never by signs in the text."""
    return _Console(markup=False, emoji=False, highlight=False, stderr=stderr)


def say(text: str, *, err: bool = False) -> None:
    """A line of plain text, on standard output or standard error."""
    typer.echo(printable(text), err=err)


def say_json(value: Any) -> None:
    """A value as JSON, whose own escapes keep text from outside harmless."""
    typer.echo(json.dumps(value, indent=2).replace("\x7f", "\\u007f"))


def refusal(text: object) -> typer.BadParameter:
    """What the arguments of a command cannot mean, to be raised: exit code 2."""
    return typer.BadParameter(printable(str(text)))


def failure(text: object) -> typer.Exit:
    """Say on standard error what a person can put right, and the exit to be raised: exit code 1."""
    say(f"oso: {text}", err=True)
    return typer.Exit(1)


def listing(*columns: str | Column, title: str | None = None) -> Table:
    """A table without lines whose cells are never cut: what does not fit goes on in the next line."""
    ready = [column if isinstance(column, Column) else Column(column) for column in columns]
    for column in ready:
        column.overflow = "fold"
    return Table(*ready, title=title, box=SIMPLE_HEAD, pad_edge=False, title_justify="left")


def number(header: str) -> Column:
    """A column of numbers."""
    return Column(header, justify="right", no_wrap=True)


def under(name: str, *texts: str) -> RenderableType:
    """A cell of a name, whole on its line, with longer texts under it; empty ones are left out."""
    return Group(Text(printable(name)), *(Padding(Text(printable(text), style="dim"), (0, 0, 0, 2)) for text in texts if text))
