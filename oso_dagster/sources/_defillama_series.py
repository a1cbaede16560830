"""The series of DefiLlama's protocols: whole histories, which it corrects for months, under slugs that change.

A slug whose history is what it was brings its new days alone, one whose history is another comes whole in place of the old. A
protocol under another slug keeps one history: its id says so, whether the directory names the old slug still or the new one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlsplit

from oso_dagster.connectors.answers import AnswerError, take, take_list
from oso_dagster.connectors.http.absence import AbsenceRule
from oso_dagster.connectors.http.rest import Client, RestError
from oso_dagster.connectors.items import Items
from oso_dagster.connectors.renames import IDS, renamed_items
from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest, LoadFacts
from oso_dagster.domain.catalogue.source import Column
from oso_dagster.domain.catalogue.truth import RENAMED, Absence
from oso_dagster.sources import _defillama_answers as answers

NEED = "oss_directory.projects__defillama.url"
_ABSENT = frozenset({400, 403, 404, 410})
_UNKNOWN_HERE = AbsenceRule(Absence.GONE, frozenset({400}), re.compile("not found|no protocol|doesn't exist", re.IGNORECASE))
"""DefiLlama says with a 400 that it does not know a protocol; another 400 is about the request."""
_DAY = 86_400
_ALIASES = "aliases"
"""The fact, slugs of now by slugs that the directory still names."""
_SERIES: Mapping[str, tuple[str, dict[str, str | int], Any]] = {
    "tvl_events": ("protocol", {"restrictResponseSize": "false"}, answers.tvl),
    "trading_volume": ("summary/dexs", {}, answers.breakdown),
    "fees": ("summary/fees", {"dataType": "dailyFees"}, answers.breakdown),
}

_Rows = list[dict[str, Any]]


def histories(request: ExtractRequest, client: Client, columns: Sequence[Column], key: tuple[str, ...]) -> Extract:
    """Whole days only, of every slug. One that DefiLlama does not know, or has no such figures for, is named in the facts.

    Raises RestError where it knows none, and what the requests raise.
    """
    from oso_dagster.connectors import records  # noqa: PLC0415  (Arrow loads when used)

    run = _Run(request, client, key, request.previous.facts if request.previous else {})
    aliases: dict[str, str] = dict(request.kept_facts.get(_ALIASES, {}))
    slugs = sorted({aliases.get(slug, slug) for url in request.inputs[NEED] if (slug := slug_of(url))})
    items, batches = Items.of(request, len(slugs), run.seen.keys()), [records.table_of_records(columns, [])]

    def take_in(names: Iterable[str]) -> None:
        for slug, (id_, rows) in items.each(names, run.ask, client.each):
            with client.trusting(f"{request.settings['url']} ({slug})"):
                batches.append(records.table_of_records(columns, run.fresh(slug, id_, rows)))

    take_in(slugs)
    moved = run.moved({*items.gone, *run.emptied, *run.missing})
    for slug in moved:
        for bad in (items.gone, items.vanished, items.set_aside):
            bad.pop(slug, None)
    take_in(sorted(set(moved.values()) - set(slugs)))
    missing = [slug for slug in (*run.missing, *items.gone) if slug not in moved]
    if len(missing) == len(slugs):
        raise RestError(f"{request.settings['url']}: none of the {len(slugs)} slugs is known there. Is this the right address?")
    renamed = run.renamed(set(slugs) - moved.keys() - items.gone.keys())
    facts: LoadFacts = {"unknown_slugs": sorted(missing), _ALIASES: aliases | moved} | run.kept(renamed)
    items.tell(facts)
    corrected = run.whole & run.seen.keys()
    facts |= ({"history_replaced": sorted(corrected)} if corrected else {}) | ({RENAMED: renamed} if renamed else {})
    whole_items = corrected | (run.whole & set(renamed.values()))
    return Extract(records.version_of(*batches), {request.table: batches}, facts, whole_items=whole_items)


@dataclass
class _Run:
    """One load of a series; `before` are the facts of the last one. `whole` are slugs whose whole history comes."""

    request: ExtractRequest
    client: Client
    key: tuple[str, ...]
    before: Mapping[str, Any]
    through: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    whole: set[str] = field(default_factory=set)
    emptied: set[str] = field(default_factory=set)

    @property
    def seen(self) -> Mapping[str, str]:
        """The newest day of each slug at the last load."""
        seen: Mapping[str, str] = self.before.get("through", {})
        return seen

    def ask(self, slug: str) -> tuple[str | None, _Rows | None]:
        """DefiLlama's id and the whole days of a slug; None where it has no such figures."""
        id_, series = _ask(self.request, self.client, slug)
        if slug in self.seen and not series:
            self.emptied.add(slug)
            raise AnswerError("no value, where there were some before")
        end = self.request.now.timestamp() - _DAY
        rows = answers.last_of_day(series or [], self.key)
        return id_, series and [row | {"slug": slug} for row in rows if row["time"] <= end]

    def fresh(self, slug: str, id_: str | None, rows: _Rows | None) -> _Rows:
        """The rows of a slug that are to be loaded: its new days, or all where its history is another."""
        if id_ is not None:
            self.ids[slug] = id_
        if rows is None:
            self.missing.append(slug)
            return []
        known = datetime.fromisoformat(self.seen[slug]).timestamp() if slug in self.seen else None
        same = known is not None and self.before.get("digests", {}).get(slug) == _digest(
            row for row in rows if row["time"] <= known
        )
        if not same:
            self.whole.add(slug)
        if rows:
            newest = max(row["time"] for row in rows)
            self.through[slug], self.digests[slug] = datetime.fromtimestamp(newest, UTC).isoformat(), _digest(rows)
        return [row for row in rows if not same or row["time"] > (known or 0)]

    def moved(self, lost: Iterable[str]) -> dict[str, str]:
        """Where lost slugs are now: what DefiLlama's list calls the protocols of their ids; nothing of those not in it."""
        known: Mapping[str, str] = self.request.kept_facts.get(IDS, {})
        ids = {slug: id_ for slug in lost if (id_ := known.get(slug))}
        if not ids:
            return {}
        url = f"{self.request.settings['url']}/protocols"
        answer = self.client.get(url)
        with self.client.trusting(url):
            slugs = {str(take(protocol, "id")): str(take(protocol, "slug")) for protocol in take_list(answer.document)}
        return {slug: slugs[id_] for slug, id_ in ids.items() if slugs.get(id_, slug) != slug}

    def renamed(self, asked_still: set[str]) -> dict[str, str]:
        """Slugs of now by those of before, of which nobody asks any more."""
        known: Mapping[str, str] = self.request.kept_facts.get(IDS, {})
        return renamed_items({slug: id_ for slug, id_ in known.items() if slug not in asked_still}, self.ids)

    def kept(self, renamed: Mapping[str, str]) -> LoadFacts:
        """What the next load must know of each slug."""
        marks = {
            "through": {**self.seen, **self.through},
            "digests": {**self.before.get("digests", {}), **self.digests},
            IDS: {**self.request.kept_facts.get(IDS, {}), **self.ids},
        }
        return {name: {slug: mark for slug, mark in now.items() if slug not in renamed} for name, now in marks.items()}


def slug_of(url: str) -> str | None:
    """The slug in an address such as https://defillama.com/protocol/aave; None for another address."""
    parts = urlsplit(url).path.strip("/").split("/")
    return parts[1].lower() if parts[0] == "protocol" and len(parts) > 1 and parts[1] else None


def _ask(request: ExtractRequest, client: Client, slug: str) -> tuple[str | None, _Rows | None]:
    path, parameters, read = _SERIES[request.table]
    url = f"{request.settings['url']}/{path}/{quote(slug, safe='')}"
    answer = client.get(url, parameters, accept=_ABSENT)
    if answer.status in _ABSENT:
        raise answer.absent([_UNKNOWN_HERE])
    if answer.document == {}:  # what DefiLlama answers where it has no summary
        return None, None
    with client.trusting(url):
        id_ = answer.document.get("id") if isinstance(answer.document, Mapping) else None
        return (str(id_) if id_ else None), list(read(answer.document))


def _digest(rows: Iterable[dict[str, Any]]) -> str:
    """A name for exactly these rows, in whatever order they come."""
    lines = sorted(repr(sorted(row.items())) for row in rows)
    return sha256("\n".join(lines).encode()).hexdigest()[:16]
