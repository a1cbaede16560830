"""Walking through pages without being led in circles: a cursor or a page that comes again is an error, not an endless load."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from oso_dagster.connectors.answers import AnswerError

_MOST = 100_000
_LONGEST_SECONDS = 2 * 3600.0
"""How long a walk may take: endless pages end by time, long before there are too many of them."""


@dataclass(frozen=True)
class Page:
    """The records of one page, where the next one begins (None after the last), and the announced total, if any."""

    records: list[Any]
    next: str | int | None
    total: int | None = None


def walk(
    fetch: Callable[[str | int | None], Page],
    *,
    first: str | int | None = None,
    most: int = _MOST,
    seconds: float = _LONGEST_SECONDS,
) -> Iterator[Any]:
    """Every record of every page.

    Raises AnswerError for a cursor or a page seen before, too many pages, more time than `seconds`, or a wrong total.
    """
    until = time.monotonic() + seconds
    cursor, cursors, pages, count, total = first, {first}, set[str](), 0, None
    for number in range(1, most + 1):
        page = fetch(cursor)
        content = sha256(json.dumps(page.records, sort_keys=True).encode()).hexdigest()
        if page.records and content in pages:
            raise AnswerError(f"page {number} is a duplicate of an earlier page; the paging of the endpoint is broken")
        pages.add(content)
        count, total = count + len(page.records), page.total
        yield from page.records
        if page.next is None:
            break
        if page.next in cursors:
            raise AnswerError(f"the cursor {str(page.next)[:40]!r} came a second time, after page {number}: the pages loop")
        if time.monotonic() > until:
            raise AnswerError(f"the pages have not ended within {seconds:,.0f} s, after page {number}; does their paging end?")
        cursors.add(page.next)
        cursor = page.next
    else:
        raise AnswerError(f"there are more than {most:,} pages; is the paging of the endpoint broken?")
    if total is not None and count != total:
        raise AnswerError(f"the pages hold {count:,} records where {total:,} were announced")


def by_offset(fetch: Callable[[int], tuple[list[Any], int | None]], size: int) -> Callable[[str | int | None], Page]:
    """A fetcher by offset as one by cursor: the next page begins where this one ends, until one is not full.

    `fetch` gives the records from an offset and the announced total, or None.
    """

    def page(cursor: str | int | None) -> Page:
        begin = int(cursor or 0)
        records, total = fetch(begin)
        more = len(records) == size if total is None else bool(records) and begin + len(records) < total
        return Page(records, begin + len(records) if more else None, total)

    return page
