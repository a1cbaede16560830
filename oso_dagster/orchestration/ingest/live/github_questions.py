"""What only a live request can show of GitHub and GH Archive: bills of materials, names in them, limits, late events."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from datetime import timedelta

from oso_dagster.connectors.http.glance import Glance
from oso_dagster.orchestration.ingest.live.asking import SHOWN, Asked, Question, plain

_GZIP = 31
_TRIES = 6
_WAIT = 5.0
_OF_GO = "cli/cli"
"""A repository of Go modules with capitals in their names."""
_MOST = 5_000_000


def _headers(asked: Asked) -> dict[str, str]:
    token = asked.settings.get("token")
    return {"Accept": "application/vnd.github+json"} | ({"Authorization": f"Bearer {token}"} if token else {})


def _bill(asked: Asked, repository: str) -> Iterator[tuple[str, Glance]]:
    """The steps to a bill of materials: the old call, the order of a report, its fetching until it is there."""
    base = f"{asked.settings['api_url'].rstrip('/')}/repos/{repository}/dependency-graph/sbom"
    yield "sbom", asked.glancer.look(base, headers=_headers(asked), most_bytes=_MOST)
    ordered = asked.glancer.look(f"{base}/generate-report", headers=_headers(asked))
    yield "sbom/generate-report", ordered
    url = str(json.loads(ordered.body).get("sbom_url", "")) if ordered.status in {200, 201} else ""
    if not url.startswith(base):
        return
    for _ in range(_TRIES):
        fetched = asked.glancer.look(url, headers=_headers(asked), most_bytes=_MOST)
        yield "sbom/fetch-report", fetched
        if "location" in fetched.headers:  # another host: without the token
            yield "the report", asked.glancer.look(fetched.headers["location"], most_bytes=_MOST)
            return
        if fetched.status not in {201, 202}:
            return
        asked.glancer.rest(_WAIT, url)


def _bills(asked: Asked) -> Iterator[str]:
    for step, glance in _bill(asked, "opensource-observer/oss-directory"):
        keys = re.findall(rb'"(\w+)"\s*:', glance.body[:SHOWN])
        yield f"{step}: {plain(glance)}; first keys: {b', '.join(keys[:4]).decode() or 'none'}"


def _go_names(asked: Asked) -> Iterator[str]:
    names: set[str] = set()
    for step, glance in _bill(asked, _OF_GO):
        names = {name.decode() for name in re.findall(rb"pkg:golang/([^@\"?]+)", glance.body)}
        yield f"{step} of {_OF_GO}: {glance.status}; {len(names):,} Go modules"
        if names:
            break
    capitals = sorted(name for name in names if name != name.lower())
    yield f"{len(capitals):,} of {len(names):,} have capitals{': ' if capitals else ''}{', '.join(capitals[:3])}"


def _limits(asked: Asked) -> Iterator[str]:
    glance = asked.glancer.look(f"{asked.settings['api_url'].rstrip('/')}/rate_limit", headers=_headers(asked))
    limits = ", ".join(f"{name}: {value}" for name, value in sorted(glance.headers.items()) if name.startswith("x-ratelimit-"))
    yield f"rate_limit: {plain(glance)}; {limits or 'no header of a limit'}"
    yield "a secondary limit is not provoked; what loads met of one: `oso sources show github`, and the logs of their runs"


def _archive_hours(asked: Asked) -> Iterator[str]:
    hour = (asked.now - timedelta(days=3)).replace(minute=0, second=0, microsecond=0)
    url = f"{asked.settings['archive_url'].rstrip('/')}/{hour:%Y-%m-%d}-{hour.hour}.json.gz"
    glance = asked.glancer.look(url, most_bytes=5_000_000)
    text = zlib.decompressobj(_GZIP).decompress(glance.body) if glance.status == 200 else b""  # noqa: PLR2004
    lines = text.split(b"\n")[: None if glance.whole else -1]
    times = [str(json.loads(line)["created_at"]) for line in lines if line]
    outside = sum(not at.startswith(f"{hour:%Y-%m-%dT%H}") for at in times)
    share = f"{outside / len(times):.1%}" if times else "no share"
    yield f"{url}: {plain(glance)}; of {len(times):,} events that were read {outside:,} lie outside the file's hour ({share})"


QUESTIONS = (
    Question("bills", "What do the old and the new endpoint of bills of materials answer, and is the new one wrapped?", _bills),
    Question("go_names", "In which case do bills name Go modules?", _go_names),
    Question("limits", "Which limits are named, and does a secondary one say for how long?", _limits),
    Question("archive_hours", "Which share of an hour's events lies outside its hour?", _archive_hours),
)
"""The questions of the source `github`."""
