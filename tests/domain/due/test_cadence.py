"""What waits for what when jobs run side by side."""

from __future__ import annotations

from oso_dagster.domain.due.cadence import in_order, jobs_of, waits_for
from oso_dagster.sources import catalogue

LOADS = {job.name: job for job in in_order(job for source in catalogue() for job in jobs_of(source))}


def test_a_load_waits_for_what_it_needs_and_for_no_other_load():
    waits = waits_for(LOADS, LOADS)
    assert waits["ingest_oss_directory"] == set()
    assert waits["ingest_npm"] == {"ingest_oss_directory"}


def test_what_reads_loaded_data_waits_for_all_that_is_named_before_it():
    waits = waits_for([*LOADS, "transform", "evaluate_slos"], LOADS)
    assert waits["transform"] == set(LOADS)
    assert waits["evaluate_slos"] == {*LOADS, "transform"}


def test_a_load_that_is_named_behind_another_job_waits_for_that():
    assert waits_for(["transform", "ingest_npm"], LOADS)["ingest_npm"] == {"transform"}


def test_nothing_waits_for_what_is_not_named_or_named_later_so_that_no_two_wait_for_each_other():
    waits = waits_for(["ingest_npm", "transform", "ingest_oss_directory", "ingest_npm"], LOADS)
    assert waits == {"ingest_npm": set(), "transform": {"ingest_npm"}, "ingest_oss_directory": {"transform"}}
