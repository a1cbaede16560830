"""Runs work in a thread and yields its reports in the caller's thread as they come."""

from __future__ import annotations

from collections.abc import Callable, Generator
from queue import SimpleQueue
from threading import Event as Flag
from threading import Thread
from typing import TypeVar

T = TypeVar("T")

Work = Callable[[Callable[[T], None], Callable[[], bool]], None]
"""Takes a function to report with, and one that returns whether to stop."""


def stream(work: Work[T]) -> Generator[T, None, None]:
    """Yield what `work` reports; at its end raise what it raised.

    An interrupt while waiting requests a stop; what the work still reports is yielded before the interrupt is raised
    again. Closing the iterator requests a stop, and waits for the work.
    """
    reports: SimpleQueue[T | _End] = SimpleQueue()
    stop = Flag()

    def run() -> None:
        try:
            work(reports.put, stop.is_set)
        except BaseException as error:  # noqa: BLE001  (raised again in the caller's thread)
            reports.put(_End(error))
        else:
            reports.put(_End(None))

    thread = Thread(target=run, name="sqlmesh", daemon=True)
    thread.start()
    interrupt: BaseException | None = None
    try:
        while True:
            try:
                report = reports.get()
            except BaseException as error:  # noqa: BLE001  (raised again when the work has stopped)
                stop.set()
                interrupt = interrupt or error
                continue
            if isinstance(report, _End):
                break
            yield report
    finally:
        stop.set()
        thread.join()
    if interrupt is not None:
        raise interrupt
    if report.error is not None:
        raise report.error


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error
