"""Repositories and bills of materials, asked of the sandbox's API: the truth arrives, however often the limit comes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from oso_dagster.connectors.github import bills, rest_api
from oso_dagster.connectors.http.rest import RateLimitedError, RestError
from oso_dagster.domain.catalogue.loading import CUT_SHORT, Extract, ExtractRequest, Loaded, RefusedError, Unchanged
from oso_dagster.sandbox.upstreams import github_api
from oso_dagster.sandbox.upstreams._github_behaviour import Behaviour, behave
from oso_dagster.sandbox.world import forge
from oso_dagster.sandbox.world.world import generate
from oso_dagster.sources.github import SOURCE
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from tests.support.asgi import serving
from tests.support.clock import clock

pytestmark = pytest.mark.server

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)  # a Wednesday
WORLD = generate(7, NOW)
TRUTH = forge.forge_of(WORLD)
TABLES = {table.name: table for table in SOURCE.tables}
TOKEN = "ghp_verysecrettokenofatest"


def every_url() -> tuple[str, ...]:
    return tuple(url for project in WORLD.projects for url in project.links.get("github", ()))


ALIVE = [
    r
    for r in TRUTH.repositories
    if not r.deleted and r.former_name is None and r.full_name in rest_api.addresses(every_url()).repositories
]
ONE, TWO = ALIVE[0].full_name, ALIVE[-1].full_name.upper()
FEW = tuple(f"https://github.com/{name}" for name in [ONE, "sbx-harbour", TWO, "sbx-nobody", "sbx-nobody/nothing"])


@dataclass
class Hub:
    """The sandbox's API on loopback, a warehouse beside it, and the requests that came."""

    url: str
    folder: Path
    home: Path
    asked: list[tuple[str, str, int]]

    @property
    def warehouse(self) -> DuckDBWarehouse:
        return DuckDBWarehouse(self.home / "w.duckdb", world="sandbox", cache=self.home, lock_timeout_seconds=20, clock=clock)

    def load(self, table: str, urls: tuple[str, ...], now: datetime = NOW) -> Loaded | Unchanged:
        settings = {"api_url": self.url, "token": TOKEN, "requests_per_second": "10000"}
        previous = self.warehouse.last_load("github", table)
        inputs = {need: list(urls) for need in TABLES[table].needs}
        share = TABLES[table].set_aside_share
        request = ExtractRequest(
            "github", table, now, self.home, settings, previous=previous, inputs=inputs, set_aside_share=share
        )
        extract = TABLES[table].extract(request)
        if isinstance(extract, Extract):
            extract = replace(extract, notes=request.notes)
            return self.warehouse.load(SOURCE, TABLES[table], extract, fingerprint="f")
        return extract

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.home / "w.duckdb"), read_only=True) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    folder = tmp_path / "served"
    folder.mkdir()
    forge.write(WORLD, folder)
    app, asked = github_api.serve(folder), []

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                asked.append((scope["path"], dict(scope["headers"]).get(b"authorization", b"").decode(), message["status"]))
            await send(message)

        await app(scope, receive, sent)

    with serving(noting) as url:
        yield Hub(url, folder, tmp_path, asked)


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
    github_api.limited(hub.folder, 5_000)
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
    github_api.limited(hub.folder, 5_000)
    second = hub.load("sbom", names, NOW + timedelta(days=1))
    assert isinstance(second, Loaded)
    assert 20 <= first.record.row_count <= 25  # four are asked at a time: the refused one may not be the last
    assert first.record.row_count + second.record.row_count == 60
    assert {name for (name,) in hub.rows("SELECT repository FROM github.sbom")} == set(names)


POLICIES = [
    "Although you appear to have the correct authorization credentials, the `sbx` organization has an IP allow list enabled",
    "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.",
    "`sbx` forbids access via a personal access token (classic). Please use a GitHub App, OAuth App, or a personal access token",
    "The 'sbx' organization forbids access via a fine-grained personal access tokens if the token's lifetime is over 366 days",
]


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
    real = github_api.document
    monkeypatch.setattr(github_api, "document", lambda at, r: {"id": r.id} if r.full_name == ONE else real(at, r))
    loaded = hub.load("repositories", FEW)
    assert isinstance(loaded, Loaded)
    assert set(loaded.record.facts["set_aside"]) == {ONE}
    assert loaded.record.row_count > 3


