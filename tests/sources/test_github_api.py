"""Repositories and bills of materials, asked of the sandbox's API: the truth arrives, however often the limit comes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from oso_dagster.connectors.github import rest_api
from oso_dagster.connectors.http.rest import RateLimitedError
from oso_dagster.domain.catalogue.loading import ExtractRequest, Loaded, RefusedError, Unchanged
from oso_dagster.sandbox.upstreams import github_api
from oso_dagster.sandbox.upstreams._github import documents
from oso_dagster.sandbox.upstreams._github.behaviour import Behaviour, behave
from tests.sources.github_api_hub import ALIVE, FEW, NOW, ONE, POLICIES, TABLES, TOKEN, TRUTH, Hub, every_url, open_hub

pytestmark = pytest.mark.server


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with open_hub(tmp_path) as made:
        yield made


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_api, "LIMITS", replace(rest_api.LIMITS, attempts=2, pause=0.01))


def test_all_repositories_of_the_directory_arrive_and_the_missing_ones_are_recorded(hub: Hub) -> None:
    loaded = hub.load("repositories", every_url())
    assert isinstance(loaded, Loaded)
    assert loaded.record.cut_short is None
    arrived = hub.rows("SELECT id, name_with_owner, star_count, license_spdx_id FROM github.repositories WHERE status <> 'gone'")
    living = [repository for repository in TRUTH.repositories if not repository.deleted]
    assert sorted(arrived, key=str) == sorted(
        ((r.id, r.full_name, r.stars, r.licence[0] if r.licence else None) for r in living), key=str
    )
    gone = {name for (name,) in hub.rows("SELECT name_with_owner FROM github.repositories WHERE status = 'gone'")}
    asked = set(rest_api.addresses(every_url()).repositories)
    assert gone >= {r.full_name for r in TRUTH.repositories if r.deleted and r.full_name in asked} != set()
    assert {token for _, token, _ in hub.asked} == {f"Bearer {TOKEN}"}


def test_a_renamed_repository_is_one_row_that_knows_both_names(hub: Hub) -> None:
    asked = set(rest_api.addresses(every_url()).repositories)
    moved = [r for r in TRUTH.repositories if r.former_name and not r.deleted and f"{r.owner}/{r.former_name}" in asked]
    old, new = f"{moved[0].owner}/{moved[0].former_name}", moved[0].full_name
    hub.load("repositories", (f"https://github.com/{old}", f"https://github.com/{new}"))
    assert hub.rows("SELECT id, status, name_with_owner, list_sort(requested_names) FROM github.repositories") == [
        (moved[0].id, "renamed", new, sorted([old, new]))
    ]


def test_what_is_unchanged_is_not_sent_again_and_stays(hub: Hub) -> None:
    hub.load("repositories", FEW)
    before, asked = hub.rows("SELECT * FROM github.repositories ORDER BY key"), len(hub.asked)
    again = hub.load("repositories", FEW, NOW + timedelta(days=1))
    assert isinstance(again, Loaded)
    kept = hub.rows("SELECT * FROM github.repositories ORDER BY key")
    assert [row for row in kept if row[0][0] != "n"] == [row for row in before if row[0][0] != "n"]
    assert [row[0] for row in kept] == [row[0] for row in before]
    assert {status for path, _, status in hub.asked[asked:] if "nobody" not in path and "orgs" not in path} == {304}
    assert again.record.facts["changed"] == 2  # the two names that lead nowhere, asked again


def test_an_emptied_cache_costs_requests_and_no_row(hub: Hub) -> None:
    hub.load("repositories", FEW)
    before = hub.rows("SELECT key, status, requested_names FROM github.repositories ORDER BY key")
    for file in (hub.home / "github" / "repositories").iterdir():
        file.unlink()
    again = hub.load("repositories", FEW, NOW + timedelta(days=1))
    assert isinstance(again, Loaded)
    assert again.record.facts["unchanged"] == 0
    assert hub.rows("SELECT key, status, requested_names FROM github.repositories ORDER BY key") == before


def test_validators_of_a_load_that_was_never_published_do_not_count(hub: Hub) -> None:
    inputs = {need: list(FEW) for need in TABLES["repositories"].needs}
    settings = {"api_url": hub.url, "requests_per_second": "10000"}
    request = ExtractRequest("github", "repositories", NOW, hub.home, settings, inputs=inputs)
    TABLES["repositories"].extract(request)
    loaded = hub.load("repositories", FEW)
    assert isinstance(loaded, Loaded)
    assert loaded.record.facts["unchanged"] == 0
    assert loaded.record.row_count > 3


def test_a_run_that_hits_the_limit_keeps_what_it_has_and_the_next_one_goes_on(hub: Hub) -> None:
    github_api.limited(hub.folder, 300)
    first = hub.load("repositories", every_url())
    assert isinstance(first, Loaded)
    assert first.record.cut_short is not None
    assert TOKEN not in first.record.cut_short
    assert 0 < len(hub.rows("SELECT 1 FROM github.repositories")) < 500
    asked = len(hub.asked)
    github_api.limited(hub.folder, github_api.LIMIT)
    second = hub.load("repositories", every_url(), NOW + timedelta(hours=2))
    assert isinstance(second, Loaded)
    assert second.record.cut_short is None
    assert len({path for path, _, status in hub.asked[:asked] if status == 200} & {p for p, _, _ in hub.asked[asked:]}) <= 10
    arrived = {id_ for (id_,) in hub.rows("SELECT id FROM github.repositories WHERE status <> 'gone'")}
    assert arrived == {r.id for r in TRUTH.repositories if not r.deleted}


def test_a_limit_before_the_first_answer_is_an_error_that_says_when_it_ends(hub: Hub) -> None:
    github_api.limited(hub.folder, 0)
    with pytest.raises(RateLimitedError, match=r"403.*asks for a pause of"):
        hub.load("repositories", FEW)


def test_a_repository_that_disappears_is_recorded_with_what_was_known_of_it(hub: Hub) -> None:
    hub.load("repositories", FEW)
    owners = {r.full_name for r in TRUTH.of_owner("sbx-harbour")}
    fallen = {ONE, min(owners)}
    behave(hub.folder, Behaviour(deleted=sorted(fallen)))
    hub.load("repositories", FEW, NOW + timedelta(days=1))
    gone = hub.rows(
        "SELECT name_with_owner, id IS NOT NULL, star_count FROM github.repositories WHERE status = 'gone' AND id > 0"
    )
    assert {name for name, _, _ in gone} == fallen
    assert (ONE, True, ALIVE[0].stars) in gone


@pytest.mark.parametrize("then", ["by its name", "by its owner"])
def test_a_repository_that_was_deleted_and_made_anew_is_another_one_and_the_first_is_marked(hub: Hub, then: str) -> None:
    named = f"https://github.com/{ONE}"
    hub.load("repositories", (named,))
    behave(hub.folder, Behaviour(remade={ONE: 999_999_999}))
    urls = (named,) if then == "by its name" else (f"https://github.com/{ONE.split('/')[0]}",)
    rows = f"SELECT id, status FROM github.repositories WHERE name_with_owner = '{ONE}' ORDER BY id"
    for day in range(1, 4):
        hub.load("repositories", urls, NOW + timedelta(days=day))
        assert hub.rows(rows) == [(ALIVE[0].id, "gone"), (999_999_999, "found")]


def test_bills_of_materials_arrive_with_their_packages_and_once_a_week(hub: Hub) -> None:
    living = [r for r in TRUTH.repositories if not r.deleted][:40]
    names = (*(r.full_name for r in living), "sbx-nobody/*", "sbx-nobody/nothing")
    loaded = hub.load("sbom", names)
    assert isinstance(loaded, Loaded)
    documents = {r.full_name: github_api.sbom(TRUTH, r) for r in living}
    rows = dict(hub.rows("SELECT repository, package_count FROM github.sbom"))
    assert rows == {n: len(d["sbom"]["packages"]) if d else 0 for n, d in documents.items()} | {"sbx-nobody/nothing": 0}
    purls = hub.rows("SELECT repository, purl FROM github.sbom__packages ORDER BY repository, position")
    assert purls == [
        (name, package["externalRefs"][0]["referenceLocator"])
        for name, document in sorted(documents.items())
        for package in (document["sbom"]["packages"] if document else ())
    ]
    assert isinstance(hub.load("sbom", names, NOW + timedelta(days=4)), Unchanged)
    assert isinstance(hub.load("sbom", names, NOW + timedelta(days=5)), Loaded)
    assert hub.rows("SELECT count(*) FROM github.sbom__packages") == [(len(purls),)]


def test_bills_that_the_limit_cut_short_go_on_in_the_same_week(hub: Hub) -> None:
    names = tuple(r.full_name for r in TRUTH.repositories if not r.deleted)[:60]
    github_api.limited(hub.folder, 50)
    first = hub.load("sbom", names)
    assert isinstance(first, Loaded)
    assert first.record.cut_short is not None
    github_api.limited(hub.folder, github_api.LIMIT)
    second = hub.load("sbom", names, NOW + timedelta(days=1))
    assert isinstance(second, Loaded)
    assert 20 <= first.record.row_count <= 25  # four are asked at a time: the refused one may not be the last
    assert first.record.row_count + second.record.row_count == 60
    assert {name for (name,) in hub.rows("SELECT repository FROM github.sbom")} == set(names)


@pytest.mark.parametrize("message", POLICIES, ids=["IP allow list", "SAML", "classic token", "lifetime"])
def test_a_policy_hides_one_repository_which_keeps_its_row_and_is_named(message: str, hub: Hub) -> None:
    hub.load("repositories", FEW)
    before = hub.rows("SELECT * FROM github.repositories ORDER BY key")
    behave(hub.folder, Behaviour(refused={ONE: message}))
    loaded = hub.load("repositories", FEW, NOW + timedelta(days=1))
    assert isinstance(loaded, Loaded)
    assert loaded.record.facts["set_aside"][ONE].startswith("403, hidden: ")
    assert [finding.check for finding in loaded.findings if not finding.passed] == ["set_aside"]
    assert [row for row in hub.rows("SELECT * FROM github.repositories ORDER BY key") if row[0][0] != "n"] == [
        row for row in before if row[0][0] != "n"
    ]


@pytest.mark.parametrize(
    "message",
    [
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        "You have triggered an abuse detection mechanism",
        "Please wait a few minutes before you try again.",
    ],
)
def test_a_limit_that_only_its_message_tells_cuts_short_and_says_nothing_of_the_repository(message: str, hub: Hub) -> None:
    every = tuple(f"https://github.com/{repository.full_name}" for repository in ALIVE[:9])
    hub.load("repositories", every)
    later = sorted(repository.full_name for repository in ALIVE[:9])[5]
    behave(hub.folder, Behaviour(refused={later: message}))
    loaded = hub.load("repositories", every, NOW + timedelta(days=1))
    assert isinstance(loaded, Loaded)
    assert loaded.record.cut_short is not None
    assert later in loaded.record.cut_short
    assert hub.rows("SELECT DISTINCT status FROM github.repositories WHERE status = 'gone'") == []
    behave(hub.folder, Behaviour())
    again = hub.load("repositories", every, NOW + timedelta(days=1, hours=1))
    assert isinstance(again, Loaded)
    assert again.record.cut_short is None
    assert again.record.facts["items_asked"] == 4, "the one that was refused is asked for again"


def test_a_blocked_repository_is_gone(hub: Hub) -> None:
    hub.load("repositories", FEW)
    behave(hub.folder, Behaviour(refused={ONE: "Repository access blocked"}))
    hub.load("repositories", FEW, NOW + timedelta(days=1))
    assert (ONE,) in hub.rows("SELECT name_with_owner FROM github.repositories WHERE status = 'gone'")


def test_a_round_in_which_an_unusual_share_vanishes_is_refused(hub: Hub) -> None:
    hub.load("repositories", every_url())
    before = hub.rows("SELECT * FROM github.repositories ORDER BY key")
    behave(hub.folder, Behaviour(deleted=[repository.full_name for repository in ALIVE[::3]]))
    with pytest.raises(RefusedError, match=r"items would be gone at once: .*allow_shrink"):
        hub.load("repositories", every_url(), NOW + timedelta(days=1))
    assert hub.rows("SELECT * FROM github.repositories ORDER BY key") == before


def test_a_repository_that_moved_without_a_redirect_is_asked_for_by_its_id_and_keeps_one_history(hub: Hub) -> None:
    hub.load("repositories", FEW)
    listed = next(repository for repository in TRUTH.of_owner("sbx-harbour") if repository.former_name is None)
    behave(hub.folder, Behaviour(moved={str(ALIVE[0].id): "sbx-new/home", str(listed.id): "sbx-new/port"}))
    loaded = hub.load("repositories", FEW, NOW + timedelta(days=1))
    assert isinstance(loaded, Loaded)
    assert "vanished" not in loaded.record.facts
    rows = hub.rows(
        f"SELECT id, status, name_with_owner FROM github.repositories WHERE id IN ({ALIVE[0].id}, {listed.id}) ORDER BY id"
    )
    assert rows == sorted([(ALIVE[0].id, "renamed", "sbx-new/home"), (listed.id, "renamed", "sbx-new/port")])
    assert hub.rows(f"SELECT 1 FROM github.repositories WHERE key = 'name:{ONE}'") == []


def test_the_one_owner_whose_answer_is_nonsense_stops_no_other(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    real = documents.repository
    monkeypatch.setattr(documents, "repository", lambda at, r: {"id": r.id} if r.full_name == ONE else real(at, r))
    loaded = hub.load("repositories", FEW)
    assert isinstance(loaded, Loaded)
    assert set(loaded.record.facts["set_aside"]) == {ONE}
    assert loaded.record.row_count > 3
