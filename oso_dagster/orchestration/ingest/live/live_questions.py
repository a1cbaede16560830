"""What only a live request can show of each upstream, as named questions: polite, bounded, harmless, answered in words.

A question is asked by `oso sources check NAME --live`. It says what came, whatever that is; it judges nothing and stores nothing.
Addresses are those of the source's settings, so that the sandbox can stand as the live world.
"""

from __future__ import annotations

import json
import re
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from oso_dagster.connectors.http.glance import Glance, Glancer

_SHOWN = 160
_TELLING = ("retry-after", "last-modified", "deprecation", "sunset", "warning", "location", "x-ratelimit-limit", "server")
"""Headers that are worth a line, where an answer has them."""
_DAY = re.compile(rb"20[0-9]{2}-[01][0-9]-[0-3][0-9]")
_GZIP = 31


@dataclass(frozen=True)
class Asked:
    """Who is asked and with what: the source's settings, clients built for it, the time, and a bounded hand for requests."""

    settings: Mapping[str, str] = field(repr=False)
    clients: Mapping[str, Any] = field(repr=False)
    now: datetime
    glancer: Glancer

    @property
    def url(self) -> str:
        """The source's address, without a slash at its end."""
        return self.settings["url"].rstrip("/")


@dataclass(frozen=True)
class Question:
    """One question by name. `ask` gives its answer in lines; what it raises is an answer too."""

    name: str
    text: str
    ask: Callable[[Asked], Iterator[str]]


def plain(glance: Glance) -> str:
    """An answer in a line: status, size, time, telling headers, and the beginning of an error's body."""
    parts = [f"{glance.status}", f"{len(glance.body):,} bytes{'' if glance.whole else ' and more'}", f"{glance.seconds:.2f} s"]
    parts += [f"{name}: {glance.headers[name]}" for name in _TELLING if name in glance.headers]
    error = " ".join(glance.body[:_SHOWN].decode("utf-8", "replace").split()) if glance.status >= 400 else ""  # noqa: PLR2004
    return "; ".join(parts) + (f"; `{error}`" if error else "")


def _growthepie_file(asked: Asked) -> Iterator[str]:
    addresses = [asked.url, *([asked.url.replace("growthepie.xyz", "growthepie.com")] if "growthepie.xyz" in asked.url else [])]
    for address in addresses:
        glance = asked.glancer.look(address)
        newest = max(_DAY.findall(glance.body), default=b"none").decode()
        yield f"{address}: {plain(glance)}; newest day in what was read: {newest}"


def _growthepie_exports(asked: Asked) -> Iterator[str]:
    base = asked.url.rpartition("/v1/")[0] or asked.url.rpartition("/")[0]
    for path in ("v1/export/daa.json", "v1/fundamentals.json", "v1/master.json"):
        yield f"{path}: {plain(asked.glancer.look(f'{base}/{path}'))}"


def _npm_limiter(asked: Asked) -> Iterator[str]:
    address, begun = f"{asked.url}/downloads/point/last-day/npm", time.monotonic()
    for number in range(1, 46):
        glance = asked.glancer.look(address)
        if glance.status == 429:  # noqa: PLR2004
            yield f"request {number} after {time.monotonic() - begun:.0f} s: {plain(glance)}"
            for wait in (15, 30, 60):
                asked.glancer.rest(wait, address)
                again = asked.glancer.look(address)
                yield f"{wait} s later: {plain(again)}"
                if again.status != 429:  # noqa: PLR2004
                    return
            return
    yield f"no 429 in {number} requests over {time.monotonic() - begun:.0f} s; the last: {plain(glance)}"


def _npm_unknown(asked: Asked) -> Iterator[str]:
    for names in ("npm,oso-has-no-such-package", "oso-has-no-such-package"):
        glance = asked.glancer.look(f"{asked.url}/downloads/point/last-day/{names}")
        yield f"{names}: {plain(glance)}; `{glance.body[:_SHOWN].decode('utf-8', 'replace')}`"


def _giveth_versions(asked: Asked) -> Iterator[str]:
    queries = {
        asked.url: "{ qfRounds { id name isActive } }",
        asked.settings.get("v6_url", asked.url): "{ qfRounds(skip: 0, take: 5) { rounds { id name isActive } total } }",
    }
    for address, query in queries.items():
        glance = asked.glancer.look(address, {"query": query})
        yield f"{address}: {plain(glance)}; `{glance.body[:_SHOWN].decode('utf-8', 'replace')}`"


def _collective_week(asked: Asked) -> Iterator[str]:
    end = asked.now.replace(hour=0, minute=0, second=0, microsecond=0)
    span = f'dateFrom: "{(end - timedelta(days=7)).isoformat()}", dateTo: "{end.isoformat()}"'
    query = f"{{ transactions(limit: 100, {span}) {{ totalCount nodes {{ createdAt }} }} }}"
    token = asked.settings.get("token")
    glance = asked.glancer.look(asked.url, {"query": query}, {"Personal-Token": token} if token else {})
    times = re.findall(rb'"createdAt":\s*"([^"]+)"', glance.body)
    order = "ascending" if times == sorted(times) else "descending" if times == sorted(times, reverse=True) else "in no order"
    total = re.search(rb'"totalCount":\s*(\d+)', glance.body)
    yield f"{plain(glance)}; {len(times)} of {total[1].decode() if total else '?'} transactions of a week, {order}"


