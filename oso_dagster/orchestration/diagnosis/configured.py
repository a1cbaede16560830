"""Is it configured: the home, the keys that sources take, the alert channels, the versions of the libraries."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from oso_dagster.domain.catalogue.setting import Setting, SettingKind
from oso_dagster.domain.catalogue.source import Source
from oso_dagster.orchestration.diagnosis.finding import Finding, Question, State
from oso_dagster.settings import PROJECT_ROOT, Settings, World
from oso_dagster.settings.platform import field_of

_ASKED = Question.CONFIGURED
_LEAST_FREE = 2 * 1024**3
"""Bytes of disk under which a load or a transformation may not find the room that it works in."""
_PINNED = ("dagster", "dlt", "sqlmesh", "duckdb", "sqlglot", "sqlalchemy", "pandas", "pyarrow")
"""The libraries that break each other when they float."""


def home(settings: Settings) -> Iterator[Finding]:
    """Where everything lies, whether it can be written, and how much room is left."""
    folder = settings.home.absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(existing, os.W_OK):
        step = "fix its permissions, or set OSO_HOME to a folder that can be written"
        yield Finding(_ASKED, "home", State.ERROR, f"{existing} cannot be written", step)
        return
    free = shutil.disk_usage(existing).free
    text = f"{settings.world.value} world, {settings.profile.value} profile, in {folder}; {free / 1024**3:,.1f} GiB free"
    if free < _LEAST_FREE:
        step = f"free some space: {settings.cache_dir} may be deleted at any time"
        yield Finding(_ASKED, "home", State.WARNING, text, step)
    else:
        yield Finding(_ASKED, "home", State.OK, text)


def secrets(settings: Settings, sources: Sequence[Source]) -> Iterator[Finding]:
    """Keys that a source takes and that are not set. The sandbox needs none."""
    if settings.world is World.SANDBOX:
        yield Finding(_ASKED, "keys of sources", State.OK, "the sandbox needs none")
        return
    for source in sources:
        if source.retired is not None:
            continue
        values = settings.of_source(source)
        for spec in source.settings:
            if spec.kind is SettingKind.SECRET:
                yield _key(source.name, f"OSO_{field_of(source, spec).upper()}", spec, is_set=spec.name in values)


def _key(source: str, variable: str, spec: Setting, *, is_set: bool) -> Finding:
    """An address that holds a password is needed; every other key only makes a source faster, or opens what is private."""
    if is_set:
        return Finding(_ASKED, source, State.OK, f"{variable} is set")
    text = f"{variable} is not set: {spec.description}"
    if spec.endpoint:
        return Finding(_ASKED, source, State.WARNING, text, f"set {variable}: without it no table of {source} loads")
    return Finding(_ASKED, source, State.OFF, text)


def channels(settings: Settings) -> Iterator[Finding]:
    """Where alerts go."""
    names = [channel.route.name for channel in settings.channels()]
    if names:
        yield Finding(_ASKED, "alerts", State.OK, f"go to {', '.join(names)}")
    else:
        step = "set OSO_DISCORD_URL to a webhook of the channel, then run `oso alerts test`"
        yield Finding(_ASKED, "alerts", State.WARNING, "go to the log only: no Discord channel is set", step)


def libraries(lock: Path = PROJECT_ROOT / "requirements.lock") -> Iterator[Finding]:
    """Whether the libraries that break each other have the versions of the lock, where it is at hand."""
    if not lock.exists():
        yield Finding(_ASKED, "libraries", State.OFF, "installed without the lock beside it: versions are not compared")
        return
    pins = dict(
        line.split(" ", 1)[0].split(";")[0].split("==", 1)
        for line in lock.read_text().splitlines()
        if "==" in line.split(" ", 1)[0]
    )
    different = [
        f"{name} {_installed(name)}, not {pins[name]}" for name in _PINNED if name in pins and _installed(name) != pins[name]
    ]
    if different:
        yield Finding(
            _ASKED, "libraries", State.WARNING, "; ".join(different), "run `.ci/setup`: it installs what the lock names"
        )
    else:
        yield Finding(_ASKED, "libraries", State.OK, f"as locked: {', '.join(f'{name} {pins[name]}' for name in _PINNED[:4])}")


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"
