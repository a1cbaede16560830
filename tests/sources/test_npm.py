"""npm: packages by span of days, 128 at once where it allows that; a limiter; days that are not counted; capitals that count."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from oso_dagster.connectors.http.rest import RestError
from oso_dagster.domain.catalogue.loading import Loaded, RefusedError
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.sandbox.upstreams import npm as family
from oso_dagster.sources import npm
from tests.support.asgi import serving
from tests.support.landing import NOW, WORLD, Landing, landing, named, ordered

NEED = "oss_directory.projects__npm.url"
pytestmark = pytest.mark.server
WINDOWS = list(npm.SOURCE.tables[0].partitions.since(NOW - timedelta(days=60)).available(NOW))  # type: ignore[union-attr]


@dataclass
class Npm:
    """npm's server: counts by package, and a limiter that answers a bare 429 after `most` requests, until it has rested."""

    counts: dict[str, int]
    most: int | None = None
    rest: float = 0.05
    zero: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    paths: list[str] = field(default_factory=list)
    since: int = 0
    refused: int = 0
    last: float = 0.0

    def answer(self, request: Request) -> Response:
        now = time.monotonic()
        if now - self.last > self.rest:
            self.since = 0
        self.since += 1
        if self.most is not None and self.since > self.most:
            self.last, self.refused = max(self.last, now if self.since == self.most + 1 else self.last), self.refused + 1
            return Response(status_code=429)
        self.last = now
        self.paths.append(request.url.path)
        names, days = request.path_params["package"].split(","), self.days(request)
        counts = {name: self.counts[name] for name in names if name in self.counts}
        data = {name: {day: 0 if day in self.zero else count for day in days} for name, count in counts.items()}
        if self.broken & set(names):
            return JSONResponse({"error": "bad name"}, 400)
        return family._range(data, request)

    @staticmethod
    def days(request: Request) -> list[str]:
        first = datetime.fromisoformat(request.path_params["start"])
        last = datetime.fromisoformat(request.path_params["end"])
        return [(first + timedelta(days=number)).date().isoformat() for number in range((last - first).days + 1)]


@dataclass
class Upstream:
    npm: Npm
    landing: Landing

    def load(self, *windows: Window) -> list[Loaded]:
        loaded = self.landing.load_stretch("downloads", list(windows))
        assert all(isinstance(entry, Loaded) for entry in loaded)
        return [entry for entry in loaded if isinstance(entry, Loaded)]

    def rows(self) -> Counter[str]:
        return Counter(row["package"] for row in self.landing.rows("downloads"))


def upstream(home: Path, served: Npm) -> Iterator[Upstream]:
    app = Starlette(routes=[Route("/downloads/range/{start}:{end}/{package:path}", served.answer)])
    urls = [f"https://www.npmjs.com/package/{name}" for name in served.counts]
    with landing(npm.SOURCE, home, {NEED: urls}) as there, serving(app) as url:
        there.url = url
        yield Upstream(served, there)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Upstream]:
    counts = {"JSONStream": 700, "jsonstream": 3, "left": 50, "@a/b": 20, "@a/c": 30}
    yield from upstream(tmp_path, Npm(counts))


def test_a_complete_load_of_the_sandbox_is_what_the_generator_tells(tmp_path: Path) -> None:
    with landing(npm.SOURCE, tmp_path, {NEED: named(WORLD, "npm")}) as there:
        there.load_stretch("downloads", WINDOWS[-10:])
        days = {window.key for window in WINDOWS[-10:]}
        assert there.rows("downloads") == ordered([row for row in there.truth("downloads") if str(row["day"]) in days])


def test_packages_are_asked_for_once_a_run_and_those_without_a_scope_together(small: Upstream) -> None:
    loaded = small.load(*WINDOWS[-3:])
    assert len(small.npm.paths) == 3  # one for those without a scope, one for each of the others, for all three days
    assert "JSONStream,jsonstream,left" in small.npm.paths[0]
    assert all(not finding.passed or finding.check != "complete" for finding in loaded[0].findings if not finding.passed)
    assert small.rows() == dict.fromkeys(small.npm.counts, 3)
    totals = {row["package"]: row["downloads"] for row in small.landing.rows("downloads")}
    assert (totals["JSONStream"], totals["jsonstream"]) == (700, 3)


