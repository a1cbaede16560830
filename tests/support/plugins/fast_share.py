"""Measures what the fast loop costs a processor beside all tests, and says what to do where it is a quarter or more.

The processor time of a test is that of this process and of the programs that ended while it ran; servers of the whole session,
which end after the last test, count as shared. It travels with the report of the test's teardown, so that it is counted
wherever the test ran.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

MOST = 0.25
"""The share of all tests' processor time that the fast loop may have."""
SLOW_MARKS = frozenset({"server", "browser", "slow"})
"""Tests with one of these marks are not in the fast loop (`make test-fast`)."""

_FAST, _OTHER = "fast_seconds", "other_seconds"


class FastShare:
    """Seconds of processor: those of the fast loop, and all others."""

    def __init__(self) -> None:
        self.seconds = {_FAST: 0.0, _OTHER: 0.0}
        self._begin = 0.0
        self._is_last = False

    @property
    def share(self) -> float:
        """The share of the fast loop, 0 when nothing was measured."""
        total = sum(self.seconds.values())
        return self.seconds[_FAST] / total if total else 0.0

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, nextitem: pytest.Item | None) -> Any:
        """Measure from here; what ends after the last test of a process was used by many."""
        self._begin, self._is_last = _used(), nextitem is None
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Put the seconds since the phase before on the report of each phase."""
        report: pytest.TestReport = yield
        used, now = _used() - self._begin, _used()
        shared = call.when == "teardown" and self._is_last
        fast = not shared and not any(item.get_closest_marker(name) for name in SLOW_MARKS)
        report.user_properties.append((_FAST if fast else _OTHER, used))
        self._begin = now
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up what arrives, from this process or from one of its workers."""
        for name, value in report.user_properties:
            if name in self.seconds:
                self.seconds[name] += float(str(value))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say the share after a run of all tests, and what to do where it is too large."""
        if not _ran_all(terminalreporter.config):
            return
        line = f"fast loop: {self.seconds[_FAST]:.0f} of {sum(self.seconds.values()):.0f} s of processor, {self.share:.0%}"
        wrong = self.share >= MOST
        hint = f"; it must stay under {MOST:.0%}: mark `slow` what costs most (--durations=50)" if wrong else ""
        terminalreporter.write_line(line + hint, red=wrong)


def _used() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _ran_all(config: pytest.Config) -> bool:
    """Whether nothing was left out by a mark, a word, a place or a failure before; a worker's run is a part of one."""
    option = config.option
    narrowed = (option.markexpr, option.keyword, getattr(option, "lf", False), option.collectonly, option.maxfail)
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not hasattr(config, "workerinput")
    return whole and not any(narrowed)


def pytest_configure(config: pytest.Config) -> None:
    """Measure from the start."""
    config.pluginmanager.register(FastShare(), "fast_share")
