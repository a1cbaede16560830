"""Looking at an endpoint as a person would: a few slow requests, each reported as it came, whatever it says.

No retry, no redirect followed, no credentials but those that are handed in, the beginning of the body only. For loads there is
`rest`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from oso_dagster.connectors.http.rest_errors import cause

_AGENT = "oso_dagster live check (https://github.com/opensource-observer/oso)"
_CHUNK = 65_536
_TIMEOUT = 60.0
_HERE = frozenset({"127.0.0.1", "localhost", "::1"})


class GlanceError(Exception):
    """No answer came, or none may be asked for any more; the message says why."""


@dataclass(frozen=True)
class Glance:
    """One answer: status, headers (names in lower case), the beginning of the body, whether that is all, and seconds it took."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool
    seconds: float


class Glancer:
    """Asks at most `most` times in all, `pause` seconds apart; this machine is asked without pauses."""

    def __init__(self, most: int = 60, pause: float = 1.0) -> None:
        self.left = most
        self._pause = pause
        self._session = requests.Session()
        self._session.trust_env = False  # no netrc
        self._asked = False

    def look(
        self,
        url: str,
        document: Any = None,
        headers: Mapping[str, str] | None = None,
        most_bytes: int = 1_000_000,
    ) -> Glance:
        """GET `url`, or POST `document` to it as JSON. Raises GlanceError."""
        if self.left < 1:
            raise GlanceError("no more requests are allowed in this check")
        self.left -= 1
        self.rest(self._pause if self._asked else 0.0, url)
        self._asked = True
        begun = time.monotonic()
        try:
            with self._session.request(
                "GET" if document is None else "POST",
                url,
                json=document,
                headers={"User-Agent": _AGENT, "Accept": "*/*"} | dict(headers or {}),
                timeout=_TIMEOUT,
                stream=True,
                allow_redirects=False,
            ) as answer:
                body, whole = _beginning(answer, most_bytes, begun + _TIMEOUT)
        except (requests.RequestException, OSError) as error:
            raise GlanceError(f"no answer: {cause(error)}") from None
        named = {name.lower(): value for name, value in answer.headers.items()}
        return Glance(answer.status_code, named, body, whole, time.monotonic() - begun)

    def rest(self, seconds: float, url: str) -> None:
        """Wait before `url` is asked, unless it is on this machine."""
        if urlsplit(url).hostname not in _HERE:
            time.sleep(seconds)


def _beginning(answer: requests.Response, most: int, deadline: float) -> tuple[bytes, bool]:
    """The body without its content encoding, as far as `most` bytes and the time go, and whether that is all of it."""
    chunks: list[bytes] = []
    size = 0
    for chunk in answer.iter_content(_CHUNK):
        chunks.append(chunk)
        size += len(chunk)
        if size >= most or time.monotonic() > deadline:
            return b"".join(chunks)[:most], False
    return b"".join(chunks), True
