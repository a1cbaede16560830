"""A question that only a live request can answer, who is asked and with what, and how an answer is put in a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from oso_dagster.connectors.http.glance import Glance, Glancer

SHOWN = 160
"""So much of an error's body is shown."""
_TELLING = ("retry-after", "last-modified", "deprecation", "sunset", "warning", "x-ratelimit-limit", "server")
"""Headers that are worth a line, where an answer has them."""


@dataclass(frozen=True)
class Asked:
    """Who is asked and with what: the source's settings, clients built for it, the time, and a bounded hand for requests."""

    settings: Mapping[str, str] = field(repr=False)
    clients: Mapping[str, Any] = field(repr=False)
    now: datetime
    glancer: Glancer

    @property
    def url(self) -> str:
        """The source's address, without a slash at its end."""
        return self.settings["url"].rstrip("/")


@dataclass(frozen=True)
class Question:
    """One question by name. `ask` gives its answer in lines; what it raises is an answer too."""

    name: str
    text: str
    ask: Callable[[Asked], Iterator[str]]


def plain(glance: Glance) -> str:
    """An answer in a line: status, size, time, the headers that matter, and the beginning of an error's body."""
    parts = [f"{glance.status}", f"{len(glance.body):,} bytes{'' if glance.whole else ' and more'}", f"{glance.seconds:.2f} s"]
    parts += [f"{name}: {glance.headers[name]}" for name in _TELLING if name in glance.headers]
    if "location" in glance.headers:  # its query may be a signature, which lets anybody in
        target = urlsplit(glance.headers["location"])
        parts.append(f"location: {target.scheme}://{target.netloc}{target.path}{' with a query' if target.query else ''}")
    error = " ".join(glance.body[:SHOWN].decode("utf-8", "replace").split()) if glance.status >= 400 else ""  # noqa: PLR2004
    return "; ".join(parts) + (f"; `{error}`" if error else "")
