"""The status page as files: name → text. Nothing is read but the page's own templates, and nothing is written.

Names and sentences come from third parties and are hostile: everything is escaped, only http(s) addresses become links, and
the page forbids the browser every script, style and request but its own. Here are the pages for people; the files for programs
are in `slo_json`, `statuspage_json`, `atom` and `badges`.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from oso_dagster.domain.status import StatusPage
from oso_dagster.statuspage import addresses, atom, badges, slo_json, statuspage_json, words

MOST_ON_FIRST_PAGE = 40
"""With more data sets than this the first page names the groups and what is amiss, so that it stays under 100 KB."""

_MOST_URGENT = 15
_MOST_HOLES = 100


def render(page: StatusPage) -> dict[str, str]:
    """Make every file of the page, the first page last; the same page gives the same bytes."""
    programs = slo_json.files(page) | statuspage_json.files(page) | atom.files(page) | badges.files(page)
    return programs | {name: text.encode(errors="replace").decode() for name, text in _pages(page)}


def _pages(page: StatusPage) -> Iterator[tuple[str, str]]:
    for group in page.groups:
        for one in group.sets:
            yield _page(page, f"{addresses.data_set(one.asset)}.html", "data.html", group=group, one=one, most_holes=_MOST_HOLES)
        yield _page(page, f"{addresses.group(group.name)}.html", "group.html", group=group)
    for service in page.services:
        incidents = [one for one in (*page.incidents, *page.past) if one.service == service.name]
        yield _page(page, f"{addresses.service(service.name)}.html", "service.html", service=service, incidents=incidents)
    yield _page(page, addresses.HOW, "how.html")
    yield _page(page, addresses.HISTORY, "history.html")
    sets = [one for group in page.groups for one in group.sets]
    urgent = [one for one in sets if one.state == "stale" or one.holes]
    brief = len(sets) > MOST_ON_FIRST_PAGE
    yield _page(page, addresses.INDEX, "index.html", brief=brief, urgent=urgent, most_urgent=_MOST_URGENT)


def _page(page: StatusPage, path: str, template: str, **more: Any) -> tuple[str, str]:
    values = {"page": page, "now": page.generated_at, "root": addresses.root_of(path), **more}
    return path, _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("oso_dagster.statuspage"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = (environment.get_template(name).render() for name in ("page.css", "page.js"))
    environment.globals.update(
        policy=_content_security_policy(style, script),
        verdicts=words.VERDICTS,
        freshnesses=words.FRESHNESS,
        states=words.STATES,
        labels=words.LABELS,
    )
    environment.filters.update(
        age=words.age,
        day_text=words.day_text,
        instant=words.instant,
        lasted=words.lasted,
        span=words.span,
        stamp=words.stamp,
        web_address=words.web_address,
        slug=addresses.slug,
        data_path=addresses.data_set,
        group_path=addresses.group,
        service_path=addresses.service,
    )
    return environment


def _content_security_policy(style: str, script: str) -> str:
    """Allow these two texts, by their hashes, and the icon, which is in the page itself."""
    allowed = "; ".join(f"{kind}-src '{_hash(text)}'" for kind, text in (("style", style), ("script", script)))
    return f"default-src 'none'; {allowed}; img-src data:; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()
