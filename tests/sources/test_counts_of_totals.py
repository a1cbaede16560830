"""Second counts that are totals: what DefiLlama and L2BEAT say of a day themselves, beside the parts that loads add up."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from oso_dagster.connectors.http.rest import RestError
from oso_dagster.domain.catalogue.loading import ExtractRequest, LoadRecord
from oso_dagster.domain.catalogue.second_count import SecondCount
from oso_dagster.domain.catalogue.source import Source
from oso_dagster.sandbox.upstreams import defillama as defillama_family
from oso_dagster.sandbox.upstreams import l2beat as l2beat_family
from oso_dagster.sandbox.world.world import generate
from oso_dagster.sources import defillama, l2beat
from oso_dagster.sources._second_counts import defillama as defillama_counts
from oso_dagster.sources._second_counts import l2beat as l2beat_counts
from tests.sources.github_hub import NOW
from tests.support.asgi import serving as serving_app
from tests.support.landing import QUICK

pytestmark = pytest.mark.server

END = NOW.replace(hour=0, minute=0, second=0)
OF_L2BEAT = [("activity", 2, ["transactions"]), ("tvs", 1, ["native", "canonical", "external"])]


def counted_by(source: Source, name: str) -> SecondCount:
    second = next(table for table in source.tables if table.name == name).second_count
    assert second is not None
    return second


def request_of(source: str, table: str, url: str, home: Path, inputs: dict[str, list[str]]) -> ExtractRequest:
    loaded = LoadRecord("l", source, table, None, "v", "f", {table: 1}, NOW)
    return ExtractRequest(source, table, NOW, home, {"url": url} | QUICK, previous=loaded, inputs=inputs)


@pytest.mark.parametrize(("table", "days", "parts"), OF_L2BEAT)
def test_l2beat_sums_a_day_over_all_projects_in_one_request(tmp_path: Path, table: str, days: int, parts: list[str]) -> None:
    world = generate(7, NOW)
    l2beat_family.write(world, tmp_path)
    second = counted_by(l2beat.SOURCE, table)
    truth = l2beat_family.truth(world)
    ids = [project["id"] for project in truth["l2beat.projects"]]
    with serving_app(l2beat_family.serve(tmp_path)) as url:
        [count] = second.count(request_of("l2beat", table, url, tmp_path, {"l2beat.projects.id": ids}))
    day = END - timedelta(days=days)
    held = [row for row in truth[f"l2beat.{table}"] if row["time"] == day.timestamp()]
    assert (count.since, count.until) == (day, day + timedelta(days=1))
    assert len(held) == len(ids) - 1  # one has no figures
    assert abs(count.low - sum(row[part] for row in held for part in parts)) <= 1
    assert second.held.columns == tuple(parts)


def test_l2beat_without_a_total_of_the_day_yet_is_an_error_that_says_so(tmp_path: Path) -> None:
    l2beat_family.write(generate(7, NOW), tmp_path)
    with serving_app(l2beat_family.serve(tmp_path)) as url, pytest.raises(RestError, match=r"has no total of 2026-03-0\d yet"):
        list(l2beat_counts.TRANSACTIONS.count(request_of("l2beat", "activity", url, tmp_path, {"l2beat.projects.id": ["none"]})))


@pytest.mark.parametrize(("table", "column"), [("tvl_events", "tvl"), ("trading_volume", "amount"), ("fees", "amount")])
def test_defillama_tells_the_total_of_a_day_by_protocol_beside_its_parts(tmp_path: Path, table: str, column: str) -> None:
    world = generate(7, NOW)
    defillama_family.write(world, tmp_path)
    second = counted_by(defillama.SOURCE, table)
    urls = [url for project in world.projects for url in project.links.get("defillama", ())]
    need = {"oss_directory.projects__defillama.url": urls}
    with serving_app(defillama_family.serve(tmp_path)) as url:
        [count] = second.count(request_of("defillama", table, url, tmp_path, need))
    day = END - timedelta(days=2)
    rows = [row for row in defillama_family.truth(world)[f"defillama.{table}"] if row["time"] == day.timestamp()]
    held = {slug: sum(row[column] for row in rows if row["slug"] == slug) for slug in count.items}
    assert len(count.items) == min(defillama_counts.SAMPLE, len(defillama_family.slugs(world)))
    assert count.low > 0
    assert all(abs(count.by_item.get(slug, 0) - total) <= 1 for slug, total in held.items())
