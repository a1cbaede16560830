"""Bills of materials, by the reports of today and the call of before: the same packages, and each fault by its own name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from oso_dagster.connectors.github import bills, rest_api
from oso_dagster.connectors.http.rest import RestError
from oso_dagster.domain.catalogue.loading import CUT_SHORT, Loaded, RefusedError, Unchanged
from oso_dagster.sandbox.upstreams import github_api
from oso_dagster.sandbox.upstreams._github import documents
from oso_dagster.sandbox.upstreams._github.behaviour import Behaviour, behave
from tests.sources.github_api_hub import FEW, NOW, ONE, POLICIES, TRUTH, Hub, every_url, open_hub

pytestmark = pytest.mark.server


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with open_hub(tmp_path) as made:
        yield made


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_api, "LIMITS", replace(rest_api.LIMITS, attempts=2, pause=0.01))


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
    monkeypatch.setattr(documents, "repository", lambda *_: {"id": 1, "full_name": "a/b", "owner": {}})
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
    document, sbom = documents.repository, github_api.sbom
    more = {"newScore": 7, "newCounts": {"a": 1}, "new_things_url": "https://api.github.com/{x}"}

    def bill(forge_: Any, repository: Any) -> Any:
        document = sbom(forge_, repository)
        if document is not None:
            document["sbom"] |= {"dataQuality": "good"}
            document["sbom"]["packages"] = [
                package | {"ecosystem": "cargo", "graph": []} for package in document["sbom"]["packages"]
            ]
        return document

    monkeypatch.setattr(documents, "repository", lambda *given: document(*given) | more)
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
