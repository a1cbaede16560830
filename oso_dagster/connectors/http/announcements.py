"""What a server announces in the headers of an answer: a deprecation, the last day of an endpoint, a warning for people.

Headers: Deprecation (RFC 9745: `@` and seconds since 1970; older servers say `true` or a date), Sunset (RFC 8594, a date),
Warning (RFC 9111 withdrew it; servers still send 199 and 299 with a text), Link with `rel="deprecation"` or `rel="sunset"`. What
changes without a word is noted too: the version that an answer says it is of, and whether it can be asked for conditionally.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from oso_dagster.domain.catalogue.notices import UpstreamNotes

if TYPE_CHECKING:
    import requests

_MESSAGE = re.compile(r"\b[12]99\s+\S+\s+\"(?P<text>[^\"]{1,300})")
_VERSIONS = ("X-GitHub-Api-Version-Selected", "X-API-Version", "API-Version")
_HABITUAL = frozenset({HTTPStatus.OK, HTTPStatus.NOT_MODIFIED})
_LONGEST = 60
_ABOUT = re.compile(r"<(?P<url>[^>]{1,300})>\s*;[^,]*\brel=\"?(?:deprecation|sunset)\b")


def listen(notes: UpstreamNotes, host: str, response: requests.Response) -> None:
    """Note what an answer of `host` announces and what it is like."""
    headers, sent = response.headers, response.request.headers
    for text in announced(headers):
        notes.announce(host, text)
    if response.status_code not in _HABITUAL:
        return
    for name in _VERSIONS:
        if name in headers:
            notes.version(host, name, headers[name][:_LONGEST])
    if response.request.method == "GET":
        unchanged = response.status_code == HTTPStatus.NOT_MODIFIED
        notes.answered(host, tagged="ETag" in headers, conditional="If-None-Match" in sent, unchanged=unchanged)


def announced(headers: Mapping[str, str]) -> Iterator[str]:
    """Each announcement in one line, with its date as `2026-11-30` where it has one."""
    about = _ABOUT.search(headers.get("Link", ""))
    see = f" ({about['url']})" if about else ""
    if date := headers.get("Deprecation", "").strip():
        day = _day(date)
        yield f"deprecated since {day}{see}" if day else f"deprecated{see}"
    if date := headers.get("Sunset", "").strip():
        yield f"will not answer after {_day(date) or date[:80]}{see}"
    for warning in _MESSAGE.finditer(headers.get("Warning", "")):
        yield f"warns: {warning['text']}"


def _day(text: str) -> str | None:
    if text.startswith("@") and text[1:].isdigit():
        return datetime.fromtimestamp(int(text[1:]), UTC).date().isoformat()
    try:
        return parsedate_to_datetime(text).date().isoformat()
    except ValueError:
        return None
