"""Fetching one file over http(s) or from `file://`: whole or not at all, retried within bounds."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from oso_dagster.connectors.http.pacing import Limits
from oso_dagster.domain.catalogue.loading import RefusedError
from oso_dagster.domain.redaction import redact

LIMITS = Limits(attempts=4, pause=0.5, timeout=300)
"""How patient we are with a file; seconds."""


class FileError(Exception):
    """The file could not be fetched; the message names the address, the cause and what to do next."""


class MissingFileError(FileError, RefusedError):
    """The server does not give the file, however often it is asked: it is not retried."""


def fetch(url: str) -> bytes:
    """The content of `url`. Raises FileError; an incomplete body is an error, never a shorter file."""
    scheme = urlsplit(url).scheme
    if scheme == "file":
        return _read(Path(url2pathname(urlsplit(url).path)))
    if scheme in {"http", "https"}:
        return _get(url)
    raise FileError(f"{redact(url)}: only http, https and file addresses can be fetched, not {scheme!r}")


def fingerprint(content: bytes) -> str:
    """A name for exactly this content."""
    return f"sha256:{sha256(content).hexdigest()}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileError(f"file://{path}: {error.strerror}. Check the address of the source, then run again.") from error


def _get(url: str) -> bytes:
    """As every HTTP request: tried again with growing pauses, `Retry-After` honoured, never half a file, never for ever."""
    from oso_dagster.connectors.http.rest import Client, DeniedError, RestError  # noqa: PLC0415  (requests loads when used)

    try:
        return Client(limits=LIMITS).content(url)
    except DeniedError as error:
        raise MissingFileError(str(error)) from None
    except RestError as error:
        raise FileError(str(error)) from None
