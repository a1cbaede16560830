"""Open Collective from the sandbox's GraphQL endpoint into the warehouse: the generator's rows, once, and errors by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from oso_dagster.connectors.http.rest import DeniedError, RestError
from oso_dagster.domain.catalogue.loading import Extract, Loaded, RefusedError
from oso_dagster.sandbox.upstreams import open_collective
from oso_dagster.sources.open_collective import SOURCE, slug_of
from tests.support.landing import WORLD, Landing, clear_fault, landing, named, spoil

pytestmark = pytest.mark.server

SECRET = "personal-token-of-a-test"
NEED = "oss_directory.projects__open_collective.url"


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Landing]:
    with landing(SOURCE, tmp_path, {NEED: named(WORLD, "open_collective")}) as place:
        place.settings = {"token": SECRET}
        yield place


def test_all_weeks_together_are_the_generators_rows_an_empty_one_too_and_a_second_load_changes_nothing(there: Landing) -> None:
    windows = [window for window in there.windows("transactions") if window]
    loads = [there.load("transactions", window) for window in windows]
    truth = [row for row in there.truth("transactions") if windows[0].start <= row["created_at"] < windows[-1].end]  # type: ignore[operator]
    assert there.rows("transactions") == truth
    there.load("transactions", windows[-1])
    assert there.rows("transactions") == truth
    assert 0 in [load.record.row_count for load in loads if isinstance(load, Loaded)]
    pages = [json.loads(body)["variables"]["offset"] for *_, body in there.asked if b"$offset" in body]
    assert max(pages) >= open_collective.PAGE, "pages were never needed"
    sides = there.rows("", "SELECT transaction_group, sum(amount_in_cents) s FROM open_collective.transactions GROUP BY 1")
    assert {int(row["s"]) for row in sides} == {0}


def test_the_named_collectives_arrive_and_the_unknown_one_is_told(there: Landing) -> None:
    for _ in range(2):
        loaded = there.load("accounts")
        assert there.rows("accounts") == there.truth("accounts")
    assert loaded.record.facts["unknown_collectives"] == [open_collective.UNKNOWN]  # type: ignore[union-attr]


def test_a_collective_that_is_private_is_hidden_keeps_its_row_and_stops_no_other(there: Landing) -> None:
    there.load("accounts")
    path = there.home / "served" / "data.json"
    document = json.loads(path.read_text())
    slug = min(document["accounts"])
    document["private"] = [slug]
    path.write_text(json.dumps(document))
    loaded = there.load("accounts")
    assert isinstance(loaded, Loaded)
    assert list(loaded.record.facts["set_aside"]) == [slug]
    assert "private" in loaded.record.facts["set_aside"][slug]
    assert there.rows("accounts") == there.truth("accounts")


def serve(there: Landing, **changed: Any) -> dict[str, Any]:
    path = there.home / "served" / "data.json"
    document: dict[str, Any] = json.loads(path.read_text()) | changed
    path.write_text(json.dumps(document))
    return document


def test_a_week_is_one_page_so_that_no_ties_cross_pages(there: Landing) -> None:
    window = there.windows("transactions")[0]
    crowd = serve(there, moments_tie=True, page=open_collective.MOST)["transactions"]
    assert window is not None
    assert window.start is not None
    at = window.start.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    serve(there, transactions=[move | {"createdAt": at} for move in crowd])
    there.load("transactions", window)
    assert {row["id"] for row in there.rows("transactions")} == {move["id"] for move in crowd}
    limits = {json.loads(body)["variables"]["limit"] for *_, body in there.asked if b"$offset" in body}
    assert limits == {open_collective.MOST}


def test_pages_that_ties_cross_are_refused_and_never_published(there: Landing) -> None:
    window = there.windows("transactions")[0]
    crowd = serve(there, moments_tie=True)["transactions"]
    assert window is not None
    assert window.start is not None
    at = window.start.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    serve(there, transactions=[move | {"createdAt": at} for move in crowd])
    with pytest.raises((RestError, RefusedError), match=r"has id = .* [2-9] times"):
        there.load("transactions", window)
    assert there.warehouse.last_load("open_collective", "transactions", window.key) is None


def test_more_at_once_than_upstream_allows_is_an_error_in_its_words(there: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oso_dagster.sources.open_collective._PAGE", open_collective.MOST + 1)
    with pytest.raises(RestError, match=r"Cannot fetch more than 10,000 transactions"):
        there.load("transactions", there.windows("transactions")[0])


@pytest.mark.parametrize("table", ["accounts", "transactions"])
def test_the_fields_that_came_in_2026_are_known_and_nothing_is_news(there: Landing, table: str) -> None:
    loaded = there.load(table, there.windows(table)[0])
    assert isinstance(loaded, Loaded)
    assert loaded.record.facts["unknown_fields"] == []
    assert "schema_untold" not in loaded.record.facts


def test_the_last_moment_of_a_week_belongs_to_it_and_the_first_of_the_next_does_not(there: Landing) -> None:
    window = there.windows("transactions")[0]
    assert window is not None
    assert window.end is not None
    there.load("transactions", window)
    asked = json.loads(there.asked[-1][3])["variables"]
    assert asked["to"] == (window.end - timedelta(milliseconds=1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_the_token_travels_in_its_header_and_shows_in_no_error(there: Landing) -> None:
    spoil(there, "expired")
    with pytest.raises(DeniedError, match=r"401.*Renew the credentials") as caught:
        there.load("transactions", there.windows("transactions")[0])
    assert SECRET not in repr(caught.value)
    assert all(headers["personal-token"] == SECRET for _, _, headers, _ in there.asked)
    assert all("oso_dagster" in headers["user-agent"] for _, _, headers, _ in there.asked)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("empty", "the pages hold 0 records where"),
        ("duplicates", "the pages hold|is a duplicate"),
        ("drift", "the key 'data' is missing"),
        ("html", "the answer is HTML, not JSON"),
    ],
)
def test_an_answer_that_is_wrong_is_an_error_by_name_and_the_rows_stay(there: Landing, kind: str, words: str) -> None:
    window = there.windows("transactions")[0]
    there.load("transactions", window)
    before = there.rows("transactions")
    spoil(there, kind)
    with pytest.raises((RestError, RefusedError), match=words):
        there.load("transactions", window)
    assert there.rows("transactions") == before
    clear_fault(there)
    there.load("transactions", window)
    assert there.rows("transactions") == before


def test_a_query_that_the_schema_does_not_know_is_told_in_its_own_words(there: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "oso_dagster.sources.open_collective._ACCOUNT", "query ($slug: String!) { account(slug: $slug) { id iban } }"
    )
    with pytest.raises(RestError, match="400"):
        there.load("accounts")


def test_when_no_collective_is_known_the_address_is_doubted(there: Landing) -> None:
    there.inputs = {NEED: ["https://opencollective.com/nobody"]}
    with pytest.raises(RestError, match="none of 1 collectives is known"):
        there.load("accounts")


def test_a_load_without_a_week_is_refused(there: Landing) -> None:
    with pytest.raises(RefusedError, match="name a partition"):
        there.extract("transactions")
    assert isinstance(there.extract("transactions", there.windows("transactions")[0]), Extract)


@pytest.mark.parametrize(
    ("url", "slug"),
    [
        ("https://opencollective.com/Babel/", "babel"),
        ("https://www.opencollective.com/babel/projects/x", "babel"),
        ("https://opencollective.com/", None),
        ("https://github.com/babel", None),
    ],
)
def test_addresses_name_collectives(url: str, slug: str | None) -> None:
    assert slug_of(url) == slug
