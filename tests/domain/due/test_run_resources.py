"""What a run asks of a cluster follows from what its loads cost."""

from __future__ import annotations

import pytest

from oso_dagster.domain.due.cadence import jobs_of
from oso_dagster.domain.due.run_resources import LARGE_LOAD, LOAD, MODELS, OWN, RunResources, resources_of_load
from oso_dagster.sources import catalogue

_JOBS = {job.name: job for source in catalogue() for job in jobs_of(source)}


def test_a_load_of_hundreds_of_megabytes_asks_for_more():
    assert resources_of_load(_JOBS["ingest_oss_funding"]) is LOAD
    large = {name for name, job in _JOBS.items() if resources_of_load(job) is LARGE_LOAD}
    assert {"ingest_github_daily", "ingest_superchain"} <= large
    assert large != set(_JOBS)


@pytest.mark.parametrize("resources", [OWN, LOAD, LARGE_LOAD, MODELS], ids=lambda resources: resources.name)
def test_what_is_asked_for_fits_into_what_is_allowed_in_words_that_kubernetes_reads(resources: RunResources):
    container = resources.of_container
    assert container["requests"]["memory"] == f"{resources.memory // 2**20}Mi"
    assert 300 * 2**20 < resources.memory <= resources.memory_limit
    assert container["requests"]["cpu"].endswith("m")
    assert "cpu" not in container["limits"]  # a throttled run holds its place in a pool for longer
    assert container["requests"]["ephemeral-storage"] == container["limits"]["ephemeral-storage"]