WITH_BILL = [r for r in TRUTH.repositories if not r.deleted and github_api.sbom(TRUTH, r) is not None][:12]
BILLS = tuple(repository.full_name for repository in WITH_BILL)


def purls(hub: Hub) -> list[tuple[Any, ...]]:
    return hub.rows("SELECT repository, position, purl FROM github.sbom__packages ORDER BY ALL")


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(polls=2, wrapped=False),
        Behaviour(polls=1, not_ready=201),
        Behaviour(reports=False, old_call=200),
        Behaviour(old_call=410),
    ],
    ids=["not ready, bare", "not ready as announced", "old call only", "old call removed"],
)
def test_however_github_gives_bills_of_materials_the_packages_are_the_same(
    behaviour: Behaviour, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bills, "SWEEPS", (0.0,) * 4)
    behave(hub.folder, behaviour)
    hub.load("sbom", BILLS)
    assert [(name, package["externalRefs"][0]["referenceLocator"]) for name, package in expected_packages()] == [
        (name, purl) for name, _, purl in purls(hub)
    ]
    assert {token for path, token, _ in hub.asked if "/storage/" in path} <= {""}, "the token stays with GitHub"


def expected_packages() -> list[tuple[str, Any]]:
    documents = {repository.full_name: github_api.sbom(TRUTH, repository) or {} for repository in WITH_BILL}
    return [(name, package) for name, document in sorted(documents.items()) for package in document["sbom"]["packages"]]


def test_what_the_old_call_announces_of_its_end_reaches_the_load(hub: Hub) -> None:
    behave(hub.folder, Behaviour(reports=False, old_call=200))
    loaded = hub.load("sbom", BILLS[:2])
    assert isinstance(loaded, Loaded)
    (notice,) = [finding for finding in loaded.findings if finding.check == "upstream_notice"]
    assert not notice.passed
    assert "will not answer after 2026-11-13" in notice.message


def test_bills_that_all_are_gone_at_once_are_a_broken_endpoint_and_the_packages_stay(hub: Hub) -> None:
    hub.load("sbom", BILLS)
    before = purls(hub)
    assert before
    behave(hub.folder, Behaviour(reports=False, old_call=404))
    with pytest.raises(RestError, match="none of 12 repositories has a bill of materials"):
        hub.load("sbom", BILLS, NOW + timedelta(days=7))
    assert purls(hub) == before


def test_a_bill_that_cannot_be_had_is_set_aside_keeps_its_packages_and_is_asked_for_again(hub: Hub) -> None:
    hub.load("sbom", BILLS)
    before, large = purls(hub), BILLS[3]
    behave(hub.folder, Behaviour(refused={large: POLICIES[0]}))
    loaded = hub.load("sbom", BILLS, NOW + timedelta(days=7))
    assert isinstance(loaded, Loaded)
    assert set(loaded.record.facts["set_aside"]) == {large}
    assert loaded.record.facts["again"] == [large]
    assert purls(hub) == before
    behave(hub.folder, Behaviour())
    hub.asked.clear()
    again = hub.load("sbom", BILLS, NOW + timedelta(days=7, hours=6))
    assert isinstance(again, Loaded)
    assert again.record.facts["asked"] == 1
    assert isinstance(hub.load("sbom", BILLS, NOW + timedelta(days=7, hours=12)), Unchanged)


def test_a_report_that_is_not_ready_by_the_end_is_told_and_asked_for_again(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bills, "SWEEPS", (0.0,))
    behave(hub.folder, Behaviour(polls=3))
    first = hub.load("sbom", (*BILLS[:3], "sbx-nobody/nothing"))
    assert isinstance(first, Loaded)
    assert first.record.facts[CUT_SHORT].startswith("3 reports were not ready at the end of the run")
    second = hub.load("sbom", (*BILLS[:3], "sbx-nobody/nothing"), NOW + timedelta(hours=6))
    assert isinstance(second, Loaded)
    assert second.record.cut_short is None
    assert {name for name, _, _ in purls(hub)} == set(BILLS[:3])


