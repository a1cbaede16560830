"""Reports come in order as they happen; an error comes last; who stops listening stops the work."""

from __future__ import annotations

import threading

import pytest

from oso_dagster.sqlmesh_assets.stream import stream


def test_reports_of_another_thread_reach_the_callers_thread_in_order():
    seen = []

    def work(report, stopped):
        seen.append(threading.current_thread().name)
        for number in range(3):
            report(number)

    assert list(stream(work)) == [0, 1, 2]
    assert seen == ["sqlmesh"]


def test_an_error_is_raised_after_what_was_reported_before_it():
    def work(report, stopped):
        report(1)
        raise ValueError("broken")

    reports = stream(work)
    assert next(reports) == 1
    with pytest.raises(ValueError, match="broken"):
        next(reports)


def test_who_stops_listening_stops_the_work_and_waits_for_its_end():
    ended = []

    def work(report, stopped):
        report(1)
        while not stopped():
            threading.Event().wait(0.01)
        ended.append(True)

    reports = stream(work)
    assert next(reports) == 1
    reports.close()
    assert ended == [True]
