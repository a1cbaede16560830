"""npm: the downloads of a day of some packages, as the endpoint of totals gives them.

`GET /downloads/point/{start}:{end}/{packages}` (npm/registry, docs/download-counts.md at ae49abf): a number a package, summed by
npm; 128 names without a scope at most, and one request of the forty that the limiter lets pass.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from oso_dagster.connectors.answers import take
from oso_dagster.connectors.http.pacing import Pace
from oso_dagster.domain.catalogue.loading import ExtractRequest, RefusedError
from oso_dagster.domain.catalogue.second_count import Held, Measure, SecondCount, TrueCount

SAMPLE = 100
_NEED = "oss_directory.projects__npm.url"
_PACE = Pace(concurrency=1, per_second=0.5)


def sample_of(packages: list[str]) -> list[str]:
    """The packages that are asked, the same ones each day: those without a scope whose names have the smallest hashes."""
    plain = {name for name in packages if not name.startswith("@")}
    return sorted(plain, key=lambda name: sha256(name.encode()).digest())[:SAMPLE]


def downloads_of(package_of: Callable[[str], str | None]) -> SecondCount:
    """The downloads of a day; `package_of` reads a package out of an address of the directory."""

    def count(request: ExtractRequest) -> list[TrueCount]:
        from oso_dagster.connectors.http.rest import client_of  # noqa: PLC0415  (HTTP loads when used)

        window = request.window
        if window is None or window.start is None or window.end is None:
            raise RefusedError(f"{request.where} is counted by day: a partition is expected")
        names = sample_of([name for url in request.inputs[_NEED] if (name := package_of(url))])
        day, client = window.start.date().isoformat(), client_of(request, _PACE)
        url = f"{request.settings['url']}/downloads/point/{day}:{day}/{','.join(names)}"
        answer = client.get(url)
        with client.trusting(url):
            by_package = {names[0]: answer.document} if len(names) == 1 else {name: take(answer.document, name) for name in names}
            there = {name: int(take(counted, "downloads")) for name, counted in by_package.items() if counted is not None}
        total = sum(there.values())
        return [TrueCount("", total, total, window.start, window.end, tuple(sorted(there)), there)]

    return SecondCount(
        "Downloads of the day by package, as npm's endpoint of totals sums them",
        count,
        Held(Measure.SUM, "downloads", item="package"),
        sample=f"up to {SAMPLE} packages without a scope whose names have the smallest hashes",
    )
