"""Puts the files of the page into a folder so that a reader never sees half of one, whatever happens to the writer."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from oso_dagster.statuspage.published_files import MANIFEST, listed, listing, require_inside

_UNFINISHED = ".unfinished-"
_ABANDONED_SECONDS = 3600
_WRITERS = 16
_READABLE = 0o644


def publish(files: Mapping[str, str], folder: Path) -> None:
    """Replace each file as a whole, the last one after all others: let it be the page that links to them.

    Several at once: each waits for the disk by itself. Files of an earlier page that are not named any more are removed last;
    other files stay. Raises ValueError for a name that leaves the folder, before anything is written.
    """
    require_inside(files)
    manifest = folder / MANIFEST
    before = listed(manifest.read_text(encoding="utf-8")) if manifest.is_file() else frozenset()
    folders = {(folder / name).parent for name in files} | {folder}
    for parent in folders:
        parent.mkdir(parents=True, exist_ok=True)
    if not before.issuperset(files):  # killed from here on, the next page knows what lies here
        _replace(manifest, listing(before.union(files)).encode())
    *others, last = files
    with ThreadPoolExecutor(_WRITERS) as pool:
        list(pool.map(lambda name: _replace(folder / name, files[name].encode()), others))
    _replace(folder / last, files[last].encode())
    if not before.issubset(files):
        for name in before.difference(files):
            (folder / name).unlink(missing_ok=True)
        _replace(manifest, listing(files).encode())
    for parent in sorted(folders):
        _sweep(parent)
        _sync(parent)


def _replace(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=_UNFINISHED)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), _READABLE)
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _sweep(folder: Path) -> None:
    """Remove what a killed writer left, by age: another writer may be at work now."""
    newest = folder.stat().st_mtime
    for leftover in folder.glob(f"{_UNFINISHED}*"):
        with contextlib.suppress(FileNotFoundError):  # its writer has just finished
            if newest - leftover.stat().st_mtime > _ABANDONED_SECONDS:
                leftover.unlink()


def _sync(folder: Path) -> None:
    """The name of the file is durable only once its folder is."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
