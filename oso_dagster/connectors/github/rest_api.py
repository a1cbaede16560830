"""GitHub's REST API: which addresses name a repository, what is asked for it, and rows from the answers.

Belongs here: addresses, listings, one repository, one bill of materials. Pace, retries and limits are `rest`'s; which names are
asked in a run and what is kept between runs is in `repository_rounds`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

from oso_dagster.connectors.answers import take, take_list
from oso_dagster.connectors.github.absence_rules import GITHUB_RULES
from oso_dagster.connectors.http.absence import AbsentError
from oso_dagster.connectors.http.pacing import Limits, Pace
from oso_dagster.connectors.http.redirects import same_origin
from oso_dagster.connectors.http.rest import Answer, Client, RateLimitedError, RestError
from oso_dagster.connectors.undeclared import Known, carried
from oso_dagster.domain.catalogue.notices import UpstreamNotes
from oso_dagster.domain.catalogue.truth import Absence

ABSENT = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS})
"""Answers without what was asked for; what they say of it is for `absence_rules` to judge, by their message."""
_CONCURRENCY = 4
LIMITS = Limits(patience=90)
_ADDRESS = re.compile(
    r"(?:https?://)?(?:www\.)?github\.com/+(?:orgs/+)?(?P<owner>[a-z0-9-]+)(?:/+(?P<name>[a-z0-9_.-]+))?(?:[/?#]|\Z)"
)
_NEXT = re.compile(r'<(?P<url>[^>]+)>\s*;\s*rel="next"')
_MOST_PAGES = 500


@dataclass(frozen=True)
class Addresses:
    """What a directory's addresses name, in lower case: owners to list, repositories to ask for, and what names neither."""

    owners: tuple[str, ...]
    repositories: tuple[str, ...]
    unusable: tuple[str, ...]


@dataclass(frozen=True)
class ListingPage:
    """One page of an owner's repositories, or the server's word that it is as before; `after` is the address of the next."""

    url: str
    answer: Answer
    after: str | None


def client(token: str | None, per_second: float, notes: UpstreamNotes | None = None) -> Client:
    """A client that waits out short limits, and raises RateLimitedError for long ones. Without a token GitHub allows 60 an hour.

    What GitHub announces (a deprecation, a last day) goes into `notes`.
    """
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return Client(
        headers,
        secrets=[token] if token else [],
        pace=Pace(_CONCURRENCY, per_second),
        limits=LIMITS,
        notes=notes or UpstreamNotes(),
    )


def absent(answer: Answer) -> AbsentError:
    """What an answer without a repository says of it, as an error to raise; raises RateLimitedError itself for a limit."""
    error = answer.absent(GITHUB_RULES)
    if error.absence is Absence.LIMITED:
        raise RateLimitedError(f"{answer.url}: {error}", 0.0)
    return error


def repository(asking: Client, url: str, validators: Mapping[str, str] | None = None) -> Answer:
    """A repository, by name or by id; of one that moved what GitHub redirects to. Raises AbsentError, RestError."""
    answer = asking.get(url, validators=validators, accept=ABSENT)
    if answer.status in ABSENT:
        raise absent(answer)
    return answer


def addresses(urls: Iterable[str]) -> Addresses:
    """Sort addresses into owners and repositories.

    >>> addresses(["https://github.com/Ethereum/EIPs.git", "https://github.com/orgs/ethereum/people", "https://example.org"])
    Addresses(owners=('ethereum',), repositories=('ethereum/eips',), unusable=('https://example.org',))
    """
    owners, repositories, unusable = set(), set(), set()
    for url in urls:
        match = _ADDRESS.match(url.strip().lower())
        if match is None:
            unusable.add(url)
        elif (name := (match["name"] or "").removesuffix(".git")) and "github.com/orgs/" not in url.lower():
            repositories.add(f"{match['owner']}/{name}")
        else:
            owners.add(match["owner"])
    return Addresses(tuple(sorted(owners)), tuple(sorted(repositories)), tuple(sorted(unusable)))


