"""deps.dev: versions and source repository of the packages that OSS Directory and the bills of materials name.

Each package is asked for once a week (`v3`, one call a package), the source of its default version in batches (`v3alpha`, which
alone has them). A run asks for a bounded number of packages and the next one goes on behind it, so that a week may take days.

A known package may answer 404 for a while: it counts as vanished, and what was loaded of it stays. One that answers so in three
rounds one after the other is believed to be deleted: its row says `gone`, its versions go. What was known is kept in a file of
the cache; once that was lost, a 404 for a package that it does not name counts only after as many rounds. One whose answer is bad
is set aside, and asked for again by the next runs of the week.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from oso_dagster.connectors.answers import AnswerError, take, take_list
from oso_dagster.connectors.http.absence import AbsenceRule
from oso_dagster.connectors.http.pacing import Pace
from oso_dagster.connectors.http.pages import Page, walk
from oso_dagster.connectors.http.rest import Client, RateLimitedError, RestError, client_of, settings_of
from oso_dagster.connectors.items import Items
from oso_dagster.connectors.kept_state import MARK, KeptState
from oso_dagster.connectors.rounds import AGAIN, Round, left_over, round_of
from oso_dagster.connectors.undeclared import Known, carried
from oso_dagster.domain.catalogue.loading import CONTINUATION, UNKNOWN_FIELDS, Extract, ExtractRequest, LoadFacts, Unchanged
from oso_dagster.domain.catalogue.source import (
    Child,
    Column,
    ColumnType,
    Cost,
    Disposition,
    Schedule,
    Setting,
    SettingKind,
    Source,
    Stability,
    Table,
)
from oso_dagster.domain.catalogue.truth import ITEMS_ASKED, Absence
from oso_dagster.sources._deps_dev_names import ADDRESSES, PURL, packages_named

_PACE = Pace(concurrency=8, per_second=20)
_CHUNK = 100
_ABSENT = frozenset({400, 404})
"""A package that is not there, or whose name is none: bills of materials hold both."""
_NO_NAME = (AbsenceRule(Absence.GONE, _ABSENT),)
"""What holds of a package that was never there; of a known one a 400 is about the request."""
_ROUNDS = 3
"""A known package that is not there in so many rounds one after the other is believed to be deleted."""
_FOUND, _MISSED, _STATUS = "found", "missed", "status"
"""What is kept of a package: whether it ever had versions, the rounds since that it was not there, what its row says for good."""
_LOST = "memory_lost"
"""The fact that the file of what is kept was lost once."""

_SYSTEM = Column("system", ColumnType.VARCHAR, "Package system: NPM, CARGO, PYPI, GO, MAVEN, NUGET, RUBYGEMS", nullable=False)
_NAME = Column("name", ColumnType.VARCHAR, "Name of the package, as the system writes it", nullable=False)
_PACKAGES = (
    _SYSTEM,
    _NAME,
    Column("status", ColumnType.VARCHAR, "found; unknown: deps.dev has no such package; gone: it had one", nullable=False),
    Column("version_count", ColumnType.BIGINT, "Versions that there are", nullable=False),
    Column("default_version", ColumnType.VARCHAR, "Version that is installed when none is named; null where none is marked"),
    Column("source_repository", ColumnType.VARCHAR, "Repository of the default version: github.com/owner/name"),
    Column("source_url", ColumnType.VARCHAR, "Address of the source, as the package itself states it"),
    Column("licenses", ColumnType.VARCHARS, "Licences of the default version, as SPDX expressions"),
)
_VERSIONS = (
    _SYSTEM,
    _NAME,
    Column("version", ColumnType.VARCHAR, "Version", nullable=False),
    Column("published_at", ColumnType.TIMESTAMP, "When it was published; null where the system does not say"),
    Column("is_default", ColumnType.BOOLEAN, "Whether it is the default version", nullable=False),
)
_OF_PACKAGES, _OF_VERSIONS = ([column.name for column in columns] for columns in (_PACKAGES, _VERSIONS))
_KNOWN = Known.of(
    ["versionKey", "publishedAt", "isDefault", "licenses", "links", "relatedProjects"],
    pattern="purl|cooldown|isDeprecated|deprecatedReason|licenseDetails|advisoryKeys|slsaProvenances|attestations|registries|"
    "upstreamIdentifiers|projectStatus",
)
"""The fields of a version, in a package's list and by itself, with those that nobody here needs; what else is new arrives."""
_Rows = list[dict[str, Any]]


