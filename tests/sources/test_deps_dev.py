"""deps.dev from the sandbox into the warehouse: all packages that somebody names, in rounds of a week, and errors by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from oso_dagster.connectors.http.rest import RateLimitedError, RestError
from oso_dagster.domain.catalogue.loading import Loaded, RefusedError, Unchanged
from oso_dagster.sandbox.protocols import web_api
from oso_dagster.sandbox.upstreams import deps_dev
from oso_dagster.sandbox.upstreams.npm import UNPUBLISHED
from oso_dagster.sources._deps_dev_names import packages_named
from oso_dagster.sources.deps_dev import SOURCE
from tests.support.landing import NOW, WORLD, Landing, clear_fault, landing, named, spoil

pytestmark = pytest.mark.server

INPUTS = {f"oss_directory.projects__{kind}.url": named(WORLD, kind) for kind in ("npm", "crates", "pypi", "go")}
INPUTS |= {"github.sbom__packages.purl": deps_dev.purls(WORLD)}


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Landing]:
    with landing(SOURCE, tmp_path, INPUTS) as place:
        place.settings = {"packages_per_run": "1000"}
        yield place


def test_every_package_that_somebody_names_arrives_with_versions_and_source_and_once_a_week(there: Landing) -> None:
    loaded = there.load("packages")
    assert isinstance(loaded, Loaded)
    assert there.rows("packages") == there.truth("packages")
    assert there.rows("packages__versions") == there.truth("packages__versions")
    assert loaded.record.facts["unsupported_systems"] == {
        "github": len([p for p in INPUTS["github.sbom__packages.purl"] if "github" in p])
    }
    assert isinstance(there.load("packages", now=NOW + timedelta(days=1)), Unchanged)
    again = there.load("packages", now=NOW + timedelta(days=7))
    assert isinstance(again, Loaded)
    assert there.rows("packages") == there.truth("packages")
    assert there.rows("packages__versions") == there.truth("packages__versions")


def test_awkward_packages_are_rows_too(there: Landing) -> None:
    """Unknown ones, ones without a source repository, without a default version, of every system, with scopes and slashes."""
    truth = there.truth("packages")
    assert {row["system"] for row in truth} == {"NPM", "CARGO", "PYPI", "GO"}
    (unpublished,) = [row for row in truth if row["name"] == UNPUBLISHED]
    assert (unpublished["status"], unpublished["version_count"]) == ("unknown", 0)
    assert [row for row in truth if row["status"] == "found" and row["source_repository"] is None]
    assert [row for row in truth if row["status"] == "found" and row["default_version"] is None]
    assert {"@sbx-sail/core", "github.com/sbx-gopher/tunnel/v2"} <= {row["name"] for row in truth}


def test_a_run_asks_for_its_share_and_the_next_one_goes_on_until_the_round_is_whole(there: Landing) -> None:
    there.settings = {"packages_per_run": "75"}
    loads = [there.load("packages", now=NOW + timedelta(hours=hour)) for hour in range(3)]
    assert [bool(load.record.cut_short) for load in loads if isinstance(load, Loaded)] == [True, True, False]
    asked = [path for method, path, *_ in there.asked if method == "GET"]
    assert len(asked) == len(set(asked)) == len(deps_dev.named(WORLD)), "a package was asked for twice, or never"
    assert there.rows("packages") == there.truth("packages")
    assert isinstance(there.load("packages", now=NOW + timedelta(hours=4)), Unchanged)


def test_a_rate_limit_keeps_what_came_and_the_next_run_goes_on(there: Landing) -> None:
    there.settings = {"packages_per_run": "1000", "requests_per_second": "1000"}
    packages = deps_dev.named(WORLD)
    spoil(there, "rate_limit", seconds=3600, path=packages[150].split("/", 1)[1])
    first = there.load("packages")
    assert isinstance(first, Loaded)
    assert "asks for a pause of 3,600 s" in str(first.record.cut_short)
    assert first.record.row_count == 100
    clear_fault(there)
    there.load("packages")
    assert there.rows("packages") == there.truth("packages")
    assert there.rows("packages__versions") == there.truth("packages__versions")


def test_sources_are_asked_for_in_batches_not_one_by_one(there: Landing) -> None:
    there.load("packages")
    batches = [path for method, path, *_ in there.asked if method == "POST"]
    pages = len(deps_dev.named(WORLD)) / deps_dev.PAGE
    assert pages * 0.8 <= len(batches) <= pages + 2


def forget(there: Landing, packages: list[str]) -> None:
    """deps.dev answers 404 for these, as it does for a while for packages that it knows (google/deps.dev, issues 103, 299)."""
    served = deps_dev.document(WORLD)
    web_api.save(there.home / "served", {name: entry for name, entry in served.items() if name not in packages})


def known() -> list[str]:
    return [name for name, entry in deps_dev.document(WORLD).items() if entry["package"]["versions"]]


@pytest.mark.parametrize("cache_lost", [False, True])
def test_a_404_that_passes_for_a_known_package_keeps_its_rows_and_is_counted(there: Landing, cache_lost: bool) -> None:
    there.load("packages")
    gone = known()[:2]
    forget(there, gone)
    if cache_lost:
        shutil.rmtree(there.home / "deps_dev")
    week = there.load("packages", now=NOW + timedelta(days=7))
    assert isinstance(week, Loaded)
    assert there.rows("packages") == there.truth("packages")
    assert there.rows("packages__versions") == there.truth("packages__versions")
    assert sorted(week.record.facts.get("vanished", ())) == ([] if cache_lost else sorted(gone))
    forget(there, [])
    there.load("packages", now=NOW + timedelta(days=14))
    assert there.rows("packages__versions") == there.truth("packages__versions")


def test_a_package_that_is_really_deleted_vanishes_once_and_is_gone_after_three_rounds(there: Landing) -> None:
    there.load("packages")
    deleted = known()[0]
    forget(there, [deleted])
    system, _, name = deleted.partition("/")
    weeks = [there.load("packages", now=NOW + timedelta(days=7 * week)) for week in (1, 2, 3, 4)]
    assert [list(load.record.facts.get("vanished", ())) for load in weeks if isinstance(load, Loaded)] == [[deleted], [], [], []]
    rows = [row for row in there.rows("packages") if (row["system"], row["name"]) == (system, name)]
    assert [(row["status"], row["version_count"]) for row in rows] == [("gone", 0)]
    left = [row for row in there.rows("packages__versions") if (row["system"], row["name"]) == (system, name)]
    assert left == []
    forget(there, [])
    there.load("packages", now=NOW + timedelta(days=35))
    assert there.rows("packages") == there.truth("packages"), "it came back"
    assert there.rows("packages__versions") == there.truth("packages__versions")


def test_two_rounds_without_a_package_are_no_deletion(there: Landing) -> None:
    there.load("packages")
    for week in (1, 2):
        forget(there, known()[:1])
        there.load("packages", now=NOW + timedelta(days=7 * week))
    assert there.rows("packages") == there.truth("packages")
    assert there.rows("packages__versions") == there.truth("packages__versions")


@pytest.mark.parametrize(("status", "words"), [(400, "400, unknown"), (500, "500"), (403, "403")])
def test_a_bad_answer_for_one_known_package_sets_it_aside_and_stops_no_other(there: Landing, status: int, words: str) -> None:
    there.load("packages")
    bad = max((name for name in known() if name.startswith("PYPI/")), key=len)
    spoil(there, "status", status=status, path=f"/packages/{bad.partition('/')[2]}", times=100)
    week = there.load("packages", now=NOW + timedelta(days=7))
    assert isinstance(week, Loaded)
    assert list(week.record.facts["set_aside"]) == [bad]
    assert words in week.record.facts["set_aside"][bad]
    assert "vanished" not in week.record.facts
    assert there.rows("packages") == there.truth("packages")
    assert there.rows("packages__versions") == there.truth("packages__versions")


def test_a_forced_load_knows_the_packages_of_those_before_it(there: Landing) -> None:
    there.load("packages")
    table = there.table("packages")
    forced = replace(table, extract=lambda request: table.extract(replace(request, previous=None)))
    there.source = replace(SOURCE, tables=(forced,))
    forget(there, known()[:2])
    there.load("packages", now=NOW + timedelta(hours=1))
    assert there.rows("packages") == there.truth("packages")
    assert there.rows("packages__versions") == there.truth("packages__versions")


def test_what_a_round_set_aside_is_asked_for_again_in_the_same_week(there: Landing) -> None:
    there.load("packages")
    spoil(there, "one_bad_item")
    week = NOW + timedelta(days=7)
    first = there.load("packages", now=week)
    assert isinstance(first, Loaded)
    (bad,) = first.record.facts["set_aside"]
    assert there.rows("packages") == there.truth("packages")
    still = there.load("packages", now=week + timedelta(hours=4))
    assert isinstance(still, Loaded)
    assert set(still.record.facts["set_aside"]) == {bad}
    clear_fault(there)
    asked = len(there.asked)
    second = there.load("packages", now=week + timedelta(days=1))
    assert isinstance(second, Loaded)
    assert "set_aside" not in second.record.facts
    (path,) = [path for method, path, *_ in there.asked[asked:] if method == "GET"]
    assert path.endswith(bad.rpartition("/")[2])
    assert isinstance(there.load("packages", now=week + timedelta(days=2)), Unchanged)
    assert there.rows("packages") == there.truth("packages")


def test_an_unusual_share_of_known_packages_that_answer_404_is_refused(there: Landing) -> None:
    there.load("packages")
    forget(there, known()[::10])
    with pytest.raises(RefusedError, match="items would be gone at once"):
        there.load("packages", now=NOW + timedelta(days=7))
    assert there.rows("packages__versions") == there.truth("packages__versions")


def test_spellings_of_a_package_that_a_batch_folds_into_the_first_each_get_their_source(there: Landing) -> None:
    """A batch is answered in the order of its requests, with the first spelling for all: the place says which was meant."""
    served = deps_dev.document(WORLD)
    package = next(
        name for name, entry in served.items() if name.startswith("CARGO/") and entry["version"] and entry["version"]["links"][1:]
    )
    capital = package.upper()
    served[capital] = json.loads(json.dumps(served[package]).replace(package[6:], capital[6:]))
    web_api.save(there.home / "served", served)
    there.inputs = INPUTS | {"github.sbom__packages.purl": [*INPUTS["github.sbom__packages.purl"], f"pkg:cargo/{capital[6:]}@1"]}
    there.load("packages")
    rows = {row["name"]: row for row in there.rows("packages") if row["name"].lower() == package[6:].lower()}
    assert rows.keys() == {package[6:], capital[6:]}
    assert all(row["source_url"] for row in rows.values())


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "empty", "path": "/v3/"}, "none of .* packages has a version there"),
        ({"kind": "empty", "path": "versionbatch"}, "hold 0 records where"),
        ({"kind": "duplicates"}, "times|where .* were announced|duplicate"),
        ({"kind": "drift"}, "is missing"),
        ({"kind": "status", "status": 404}, "none of .* packages has a version there|404"),
        ({"kind": "rate_limit", "seconds": 3600}, "asks for a pause of 3,600 s"),
        ({"kind": "html"}, "the answer is HTML, not JSON"),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_an_answer_that_is_wrong_is_an_error_by_name_and_the_rows_stay(there: Landing, fault: dict[str, str], words: str) -> None:
    there.inputs = {need: values[:4] for need, values in INPUTS.items()} | {
        "github.sbom__packages.purl": ["pkg:npm/sbx-part-1@1"]
    }
    there.load("packages")
    before = there.rows("packages__versions")
    assert before
    spoil(there, **fault)
    with pytest.raises((RestError, RefusedError, RateLimitedError), match=words):
        there.load("packages", now=NOW + timedelta(days=7))
    assert there.rows("packages__versions") == before


@pytest.mark.parametrize(
    ("purl", "package"),
    [
        ("pkg:npm/%40scope/JSONCore@1.2.3?arch=x#lib", "NPM/@scope/JSONCore"),
        ("pkg:npm/@scope/core", "NPM/@scope/core"),
        ("pkg:maven/org.apache/commons@1", "MAVEN/org.apache:commons"),
        ("pkg:golang/github.com/a/B/v2@v2.0.1", "GO/github.com/a/B/v2"),
        ("pkg:pypi/Zope.Interface@6", "PYPI/zope-interface"),
        ("pkg:gem/rails", "RUBYGEMS/rails"),
        ("pkg:githubactions/actions/checkout@v4", None),
        ("not a purl", None),
    ],
)
def test_package_urls_name_packages_as_their_system_writes_them(purl: str, package: str | None) -> None:
    packages, left_out = packages_named({need: [] for need in INPUTS} | {"github.sbom__packages.purl": [purl]})
    assert packages == ([package] if package else [])
    assert sum(left_out.values()) == (0 if package else 1)