def listing(asking: Client, api: str, owner: str, known: Mapping[str, Mapping[str, Any]]) -> list[ListingPage]:
    """The pages of an organisation's public repositories, or of a user's; none when there is no such owner.

    `known` holds, by address, the validators of a page and the address `next` to it. Raises RestError for a listing that is
    empty where the owner is said to have repositories, AbsentError for an owner that is hidden from us.
    """
    for kind, type_ in (("orgs", "public"), ("users", "owner")):
        url: str | None = f"{api}/{kind}/{owner}/repos?type={type_}&per_page=100"
        pages: list[ListingPage] = []
        while url is not None and len(pages) < _MOST_PAGES:
            before = known.get(url, {})
            answer = asking.get(url, validators=before.get("validators"), accept=() if pages else ABSENT)
            if answer.status in ABSENT:
                error = absent(answer)
                if error.absence is not Absence.GONE:
                    raise error
                break
            match = _NEXT.search(answer.headers.get("Link", ""))
            after = before["next"] if answer.unchanged else match["url"] if match else None
            if after is not None and not same_origin(after, api):
                raise RestError(
                    f"{url}: the next page is said to be at another host, {urlsplit(after).netloc}. Check the endpoint."
                )
            pages.append(ListingPage(url, answer, after))
            url = after
        if url is not None and pages:
            raise RestError(f"{url}: more than {_MOST_PAGES} pages of repositories, or they go in a circle. Check the endpoint.")
        if pages:
            if not any(page.answer.unchanged or page.answer.document for page in pages):
                _confirm_none(asking, f"{api}/{kind}/{owner}")
            return pages
    return []


def _confirm_none(asking: Client, url: str) -> None:
    """An owner without repositories says so itself; an empty listing alone would take all of them for gone."""
    document = asking.get(url).document
    with asking.trusting(url):
        announced = take(document, "public_repos")
    if announced:
        raise RestError(f"{url}: the listing is empty where {announced} repositories are announced. Check the endpoint.")


def repository_row(document: Any, requested: str | None, now: datetime) -> dict[str, Any]:
    """A row from GitHub's words for one repository. Raises AnswerError when one that must be there is missing."""
    full_name = str(take(document, "full_name"))
    licence = document.get("license") or {}
    return {
        "key": str(take(document, "id")),
        "id": take(document, "id"),
        "node_id": document.get("node_id"),
        "owner": take(document, "owner", "login"),
        "name": take(document, "name"),
        "name_with_owner": full_name,
        "url": take(document, "html_url"),
        "is_fork": take(document, "fork"),
        "is_archived": document.get("archived"),
        "branch": document.get("default_branch"),
        "fork_count": take(document, "forks_count"),
        "star_count": take(document, "stargazers_count"),
        "watcher_count": document.get("subscribers_count"),
        "license_spdx_id": licence.get("spdx_id"),
        "license_name": licence.get("name"),
        "language": document.get("language"),
        "created_at": take(document, "created_at"),
        "updated_at": take(document, "updated_at"),
        "pushed_at": document.get("pushed_at"),
        "status": "found" if requested in {None, full_name.lower()} else "renamed",
        "requested_names": [requested or full_name.lower()],
        "checked_at": now.isoformat(),
    }


def absent_row(requested: str, before: Mapping[str, Any] | None, now: datetime) -> dict[str, Any]:
    """A row for a name that GitHub does not answer for: what was known of it, or the bare name."""
    owner, name = requested.split("/")
    bare = {"key": f"name:{requested}", "owner": owner, "name": name, "name_with_owner": requested}
    return {**bare, "requested_names": [requested], **(before or {}), "status": "gone", "checked_at": now.isoformat()}


def packages(bill: Any, repository: str, known: Known, unknown: set[str]) -> list[dict[str, Any]]:
    """The packages that a `bill` of materials (SPDX) names, one row each, in its order; an entry that is repeated counts once.

    A row also holds the plain values of fields that are not `known`; `unknown` gets the names of all others.
    """
    rows = []
    listed = {json.dumps(package, sort_keys=True): package for package in take_list(bill, "packages")}
    for position, package in enumerate(listed.values()):
        references = package.get("externalRefs") or []
        purl = next((ref["referenceLocator"] for ref in references if ref.get("referenceType") == "purl"), None)
        system, name, version = parse_purl(purl) if purl else (None, None, None)
        row = {
            "repository": repository,
            "position": position,
            "spdx_id": take(package, "SPDXID"),
            "purl": purl,
            "system": system,
            "name": name or take(package, "name"),
            "version": version or package.get("versionInfo") or None,
            "license": package.get("licenseConcluded") or package.get("licenseDeclared"),
        }
        rows.append(carried(package, known, row, unknown) | row)
    return rows


def parse_purl(purl: str) -> tuple[str, str, str | None] | tuple[None, None, None]:
    """System, name (with its namespace) and version of a package URL; nothing for what is none.

    >>> parse_purl("pkg:npm/%40scope/core@1.2.3?arch=x#lib")
    ('npm', '@scope/core', '1.2.3')
    """
    scheme, _, rest = purl.partition(":")
    path = rest.split("#", 1)[0].split("?", 1)[0].strip("/")
    kind, _, path = path.partition("/")
    if scheme.lower() != "pkg" or not kind or not path:
        return None, None, None
    # The version follows the last @ of the last part; an @ of a namespace is written %40, or stands at its beginning.
    last = path.rfind("@")
    name, version = (path[:last], path[last + 1 :]) if last > path.rfind("/") + 1 else (path, "")
    return kind.lower(), unquote(name), unquote(version) or None
