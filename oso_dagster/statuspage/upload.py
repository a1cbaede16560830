"""Puts the files of the page into an object store, through fsspec. A store replaces an object as a whole: no reader sees half."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from mimetypes import guess_type

import fsspec

from oso_dagster.statuspage.addresses import INDEX
from oso_dagster.statuspage.publish import require_inside

_TYPES = {".atom": "application/atom+xml"}
_TYPE_ARGUMENT = {"gs": "content_type", "gcs": "content_type", "s3": "ContentType", "s3a": "ContentType"}
"""What each store's driver calls the content type; others take it from the name."""


def upload(files: Mapping[str, str], url: str) -> None:
    """Replace each object below `url`, the first page last, so that it never links to what is not there yet.

    Credentials come from the driver's own environment. Raises ImportError when the scheme's driver is not installed, and
    ValueError for a name that leaves the folder, before anything is written.
    """
    require_inside(files)
    store, base = fsspec.core.url_to_fs(url)
    argument = _TYPE_ARGUMENT.get(url.split("://", 1)[0])
    if argument is None:
        for folder in {f"{base}/{name}".rpartition("/")[0] for name in files}:
            store.makedirs(folder, exist_ok=True)
    for kind, names in groupby(sorted(files, key=_order), key=content_type):
        content = {f"{base}/{name}": files[name].encode() for name in names}
        store.pipe(content, **({argument: kind} if argument else {}))


def content_type(name: str) -> str:
    """The media type of a file of the page, with its character set."""
    found = _TYPES.get(name[name.rfind(".") :]) or guess_type(name)[0] or "application/octet-stream"
    return f"{found}; charset=utf-8"


def _order(name: str) -> tuple[bool, str, str]:
    return name == INDEX, content_type(name), name
