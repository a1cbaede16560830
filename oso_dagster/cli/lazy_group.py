"""A group of commands whose modules load when one of them is used: its help is written from what is declared of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup


class LazyCommand(NamedTuple):
    """What the help of a group says of a command, and where the command is."""

    place: str
    """`package.module:name` of a function, or of a Typer with commands of its own."""
    panel: str
    """The title under which the help lists it."""
    help: str
    """The first paragraph of its own help."""


class LazyGroup(TyperGroup):
    """A group made of `LAZY_COMMANDS`, which a class below it sets."""

    LAZY_COMMANDS: Mapping[str, LazyCommand]

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes | {"commands": {}})
        self._attributes = attributes
        self.commands: Any = _LoadedWhenUsed(self.LAZY_COMMANDS)

    def list_commands(self, _ctx: Any) -> list[str]:
        """The names, in the order of their declaration."""
        return list(self.LAZY_COMMANDS)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, with no command loaded."""
        self._outline().format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """What a name may go on with, with no command loaded."""
        return self._outline().shell_complete(ctx, incomplete)

    def _outline(self) -> TyperGroup:
        """This group with commands that can say what they do, and do nothing."""
        commands = {
            name: TyperCommand(name=name, help=command.help, rich_help_panel=command.panel)
            for name, command in self.LAZY_COMMANDS.items()
        }
        outline = TyperGroup(**self._attributes | {"commands": commands})
        outline.params = self.params
        return outline


class _LoadedWhenUsed(Mapping[str, Any]):
    """Commands by name, each made from its module when it is asked for."""

    def __init__(self, declared: Mapping[str, LazyCommand]) -> None:
        self._declared = declared
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = _load(name, self._declared[name])
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._declared)

    def __len__(self) -> int:
        return len(self._declared)


def _load(name: str, command: LazyCommand) -> Any:
    module, _, attribute = command.place.partition(":")
    target = getattr(import_module(module), attribute)
    parent = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    if isinstance(target, typer.Typer):
        parent.add_typer(target, name=name, rich_help_panel=command.panel)
    else:
        parent.command(name, rich_help_panel=command.panel)(target)
    return typer.main.get_group(parent).commands[name]
