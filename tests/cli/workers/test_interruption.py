"""What ends a command: Ctrl-C, a request to end, and a closed terminal, but not the last where it was started to outlive it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from oso_dagster.cli.workers.interruption import interruptible


@pytest.fixture
def hangs_up() -> Iterator[None]:
    """Whatever a closed terminal means in the test, it means afterwards what it did before."""
    before = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, before)


def interrupted_twice(number: signal.Signals) -> None:
    with interruptible():
        try:
            os.kill(os.getpid(), number)
            time.sleep(5)
        finally:
            os.kill(os.getpid(), number)


@pytest.mark.usefixtures("hangs_up")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_of_them_interrupts_once_and_the_next_ones_are_ignored_while_all_is_taken_down(number: signal.Signals) -> None:
    if number is signal.SIGHUP:
        signal.signal(number, signal.SIG_DFL)  # the tests themselves may run under `nohup`
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt):
        interrupted_twice(number)
    assert signal.getsignal(number) is before


@pytest.mark.usefixtures("hangs_up")
def test_a_command_that_was_started_to_outlive_its_terminal_does() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with interruptible():
        os.kill(os.getpid(), signal.SIGHUP)