def test_a_run_that_the_limiter_ends_keeps_what_it_has_and_the_next_one_asks_for_the_rest(small: Upstream) -> None:
    small.npm.most, small.npm.rest = 2, 60.0
    (first,) = small.load(WINDOWS[-1])
    assert "1 of 5 packages are lacking" in str(first.record.cut_short)
    assert [finding.check for finding in first.findings if not finding.passed] == ["complete"]
    small.npm.most = None
    small.npm.paths.clear()
    (second,) = small.load(WINDOWS[-1])
    assert second.record.cut_short is None
    assert small.npm.paths[0].endswith("/@a/c"), "what is lacking comes first"
    assert small.rows() == dict.fromkeys(small.npm.counts, 1)


def test_what_a_short_second_look_did_not_ask_for_keeps_its_rows(small: Upstream) -> None:
    small.load(WINDOWS[-1])
    small.npm.most, small.npm.rest, small.npm.since = 1, 60.0, 0
    small.npm.last = time.monotonic()
    (again,) = small.load(WINDOWS[-1])
    assert again.record.cut_short is None, "nothing is lacking: the day has had every package before"
    assert small.rows() == dict.fromkeys(small.npm.counts, 1)


def test_a_day_that_is_0_for_all_is_refused_and_the_days_around_it_arrive(small: Upstream) -> None:
    bad = WINDOWS[-1]
    small.npm.zero = {bad.key}
    small.load(*WINDOWS[-3:-1])
    with pytest.raises(RefusedError, match=f"npm has not counted {bad.key} yet: 0 downloads for all of 5 packages"):
        small.load(bad)
    assert small.rows() == dict.fromkeys(small.npm.counts, 2)
    small.npm.zero.clear()
    small.load(bad)
    assert small.rows() == dict.fromkeys(small.npm.counts, 3)


def test_a_counted_day_keeps_its_rows_when_npm_loses_it(small: Upstream) -> None:
    small.load(WINDOWS[-1])
    small.npm.zero = {WINDOWS[-1].key}
    with pytest.raises(RefusedError, match="has not counted"):
        small.load(WINDOWS[-1])
    assert sum(row["downloads"] for row in small.landing.rows("downloads")) == 803


def test_a_day_that_is_filled_later_is_corrected_and_the_load_says_how_many_rows(small: Upstream) -> None:
    small.load(WINDOWS[-1])
    small.npm.counts["left"] = 55
    (again,) = small.load(WINDOWS[-1])
    assert (again.record.facts["rows_changed"], again.record.facts.get("rows_removed", 0)) == (1, 0)


def test_a_package_that_npm_removed_keeps_its_history_and_is_named(small: Upstream) -> None:
    small.load(WINDOWS[-2])
    del small.npm.counts["left"]
    before, new = small.load(*WINDOWS[-2:])
    assert new.record.facts["unknown_packages"] == ["left"]
    assert set(new.record.facts["vanished"]) == {"left"}
    assert small.rows()["left"] == 1
    assert before.record.row_count == 5


def test_one_name_that_npm_refuses_stops_no_other_of_the_same_request(small: Upstream) -> None:
    small.npm.broken = {"left"}
    (loaded,) = small.load(WINDOWS[-1])
    assert set(loaded.record.facts["set_aside"]) == {"left"}
    assert small.rows() == {name: 1 for name in small.npm.counts if name != "left"}


def test_no_known_package_is_an_error(small: Upstream) -> None:
    small.npm.counts.clear()
    with pytest.raises(RestError, match="none of 5 packages is known"):
        small.load(WINDOWS[-1])


def test_1537_packages_behind_the_limiter_are_complete_after_three_scheduled_runs(tmp_path: Path) -> None:
    names = [f"@scope-{number % 97}/part-{number}" for number in range(1056)] + [f"Part-{number}" for number in range(481)]
    served = Npm(dict.fromkeys(names, 5), most=40, rest=0.05)
    for there in upstream(tmp_path, served):
        day = WINDOWS[-1]
        there.landing.settings["requests_per_second"] = "100000"
        cut_short = [there.load(day)[0].record.cut_short for _ in range(3)]
        assert cut_short[:2] != [None, None]
        assert cut_short[2] is None
        assert served.refused > 10, "the limiter was met"
        assert there.rows() == dict.fromkeys(names, 1)
        assert len(served.paths) < 1300


@pytest.mark.parametrize(
    ("url", "package"),
    [
        ("https://www.npmjs.com/package/JSONStream", "JSONStream"),
        ("https://npmjs.com/Package/@Scope/name/v/1.0", "@Scope/name"),
        ("https://www.npmjs.com/package/@scope", None),
        ("https://www.npmjs.com/~someone", None),
    ],
)
def test_the_package_of_an_address(url: str, package: str | None) -> None:
    assert npm.package_of(url) == package
