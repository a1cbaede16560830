"""Writes to the ledger while its caller goes on: a server does most of that work by itself, and needs no waiting for.

Belongs here: when something is written. What is written, and how, is `ledger`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from oso_dagster.domain.objectives.attempts import Attempt
from oso_dagster.reliability.ledger.attempt_rows import StoredRow
from oso_dagster.reliability.ledger.run_rows import RunRow

Record = Callable[[Sequence[RunRow], Sequence[Attempt], Sequence[StoredRow]], None]
"""Writes what was found in some runs, as a whole or not at all; the rows of attempts that are plainly good last."""


@contextmanager
def in_background(record: Record) -> Iterator[Record]:
    """A call waits for the one before it and returns; what went wrong is raised by the next one, or at the end."""
    under_way: list[Future[Any]] = []

    def ended() -> None:
        while under_way:
            under_way.pop().result()

    with ThreadPoolExecutor(1, "ledger") as pool:

        def begin(run_rows: Sequence[RunRow], new_attempts: Sequence[Attempt], good: Sequence[StoredRow]) -> None:
            ended()
            under_way.append(pool.submit(record, run_rows, new_attempts, good))

        yield begin
        ended()
