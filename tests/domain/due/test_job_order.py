"""Which of the jobs that could start now is started first."""

from __future__ import annotations

from graphlib import CycleError

import pytest

from oso_dagster.domain.due.cadence import in_order, jobs_of, waits_for
from oso_dagster.domain.due.job_order import longest_chain_first
from oso_dagster.sources import catalogue


def test_what_most_others_wait_for_in_a_row_is_first_and_else_the_order_stays() -> None:
    waits = {name: frozenset(names.split()) for name, names in {"a": "", "b": "", "c": "b", "d": "c", "e": "", "f": "e"}.items()}
    assert longest_chain_first(waits) == ["b", "c", "e", "a", "d", "f"]


def test_of_chains_of_one_length_a_preference_decides() -> None:
    waits = {name: frozenset[str]() for name in "abc"}
    assert longest_chain_first(waits, lambda job: job != "c") == ["c", "a", "b"]


def test_what_is_waited_for_but_not_to_be_run_is_left_out() -> None:
    assert longest_chain_first({"b": frozenset({"a"})}) == ["b"]


def test_jobs_that_wait_for_each_other_are_refused() -> None:
    with pytest.raises(CycleError):
        longest_chain_first({"a": frozenset("b"), "b": frozenset("a")})


def test_the_directory_which_most_loads_need_is_loaded_first_and_nothing_before_what_it_waits_for() -> None:
    loads = {job.name: job for job in in_order(job for source in catalogue() for job in jobs_of(source))}
    waits = waits_for(loads, loads)
    order = longest_chain_first(waits)
    assert order[0] == "ingest_oss_directory"
    assert all(order.index(earlier) < order.index(job) for job, before in waits.items() for earlier in before)
