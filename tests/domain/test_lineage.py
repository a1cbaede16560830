"""Taint spreads over the whole graph."""

from __future__ import annotations

from oso_dagster.domain.lineage import tainted

GRAPH = {
    "staging.tvl": ["defillama.tvl_events"],
    "staging.projects": ["oss_directory.projects"],
    "intermediate.events": ["staging.tvl", "npm.downloads"],
    "marts.events": ["intermediate.events", "staging.projects"],
    "marts.projects": ["staging.projects"],
}
UNSTABLE = {"defillama.tvl_events": "defillama", "npm.downloads": "npm"}


def test_taint_reaches_what_derives_indirectly_and_names_every_guilty_source():
    assert tainted(GRAPH, UNSTABLE) == {
        "staging.tvl": frozenset({"defillama"}),
        "intermediate.events": frozenset({"defillama", "npm"}),
        "marts.events": frozenset({"defillama", "npm"}),
    }


def test_without_unstable_sources_nothing_is_tainted():
    assert tainted(GRAPH, {}) == {}


def test_an_unstable_source_that_nobody_reads_taints_nothing():
    assert tainted(GRAPH, {"giveth.rounds": "giveth"}) == {}


def test_a_cycle_ends_with_the_taint_on_all_of_it():
    loop = {"a": ["c", "raw"], "b": ["a"], "c": ["b"]}
    assert tainted(loop, {"raw": "x"}) == dict.fromkeys("abc", frozenset({"x"}))
