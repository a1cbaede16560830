"""What the door knows of a table's coverage: the newest second counts, in words for programs, as shares for the pages."""

from __future__ import annotations

from datetime import timedelta

from oso_dagster.domain.coverage.comparison import Comparison
from oso_dagster.orchestration.clock import utc_now
from oso_dagster.orchestration.public_door.known_facts import known_facts
from oso_dagster.reliability.store import Store
from oso_dagster.serving.published import Published, PublishedTable
from oso_dagster.settings import Settings
from oso_dagster.sources import catalogue


def test_a_table_has_its_newest_second_counts(settings: Settings) -> None:
    now = utc_now()
    counts = [("a", 50, 100), ("b", 100, 100), ("c", 100, 100), ("d", 99, 100), ("empty", 0, 0)]
    compared = [Comparison("npm/downloads", name, now, held, true, true, 9_500) for name, held, true in counts]
    raw, mart = PublishedTable("npm", "downloads", "", ()), PublishedTable("marts", "m_v0", "", (), ("npm.downloads",))
    published = Published([raw, mart])
    settings.world_dir.mkdir(parents=True)
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        store.comparisons.record(compared)
        known = known_facts(published, catalogue(), [], store, now + timedelta(minutes=1))
        later = known_facts(published, catalogue(), [], store, now + timedelta(days=4))
    facts = known.of("marts.m_v0")
    assert facts.coverage.endswith("; and 2 more")
    assert sorted(share.words[0] for share in facts.shares) == ["a", "b", "c", "d"]
    assert {(share.table, share.target) for share in facts.shares} == {("npm.downloads", 0.95)}
    assert facts.coverage_in_short == (
        "worst: npm.downloads a 50.00 % of 100 (target 95.00 %); 4 measured, 1 with a lower bound under target"
    )
    assert later.of("marts.m_v0").coverage_in_short == "not measured"
