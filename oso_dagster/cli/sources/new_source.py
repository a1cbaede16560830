"""The file of a new source: written from a template, and only when the catalogue would be whole with it."""

from __future__ import annotations

import re
from pathlib import Path
from string import Template
from typing import Any

from oso_dagster import sources
from oso_dagster.settings import settings_model

_TEMPLATE = Path(__file__).with_name("source_template.txt")
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


def write(name: str, title: str, folder: Path | None = None) -> Path:
    """Write `<name>.py` into the folder of the catalogue; where it lies. Raises ValueError, and then nothing was written."""
    if not _NAME.match(name):
        raise ValueError(f"{name!r} is no name of a source: lower-case snake_case only, such as coffee_prices")
    if not title.isprintable() or not title.strip() or {'"', "\\"} & set(title):
        raise ValueError(f"{title!r} is no title: one line without double quotes and backslashes is expected")
    path = (folder or Path(sources.__path__[0])) / f"{name}.py"
    if path.exists():
        raise ValueError(f"{path.name} is there already: oso sources show {name}")
    text = Template(_TEMPLATE.read_text()).substitute(name=name, title=title.strip())
    _check(name, text)
    with path.open("x") as file:
        file.write(text)
    return path


def _check(name: str, text: str) -> None:
    """Whether the platform would start with the file: the source's own rules, and those of all settings together."""
    made: dict[str, Any] = {"__name__": f"{sources.__name__}.{name}"}
    exec(compile(text, f"{name}.py", "exec"), made)  # noqa: S102  (the text is our own template)
    settings_model((*sources.catalogue(), made["SOURCE"]))
