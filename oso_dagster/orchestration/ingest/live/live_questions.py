"""What only a live request can show of each upstream, as named questions: polite, bounded, harmless, answered in words.

A question is asked by `oso sources check NAME --live`. It says what came, whatever that is; it judges nothing and stores nothing.
Addresses are those of the source's settings, so that the sandbox can stand as the live world.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from oso_dagster.orchestration.ingest.live import github_questions
from oso_dagster.orchestration.ingest.live.asking import SHOWN, Asked, Question, plain

_ROUND = re.compile(r'"id":\s*"?([^",]+)"?,\s*"name":\s*"([^"]*)"')
_DAY = re.compile(rb"20[0-9]{2}-[01][0-9]-[0-3][0-9]")


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
        yield f"{names}: {plain(glance)}; `{glance.body[:SHOWN].decode('utf-8', 'replace')}`"


def _giveth_versions(asked: Asked) -> Iterator[str]:
    queries = (
        ("the older API", asked.url, "{ qfRounds { id name isActive } }"),
        ("v6", asked.settings.get("v6_url", asked.url), "{ qfRounds(skip: 0, take: 50) { rounds { id name isActive } total } }"),
    )
    ids: list[dict[str, str]] = []
    for version, address, query in queries:
        glance = asked.glancer.look(address, {"query": query})
        rounds = _ROUND.findall(glance.body.decode("utf-8", "replace"))
        ids.append({name: id_ for id_, name in rounds})
        yield f"{version}, {address}: {plain(glance)}; {len(rounds)} rounds"
    both = sorted(ids[0].keys() & ids[1].keys())
    same = sum(ids[0][name] == ids[1][name] for name in both)
    yield f"{len(both)} rounds have a name in both, of which {same} have the same id"


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
    "github": github_questions.QUESTIONS,
    "superchain": (Question("filled", "Is the dataset still filled, and with which chains?", _superchain_days),),
}
"""The questions of each source; most need none."""


def answers_of(question: Question, asked: Asked) -> Iterator[str]:
    """The lines of an answer; an error ends them with its words."""
    try:
        yield from question.ask(asked)
    except Exception as error:  # noqa: BLE001  (whatever went wrong is the answer)
        yield f"{type(error).__name__}: {' '.join(str(error).split())}"