def _extract(request: ExtractRequest) -> Extract | Unchanged:
    """What is left of this week's round, as far as the limits allow. Raises RestError."""
    from oso_dagster.connectors import records, undeclared  # noqa: PLC0415  (Arrow loads when used)

    week, previous = f"{request.now:%G-W%V}", request.previous
    named, left_out = packages_named(request.inputs)
    this_round = round_of(week, named, previous)
    if this_round is None:
        return Unchanged(previous.version, previous.facts) if previous else Unchanged(week)
    facts: LoadFacts = {"week": week, "unsupported_systems": left_out, "asked": len(this_round.names)}
    state = KeptState.of(request) if previous else KeptState.newest(request)
    packages, versions, news = [], [], set[str]()
    facts[_LOST] = state.lost_since is not None or bool(previous and previous.facts.get(_LOST))
    facts[AGAIN] = left_over(week, previous)
    if set(facts[AGAIN]) == set(this_round.names):  # a few of a round that is done: shares are of the whole
        facts[ITEMS_ASKED] = len(named)
    for some, theirs in _ask(request, this_round, facts, news, state):  # rows carry what is new already
        packages.append(undeclared.table_with_news(_PACKAGES, some)[0])
        versions.append(undeclared.table_with_news(_VERSIONS, theirs)[0])
    facts |= {UNKNOWN_FIELDS: sorted(news), MARK: state.keep()}
    batches = {request.table: packages, f"{request.table}__versions": versions}
    return Extract(f"{week}/{records.version_of(*packages, *versions)}", batches, facts)


def _ask(
    request: ExtractRequest, this_round: Round, facts: LoadFacts, news: set[str], state: KeptState
) -> Iterator[tuple[_Rows, _Rows]]:
    """Packages and their versions, a chunk at a time, until the week's round, the run's share or the server's patience ends.

    What stays as it was, since its answer is not believed, does not come; `state` then holds what is known of every package.
    """
    client, share = client_of(request, _PACE), int(float(request.settings["packages_per_run"]))
    known = {name for name, kept in state.by_name.items() if kept[_FOUND]}
    there = {name for name in known if not state.by_name[name].get(_MISSED)}  # one vanishes once, not in each round again
    items, done, known_packages = Items.of(request, facts.get(ITEMS_ASKED, len(this_round.names)), there), 0, 0
    while done < len(this_round.names):
        if done >= share:
            this_round.cut(facts, f"A run asks for {share:,} packages", done)
            break
        names = this_round.names[done : min(done + _CHUNK, share)]
        try:
            had = dict(items.each(names, lambda name: _package(request, client, name, news, known), client.each))
            sources = _sources(request, client, [default for listed in had.values() if (default := _default(listed))])
        except RateLimitedError as error:
            if not done:
                raise
            this_round.cut(facts, error, done)
            break
        done += len(names)
        facts[AGAIN] = [name for name in facts[AGAIN] if name not in names]
        known_packages += sum(bool(listed) for listed in had.values())
        state.by_name |= {name: {_FOUND: True} for name in had} | {
            name: _without(state.by_name.get(name), lost=facts[_LOST]) for name in names if name in items.gone
        }
        absent = [_absent_row(name, status) for name in names if (status := state.by_name.get(name, {}).get(_STATUS))]
        yield (
            [*(_row(name, listed, sources, news) for name, listed in had.items()), *absent],
            [version for listed in had.values() for version in listed],
        )
    again = ITEMS_ASKED in facts
    if this_round.names and not known_packages and not again:
        raise RestError(f"{request.settings['url']}: none of {done:,} packages has a version there. Is the address right?")
    items.asked = max(items.asked, facts.get(ITEMS_ASKED, 0))
    items.tell(facts)
    facts |= {"found": known_packages, AGAIN: sorted({*facts[AGAIN], *items.set_aside})}
    if again:
        facts.pop(CONTINUATION, None)


def _without(kept: Mapping[str, Any] | None, *, lost: bool) -> dict[str, Any]:
    """What is kept of a package that is not there; with a status as soon as that is believed.

    >>> _without({"found": True, "missed": 2}, lost=False)
    {'found': False, 'status': 'gone'}
    """
    kept = kept or {_FOUND: False} | ({_MISSED: 0} if lost else {})
    missed = kept.get(_MISSED, 0) + 1
    doubted = (kept[_FOUND] or _MISSED in kept) and _STATUS not in kept
    if doubted and missed < _ROUNDS:
        return {_FOUND: kept[_FOUND], _MISSED: missed}
    return {_FOUND: False, _STATUS: kept.get(_STATUS) or ("gone" if kept[_FOUND] else "unknown")}


