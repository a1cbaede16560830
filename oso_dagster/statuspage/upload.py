"""Puts the files of the page into an object store, through fsspec. A store replaces an object as a whole: no reader sees half."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby
from mimetypes import guess_type
from pathlib import Path
from typing import Any

import fsspec

from oso_dagster.statuspage.addresses import INDEX
from oso_dagster.statuspage.publish import publish
from oso_dagster.statuspage.published_files import MANIFEST, listed, listing, require_inside

CACHE_CONTROL = "public, max-age=60"
"""Stores let readers keep an object for an hour by default: a page of that age would be of no use."""

_TYPES = {".atom": "application/atom+xml"}
_HEADERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "gs": lambda kind: {"content_type": kind, "fixed_key_metadata": {"cache_control": CACHE_CONTROL}},
    "s3": lambda kind: {"ContentType": kind, "CacheControl": CACHE_CONTROL},
    "abfs": lambda _kind: {},
    "memory": lambda _kind: {},
}
"""The stores that are known to replace an object as a whole, and how each one's driver takes type and cache control."""

_ALIASES = {"gcs": "gs", "s3a": "s3", "az": "abfs"}
_BOUNDARY = "--==0=="
"""Where gcsfs ends the part that holds the object: a text that had it would be cut there."""


class StoreError(ValueError):
    """The address is not of a store in which a page can be replaced as a whole."""


def upload(files: Mapping[str, str], url: str) -> None:
    """Replace each object below `url`, the first page last, so that it never links to what is not there yet.

    Objects of an earlier page that are not named any more are removed after that. Credentials come from the driver's own
    environment. Raises ImportError when the scheme's driver is not installed, StoreError for one that cannot replace an object
    as a whole, and ValueError for a name that leaves the folder, before anything is written.
    """
    require_inside(files)
    scheme = url.split("://", 1)[0].lower()
    if scheme == "file":
        publish(files, Path(fsspec.core.url_to_fs(url)[1]))
        return
    headers = _HEADERS.get(_ALIASES.get(scheme, scheme))
    if headers is None:
        raise StoreError(f"{scheme}:// may show half a page while it is written; use file, {', '.join(sorted(_HEADERS))}")
    store, base = fsspec.core.url_to_fs(url)
    manifest = f"{base}/{MANIFEST}"
    before = listed(store.cat_file(manifest).decode()) if store.exists(manifest) else frozenset()

    def put(text: Mapping[str, str], kind: str) -> None:
        store.pipe({f"{base}/{name}": _unbounded(value).encode() for name, value in text.items()}, **headers(kind))

    if not before.issuperset(files):  # killed from here on, the next page knows what lies here
        put({MANIFEST: listing(before.union(files))}, content_type(MANIFEST))
    for (_, kind), names in groupby(sorted(files, key=_order), key=lambda name: _order(name)[:2]):
        put({name: files[name] for name in names}, kind)
    if not before.issubset(files):
        store.rm([f"{base}/{name}" for name in sorted(before.difference(files)) if store.exists(f"{base}/{name}")])
        put({MANIFEST: listing(files)}, content_type(MANIFEST))


def content_type(name: str) -> str:
    """The media type of a file of the page, with its character set."""
    media_type = _TYPES.get(name[name.rfind(".") :]) or guess_type(name)[0] or "application/octet-stream"
    return f"{media_type}; charset=utf-8"


def _order(name: str) -> tuple[bool, str, str]:
    return name == INDEX, content_type(name), name


def _unbounded(text: str) -> str:
    """The same page without the driver's boundary, which a hostile name could hold; in JSON it never begins a line."""
    return text.replace(f"\n{_BOUNDARY}", "\n--=&#61;0==")
