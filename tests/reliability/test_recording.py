from __future__ import annotations

from threading import Event, current_thread

import pytest

from oso_dagster.reliability.recording import beside

WAIT = 30


def test_what_is_recorded_beside_its_caller_keeps_its_order_and_is_all_there_at_the_end():
    may_go_on, done = Event(), []

    def record(runs, found):
        may_go_on.wait(WAIT)
        done.append((runs, current_thread().name))

    with beside(record) as begin:
        begin(["r1"], [])
        assert done == []  # the caller goes on meanwhile
        may_go_on.set()
        begin(["r2"], [])
        begin(["r3"], [])
    assert [runs for runs, _ in done] == [["r1"], ["r2"], ["r3"]]
    assert {thread for _, thread in done} != {current_thread().name}


@pytest.mark.parametrize("failing", ["first", "last"])
def test_what_could_not_be_recorded_is_raised_and_nothing_is_recorded_after_it(failing):
    done = []

    def record(runs, found):
        if runs == failing:
            raise ConnectionError("the server is gone")
        done.append(runs)

    def all_of_them():
        with beside(record) as begin:
            for runs in ("first", "second", "last"):
                begin(runs, [])

    with pytest.raises(ConnectionError, match="the server is gone"):
        all_of_them()
    assert done == {"first": [], "last": ["first", "second"]}[failing]