def _package(request: ExtractRequest, client: Client, package: str, news: set[str], known: Container[str]) -> _Rows:
    """The versions of a package. Raises AbsentError for one that is not there, RestError."""
    system, _, name = package.partition("/")
    url = f"{request.settings['url']}/v3/systems/{system.lower()}/packages/{quote(name, safe='')}"
    answer = client.get(url, accept=_ABSENT)
    if answer.status in _ABSENT:
        raise answer.absent(() if package in known else _NO_NAME)
    with client.trusting(url):
        listed = take_list(answer.document, "versions")
        return [
            {**carried(version, _KNOWN, _OF_VERSIONS, news), "system": system, "name": name,
             "version": take(version, "versionKey", "version"), "published_at": version.get("publishedAt"),
             "is_default": version.get("isDefault", False)}
            for version in listed
        ]  # fmt: skip


def _default(versions: Iterable[dict[str, Any]]) -> dict[str, str] | None:
    """The key of the default version; fields that are false or empty may be left out of an answer."""
    marked = (version for version in versions if version["is_default"])
    return next(({part: version[part] for part in ("system", "name", "version")} for version in marked), None)


def _sources(request: ExtractRequest, client: Client, keys: list[dict[str, str]]) -> dict[str, Any]:
    """What is said of each of these versions, by `SYSTEM/name` as it was asked for."""
    url = f"{request.settings['url']}/v3alpha/versionbatch"
    body = {"requests": [{"versionKey": key} for key in keys]}

    def page(token: str | int | None) -> Page:
        document = client.post(url, body | ({"pageToken": token} if token else {})).document
        return Page(take_list(document, "responses"), document.get("nextPageToken") or None, len(keys))

    with client.trusting(url):
        answers = list(walk(page)) if keys else []
        named = [take(answer, "request", "versionKey") for answer in answers]
        if [_folded(key) for key in named] == [_folded(key) for key in keys]:
            named = keys  # requests that fold into one are all answered with the spelling of the first
        answered = {f"{key['system']}/{key['name']}": answer.get("version") for key, answer in zip(named, answers, strict=True)}
        lost = sorted({f"{key['system']}/{key['name']}" for key in keys} - answered.keys())
        if lost:
            raise AnswerError(f"{len(lost):,} of {len(keys):,} versions are missing in the answer, {lost[0]} first")
        return answered


def _folded(key: Mapping[str, str]) -> tuple[str, str, str]:
    """What spellings of one package have in common, for any system."""
    return key["system"], re.sub(r"[-_.]+", "-", key["name"]).casefold(), key["version"].casefold()


def _absent_row(package: str, status: str) -> dict[str, Any]:
    system, _, name = package.partition("/")
    return dict.fromkeys(_OF_PACKAGES) | {"system": system, "name": name, "status": status, "version_count": 0}


def _row(package: str, versions: _Rows, sources: Mapping[str, Any], news: set[str]) -> dict[str, Any]:
    system, _, name = package.partition("/")
    details, default = sources.get(package) or {}, _default(versions)
    related = [project for project in details.get("relatedProjects", ()) if project.get("relationType") == "SOURCE_REPO"]
    links = [link["url"] for link in details.get("links", ()) if link.get("label") == "SOURCE_REPO"]
    return {
        **carried(details, _KNOWN, _OF_PACKAGES, news),
        "system": system,
        "name": name,
        "status": "found",
        "version_count": len(versions),
        "default_version": default["version"] if default else None,
        "source_repository": take(related[0], "projectKey", "id") if related else None,
        "source_url": links[0] if links else None,
        "licenses": details.get("licenses", []) if details else None,
    }


SOURCE = Source(
    name="deps_dev",
    title="deps.dev",
    homepage="https://deps.dev",
    licence="CC-BY-4.0",
    owner="team:data",
    stability=Stability.UNSTABLE,
    settings=(
        *settings_of("https://api.deps.dev", "Base address of the API of deps.dev", per_second=20),
        Setting(
            "packages_per_run", SettingKind.NUMBER, "How many packages a run requests; the next run continues", default="25000"
        ),
    ),
    tables=(
        Table(
            name="packages",
            description="One row per package that OSS Directory or a bill of materials names, with where its source is.",
            columns=_PACKAGES,
            children=(Child("versions", "Versions of the packages", _VERSIONS, ("system", "name", "version")),),
            primary_key=("system", "name"),
            disposition=Disposition.MERGE,
            keeps_deleted="A package that deps.dev has no more is marked `gone`; one that nobody names any more keeps its rows",
            item_column="name",
            identity="nothing: a package of another name is another package, in every system",
            why_not={
                "bands": "A load is a part of a week's round: its mix is that of the names that came in turn",
                "second_count": "deps.dev has no count of packages; what is asked for is what is named here",
            },
            set_aside_share=0.05,
            vanish_share=0.05,
            extract=_extract,
            schedule=Schedule("0 7 * * *"),
            cost=Cost(calls=25_000, bytes=400_000_000, duration=timedelta(minutes=30)),
            fresh_within=timedelta(days=3),
            resumable=True,
            needs=(*ADDRESSES, PURL),
        ),
    ),
)
