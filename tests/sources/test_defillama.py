"""DefiLlama: whole histories that are corrected, answers that are made smaller, days without chains, slugs that are not known."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from oso_dagster.connectors.http.rest import RestError
from oso_dagster.domain.catalogue.loading import Loaded, RefusedError
from oso_dagster.sandbox.upstreams import defillama
from oso_dagster.sources.defillama import SOURCE
from tests.support.landing import NOW, WORLD, Landing, landing, named, ordered

pytestmark = pytest.mark.server
NEED = "oss_directory.projects__defillama.url"
SLUGS = defillama.slugs(WORLD)
TABLES = ["tvl_events", "trading_volume", "fees"]


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Landing]:
    with landing(SOURCE, tmp_path, {NEED: named(WORLD, "defillama")}) as place:
        yield place


def upstream_becomes(there: Landing, change: Callable[[Any], None]) -> None:
    path = there.home / "served" / "data.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def load(there: Landing, table: str, days: int = 0) -> Loaded:
    loaded = there.load(table, now=NOW + timedelta(days=days))
    assert isinstance(loaded, Loaded)
    return loaded


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_the_generators_and_a_second_load_brings_none(there: Landing, table: str) -> None:
    assert load(there, table).record.row_count > 0
    assert there.rows(table) == there.truth(table)
    again = load(there, table)
    assert (again.record.row_count, again.record.facts["rows_removed"]) == (0, 0)
    assert there.rows(table) == there.truth(table)


def test_very_large_protocols_are_requested_whole(there: Landing) -> None:
    load(there, "tvl_events")
    paths = [path for _, path, *_ in there.asked]
    assert paths
    assert all(path.endswith("?restrictResponseSize=false") for path in paths)
    assert {row["slug"] for row in there.rows("tvl_events")} == set(SLUGS)


def test_the_next_day_brings_its_own_rows_alone(there: Landing) -> None:
    load(there, "fees")
    before = len(there.rows("fees"))
    again = load(there, "fees", days=1)
    assert len(there.rows("fees")) == before + again.record.row_count
    assert "history_replaced" not in again.record.facts


def test_a_correction_of_an_old_day_and_a_day_taken_back_are_followed(there: Landing) -> None:
    load(there, "fees")
    slug, before = SLUGS[0], len(there.rows("fees"))

    def corrected(document: Any) -> None:
        series = document["fees"][slug]
        series[5][1] = {chain: dict.fromkeys(versions, 1.0) for chain, versions in series[5][1].items()}
        del series[10]

    upstream_becomes(there, corrected)
    again = load(there, "fees")
    chains = len(json.loads((there.home / "served" / "data.json").read_text())["fees"][slug][0][1])
    assert again.record.facts["history_replaced"] == [slug]
    assert (again.record.facts["rows_changed"], again.record.facts["rows_removed"]) == (chains, chains)
    assert len(there.rows("fees")) == before - chains


def test_a_history_that_shrinks_by_half_is_refused_and_the_old_rows_stay(there: Landing) -> None:
    load(there, "fees")
    before = there.rows("fees")
    upstream_becomes(there, lambda document: document["fees"].update({SLUGS[0]: document["fees"][SLUGS[0]][-20:]}))
    with pytest.raises(RefusedError, match=r"defillama\.fees: .* rows would replace"):
        load(there, "fees")
    assert there.rows("fees") == before


def test_a_protocol_that_is_no_longer_known_keeps_its_history_and_counts_as_vanished(there: Landing) -> None:
    load(there, "tvl_events")
    before = there.rows("tvl_events")
    upstream_becomes(there, lambda document: document["tvl"].pop(SLUGS[0]))
    again = load(there, "tvl_events")
    assert list(again.record.facts["vanished"]) == [SLUGS[0]]
    assert there.rows("tvl_events") == before


def renames(document: Any, before: str, now: str) -> None:
    for part in ("tvl", "volume", "fees"):
        if before in document[part]:
            document[part][now] = document[part].pop(before)
    (protocol,) = [protocol for protocol in document["protocols"] if protocol["slug"] == before]
    protocol["slug"] = now


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("directory_follows", [False, True])
def test_a_protocol_under_another_slug_keeps_one_history(there: Landing, table: str, directory_follows: bool) -> None:
    loaded = load(there, table)
    old = next(slug for slug in SLUGS if slug not in loaded.record.facts["unknown_slugs"])
    before = there.rows(table)
    upstream_becomes(there, lambda document: renames(document, old, "sbx-renamed"))
    if directory_follows:
        urls = [url for url in there.inputs[NEED] if not url.endswith(f"/{old}")]
        there.inputs = {NEED: [*urls, "https://defillama.com/protocol/sbx-renamed"]}
    expected = ordered([row | {"slug": "sbx-renamed"} if row["slug"] == old else row for row in before])
    again = load(there, table)
    assert again.record.facts["renamed"] == {old: "sbx-renamed"}
    assert (again.record.facts["rows_added"], again.record.facts["rows_removed"]) == (0, 0)
    assert "vanished" not in again.record.facts
    assert there.rows(table) == expected
    compared_with_nothing = there.load(table, comparable=False)
    assert isinstance(compared_with_nothing, Loaded)
    assert there.rows(table) == expected, "the directory's old slug is still known for the new one"
    third = load(there, table)
    assert "renamed" not in third.record.facts
    assert (third.record.row_count, third.record.facts.get("vanished")) == (0, None)
    assert there.rows(table) == expected


@pytest.mark.parametrize("table", TABLES)
def test_a_slug_that_changes_just_when_nothing_may_be_compared_is_followed_too(there: Landing, table: str) -> None:
    loaded = load(there, table)
    old = next(slug for slug in SLUGS if slug not in loaded.record.facts["unknown_slugs"])
    before = there.rows(table)
    upstream_becomes(there, lambda document: renames(document, old, "sbx-renamed"))
    again = there.load(table, comparable=False)
    assert isinstance(again, Loaded)
    assert again.record.facts["renamed"] == {old: "sbx-renamed"}
    assert there.rows(table) == ordered([row | {"slug": "sbx-renamed"} if row["slug"] == old else row for row in before])


def test_two_slugs_of_one_protocol_are_no_rename_while_both_answer_or_one_is_only_bad(there: Landing) -> None:
    old = SLUGS[0]

    def doubles(document: Any) -> None:
        document["fees"]["sbx-second"] = document["fees"][old]
        (protocol,) = [protocol for protocol in document["protocols"] if protocol["slug"] == old]
        document["protocols"].append(protocol | {"slug": "sbx-second"})

    load(there, "fees")
    upstream_becomes(there, doubles)
    there.inputs = {NEED: [*there.inputs[NEED], "https://defillama.com/protocol/sbx-second"]}
    assert "renamed" not in load(there, "fees").record.facts
    upstream_becomes(there, lambda document: document["fees"].update({old: [["yesterday", {}]]}))
    bad = load(there, "fees")
    assert list(bad.record.facts["set_aside"]) == [old]
    assert "renamed" not in bad.record.facts


def test_one_slug_whose_answer_is_bad_is_set_aside_and_the_others_arrive(there: Landing) -> None:
    upstream_becomes(there, lambda document: document["fees"].update({SLUGS[0]: [["yesterday", {}]]}))
    loaded = load(there, "fees")
    assert list(loaded.record.facts["set_aside"]) == [SLUGS[0]]
    assert {row["slug"] for row in there.rows("fees")} == set(SLUGS[1:])


def test_a_summary_that_is_lost_is_set_aside_where_there_was_one_and_else_named(there: Landing) -> None:
    loaded = load(there, "trading_volume")
    unknown = loaded.record.facts["unknown_slugs"]
    assert unknown, "not every protocol is an exchange"
    lost = next(slug for slug in SLUGS if slug not in unknown)
    upstream_becomes(there, lambda document: document["volume"].pop(lost))
    again = load(there, "trading_volume")
    assert list(again.record.facts["set_aside"]) == [lost]
    assert again.record.facts["unknown_slugs"] == unknown


def test_no_known_slug_is_an_error(there: Landing) -> None:
    upstream_becomes(there, lambda document: document["tvl"].clear())
    with pytest.raises(RestError, match=r"none of the .* slugs is known there"):
        load(there, "tvl_events")