def test_a_document_of_another_shape_is_an_error_by_name(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(github_api, "document", lambda *_: {"id": 1, "full_name": "a/b", "owner": {}})
    with pytest.raises(RefusedError, match=rf"1 of 1 items set aside.*/repos/{ONE}.*'owner.login' is missing"):
        hub.load("repositories", FEW[:1])


def test_awkward_addresses_are_sorted_or_told(hub: Hub) -> None:
    named = rest_api.addresses(every_url())
    assert {"sbx-harbour", "sbx-harbour-docs", "sbx-lantern"} <= set(named.owners)
    assert {"sbx-dot/engine", "sbx-slash/road", "sbx-loud/llama", "sbx-habits/old", "sbx-deep/reef", "sbx-half/typed"} <= set(
        named.repositories
    )
    assert {"https:///sbx-lost/repo", "https://gitlab.example/sbx-forge/tool", "https://github.com/", ""} <= set(named.unusable)


@pytest.mark.parametrize(
    ("purl", "parts"),
    [
        ("pkg:npm/%40sbx/core@1.2.3", ("npm", "@sbx/core", "1.2.3")),
        ("pkg:npm/@sbx/core", ("npm", "@sbx/core", None)),
        ("pkg:golang/github.com/sbx/go/v2@v2.0.1?type=module#sub", ("golang", "github.com/sbx/go/v2", "v2.0.1")),
        ("pkg:PyPI/sbx", ("pypi", "sbx", None)),
        ("https://example.org", (None, None, None)),
        ("pkg:npm", (None, None, None)),
    ],
)
def test_package_urls_are_taken_apart(purl: str, parts: tuple[str | None, ...]) -> None:
    assert rest_api.parse_purl(purl) == parts


def more_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub grows: of a repository a plain field, a nested one and a template of an address; as much of a bill of materials."""
    document, sbom = github_api.document, github_api.sbom
    more = {"newScore": 7, "newCounts": {"a": 1}, "new_things_url": "https://api.github.com/{x}"}

    def bill(forge_: Any, repository: Any) -> Any:
        document = sbom(forge_, repository)
        if document is not None:
            document["sbom"] |= {"dataQuality": "good"}
            document["sbom"]["packages"] = [
                package | {"ecosystem": "cargo", "graph": []} for package in document["sbom"]["packages"]
            ]
        return document

    monkeypatch.setattr(github_api, "document", lambda *given: document(*given) | more)
    monkeypatch.setattr(github_api, "sbom", bill)


def test_new_plain_fields_arrive_nested_ones_are_told_and_templates_of_addresses_are_left_out(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    more_fields(monkeypatch)
    loaded = hub.load("repositories", FEW)
    assert isinstance(loaded, Loaded)
    assert loaded.record.facts["unknown_fields"] == ["repositories.new_score (VARCHAR)", "newCounts"]
    assert hub.rows("SELECT DISTINCT new_score FROM github.repositories WHERE status <> 'gone'") == [("7",)]
    assert "new_things_url" not in {name for name, *_ in hub.rows("DESCRIBE github.repositories")}
    hub.asked.clear()
    again = hub.load("repositories", FEW, NOW + timedelta(days=1))
    assert {status for _, _, status in hub.asked} <= {304, 404}, "nothing is sent again"
    assert isinstance(again, Loaded)
    assert set(again.record.facts["unknown_fields"]) >= {"newCounts"}, "and it is still told"
    assert any("new_score" in field for field in again.record.facts["unknown_fields"])
    bill = hub.load("sbom", (ONE.lower(),))
    assert isinstance(bill, Loaded)
    unknown = ["sbom.data_quality (VARCHAR)", "sbom__packages.ecosystem (VARCHAR)", "graph"]
    assert bill.record.facts["unknown_fields"] == unknown
