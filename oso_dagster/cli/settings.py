"""`oso settings`: every variable that is read, what it means, and what it is now."""

from __future__ import annotations

from pydantic import SecretStr
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from oso_dagster.settings import PREFIX, read_settings
from oso_dagster.sources import catalogue


def show() -> None:
    """List every setting with its meaning and its value; secrets are shown as set or unset, never as they are.

    Example: `OSO_WORLD=sandbox oso settings`
    """
    settings = read_settings(catalogue())
    table = Table(Column("variable", no_wrap=True), "now", "meaning", box=SIMPLE_HEAD)
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        shown = "set, hidden" if isinstance(value, SecretStr) else "default" if value is None else str(value)
        table.add_row(f"{PREFIX}{name.upper()}", shown, field.description or "")
    Console().print(table)