def _eas_take(asked: Asked) -> Iterator[str]:
    since = int((asked.now - timedelta(days=28)).timestamp())
    query = f"{{ attestations(take: 1000, where: {{time: {{gte: {since}}}}}) {{ time timeCreated }} }}"
    glance = asked.glancer.look(asked.url, {"query": query}, most_bytes=5_000_000)
    pairs = re.findall(rb'"time":\s*(\d+),\s*"timeCreated":\s*(\d+)', glance.body)
    late = sum(int(created) - int(at) > timedelta(days=1).total_seconds() for at, created in pairs)
    yield f"{plain(glance)}; {len(pairs):,} attestations, {late:,} of them came more than a day after they were made"


def _deps_case(asked: Asked) -> Iterator[str]:
    for name in ("github.com%2FBurntSushi%2Ftoml", "github.com%2Fburntsushi%2Ftoml"):
        yield f"{name}: {plain(asked.glancer.look(f'{asked.url}/v3/systems/go/packages/{name}'))}"


def _github_bills(asked: Asked) -> Iterator[str]:
    token = asked.settings.get("token")
    headers = {"Accept": "application/vnd.github+json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    base = f"{asked.settings['api_url'].rstrip('/')}/repos/opensource-observer/oss-directory/dependency-graph/sbom"
    for path in ("", "/generate-report"):
        glance = asked.glancer.look(base + path, headers=headers)
        keys = re.findall(rb'"(\w+)"', glance.body[:_SHOWN])
        yield f"sbom{path}: {plain(glance)}; first keys: {b', '.join(keys[:4]).decode() or 'none'}"


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


def _superchain_days(asked: Asked) -> Iterator[str]:
    from oso_dagster.connectors.bigquery import Query, QueryPatience, Reader  # noqa: PLC0415  (Google's client loads when used)
    from oso_dagster.sources.superchain import CHAIN_COLUMNS, CHAINS_QUERY  # noqa: PLC0415

    newest = (asked.now - timedelta(days=2)).date()
    days = {"day": newest, "before": newest - timedelta(days=1)}
    query = Query(CHAINS_QUERY.format(dataset=asked.settings["dataset"]), days, CHAIN_COLUMNS, 5_000_000_000)
    secrets = [asked.settings[name] for name in ("credentials",) if name in asked.settings]
    reader = Reader(asked.clients["bigquery"], QueryPatience(1, 60), secrets)
    facts: dict[str, Any] = {}
    with reader.open():
        rows = [row for batch in reader.read(query, facts) for row in batch.to_pylist()]
    for day in sorted(days.values()):
        counts = sorted((row["chain"], row["transactions"]) for row in rows if row["day"] == day)
        yield f"{day}: {', '.join(f'{chain} {number:,}' for chain, number in counts) or 'nothing'}"
    yield f"{facts['bytes_scanned']:,} bytes were scanned"


def _gitcoin_server(asked: Asked) -> Iterator[str]:
    from oso_dagster.connectors.database import table_reader  # noqa: PLC0415  (drivers load when used)

    if not asked.settings.get("url"):
        yield "no address is set (OSO_GITCOIN_URL): nothing was asked"
        return
    columns = table_reader.inspect_table(asked.settings["url"], "all_donations").columns
    yield f"the server answers; all_donations has {len(columns)} columns: {', '.join(columns)}"


QUESTIONS: Mapping[str, Sequence[Question]] = {
    "growthepie": (
        Question("full_file", "Is fundamentals_full.json gone, frozen or written, and on which host?", _growthepie_file),
        Question("exports", "Do the exports that came in its place answer?", _growthepie_exports),
    ),
    "npm": (
        Question("limiter", "Where does 429 begin, and when does it end?", _npm_limiter),
        Question("unknown_package", "How does an answer for many name an unknown package?", _npm_unknown),
    ),
    "giveth": (Question("versions", "Does v6 answer without a key, and are its ids those of the older API?", _giveth_versions),),
    "gitcoin": (Question("server", "Is the server there?", _gitcoin_server),),
    "open_collective": (Question("week", "How long does a week take, and in which order does it come?", _collective_week),),
    "eas_optimism": (Question("take_1000", "Do 1,000 attestations pass at once, and how many came late?", _eas_take),),
    "deps_dev": (Question("go_case", "Do Go modules answer under another case?", _deps_case),),
    "github": (
        Question("bills", "What do the old and the new endpoint of bills of materials answer?", _github_bills),
        Question("archive_hours", "Which share of an hour's events lies outside its hour?", _archive_hours),
    ),
    "superchain": (Question("filled", "Is the dataset still filled, and with which chains?", _superchain_days),),
}
"""The questions of each source; most need none."""


def answers_of(question: Question, asked: Asked) -> Iterator[str]:
    """The lines of an answer; an error ends them with its words."""
    try:
        yield from question.ask(asked)
    except Exception as error:  # noqa: BLE001  (whatever went wrong is the answer)
        yield f"{type(error).__name__}: {' '.join(str(error).split())}"
