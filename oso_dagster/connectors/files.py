"""Fetching one file over http(s) or from `file://`: whole or not at all, retried within bounds."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from oso_dagster.domain.redaction import redact

USER_AGENT = "oso_dagster (+https://github.com/opensource-observer)"
_TIMEOUT_SECONDS = 60
_ATTEMPTS = 4


class FileError(Exception):
    """The file could not be fetched; the message names the address, the cause and what to do next."""


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
    """Connection errors, 429 and 5xx are tried again with growing pauses; Retry-After is honoured by dlt's client."""
    from dlt.sources.helpers import requests  # noqa: PLC0415

    client = requests.Client(request_timeout=_TIMEOUT_SECONDS, request_max_attempts=_ATTEMPTS, request_backoff_factor=0.5)
    try:
        response = client.get(url, headers={"User-Agent": USER_AGENT})
        response.raise_for_status()
    except requests.RequestException as error:
        raise FileError(f"{redact(url)}: {redact(str(error))}. Check the address of the source, then run again.") from error
    finally:
        client.session.close()
    content: bytes = response.content
    announced = response.headers.get("Content-Length")
    if announced is not None and "Content-Encoding" not in response.headers and int(announced) != len(content):
        raise FileError(f"{redact(url)}: {len(content)} of {announced} bytes came; the transfer was cut. Run again.")
    return content
