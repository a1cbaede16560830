"""The API keys of the settings' world, in a file beside its other stores, and their copies."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from oso_dagster.serving.access.keys import Keys
from oso_dagster.settings import Settings


def keys_of(settings: Settings) -> Keys:
    """Open the keys, and make their file if there is none."""
    return _opened(_file(settings))


def upgrade_keys(settings: Settings) -> str:
    """Make what this version's keys need and the file lacks; in words, what was done. Without a file, none is made."""
    if not _file(settings).exists():
        return "the door has no keys yet: `oso keys create` makes the first"
    keys_of(settings).close()
    return "the keys of the door are up to date"


def copy_keys(settings: Settings, target: Path) -> str:
    """The keys, as they are at one instant, into the new file `target`; in words, what was copied. They are hashes alone."""
    if not _file(settings).exists():
        return "the door has no keys yet"
    with closing(keys_of(settings)) as keys, closing(_opened(target)) as copy:
        return f"{copy.take(keys):,} keys of the door"


def restore_keys(settings: Settings, source: Path) -> str:
    """Add the keys of a copy to those that are there, which stay as they are; in words, what was done.

    A key that was revoked after the copy was made is of use again where nothing else remembers it: `oso keys list` shows it.
    """
    if not source.exists():
        return "the copy holds no keys of the door"
    with closing(_opened(source)) as copy, closing(keys_of(settings)) as keys:
        return f"{keys.take(copy):,} keys of the door"


def _file(settings: Settings) -> Path:
    return settings.world_dir / "serving.db"


def _opened(file: Path) -> Keys:
    return Keys(f"sqlite:///{file}")
