"""Following a redirect: only of a request that reads, and never with what was meant for the first host alone.

A library takes away `Authorization` when the host changes, and no other header that may carry a token; here all headers of a
client stay with the host that they were meant for. A permanent move to another host is noted: the address of the source is to be
changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from oso_dagster.domain.catalogue.notices import UpstreamNotes

if TYPE_CHECKING:
    import requests

_MOST = 5
_PERMANENT = frozenset({HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.PERMANENT_REDIRECT})
_TO_ANYONE = frozenset({"accept", "accept-encoding", "range", "user-agent"})
"""The headers that say nothing of who asks."""


def no_netrc(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    """An explicit, empty authentication: no credentials of whoever runs this are sent along."""
    return prepared


def same_origin(url: str, other: str) -> bool:
    """Whether two addresses have scheme, host and port in common: what is meant for one may be sent to the other."""
    there, here = urlsplit(url), urlsplit(other)
    return (there.scheme, there.netloc) == (here.scheme, here.netloc)


@contextmanager
def followed(
    session: requests.Session, method: str, url: str, options: Mapping[str, Any], notes: UpstreamNotes
) -> Iterator[requests.Response]:
    """The answer at `url`, or where it sends a GET on to; open inside the block.

    A POST is not sent on: its body is meant for one address. Raises requests.TooManyRedirects, and requests.InvalidURL for a
    redirect from https to http.
    """
    from requests.exceptions import InvalidURL, TooManyRedirects  # noqa: PLC0415  (loads with the first request)

    first, options = urlsplit(url), dict(options)
    for _ in range(_MOST + 1):
        with session.request(method, url, allow_redirects=False, **options) as response:
            target = response.headers.get("Location") if response.is_redirect and method == "GET" else None
            if target is None:
                yield response
                return
            permanent = response.status_code in _PERMANENT
        there = urlsplit(urljoin(url, target))
        if there.scheme != "https" and first.scheme == "https":
            raise InvalidURL(f"a redirect leads from https to {there.scheme}")
        if not same_origin(there.geturl(), first.geturl()):
            kept = {name: value for name, value in options["headers"].items() if name.lower() in _TO_ANYONE}
            options["headers"] = kept
            if permanent:
                notes.announce(first.netloc, f"moved for good to {there.netloc}")
        options.pop("params", None)
        url = there.geturl()
    raise TooManyRedirects(f"more than {_MOST} redirects")
