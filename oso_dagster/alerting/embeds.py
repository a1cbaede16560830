"""How an announcement looks on Discord: JSON for its webhooks, within its limits whatever the texts are.

The first line says what is wrong to a reader who only sees the notification; one embed has the state as colour, shape and
word, the text, the facts and the links, a second one takes what does not fit. What fits in neither is counted, never hidden.
Nothing in it can mention anybody, and every text is shown as it is; only addresses given as links become links.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from itertools import accumulate
from typing import Any
from urllib.parse import quote, urlsplit

from oso_dagster.alerting.severity_signs import SEVERITIES, sign_of
from oso_dagster.alerting.splitting import (
    CONTENT,
    DESCRIPTION,
    FIELD_NAME,
    FIELD_VALUE,
    FIELDS,
    FOOTER,
    THREAD_NAME,
    TOTAL,
    clean,
    clip,
    inert,
    lines_that_fit,
    units,
)
from oso_dagster.domain.alerts.announcement import Announcement
from oso_dagster.domain.alerts.incident import Incident, Kind, Link
from oso_dagster.domain.durations import duration

QUIET: dict[str, list[str]] = {"parse": []}
"""Sent with every message and every edit: an edit without it would bring mentions back."""

NAME = "OSO alerts"
_KINDS = {Kind.SPRINT: "remedial sprint", Kind.SILENT: "silence", Kind.WEEKLY: "weekly digest"}
_KEY, _WORLD = 300, 32
_FACTS = 2_000
_MORE = "… and {lines} more lines, {facts} more facts: see the links and the log."
_MORE_ROOM = 100


def message(announcement: Announcement, *, repeated: bool = False) -> dict[str, Any]:
    """The state of the incident, for a new message or in the place of what the message said.

    `repeated`: an earlier try ended without an answer, so that this may be the second message about the same thing.
    """
    incident, sign = announcement.incident, sign_of(announcement.incident)
    heading = f"{sign.shape} {sign.word}: "
    links = _links(incident)
    fields, left_out = _that_fit(list(_fields(announcement)), FIELDS - len(links))
    first: dict[str, Any] = {
        "title": heading + _KINDS.get(incident.kind, incident.kind.value.replace("_", " ")),
        "color": sign.color,
        "fields": fields + links,
        "footer": {"text": _footer(announcement, repeated=repeated)},
        "timestamp": announcement.at.isoformat(),
    }
    embeds = _with_text(first, list(_lines(incident)), left_out)
    return {
        "content": clip(heading + _line(incident.title), CONTENT),
        "embeds": embeds,
        "username": NAME,
        "allowed_mentions": QUIET,
    }


def reminder(announcement: Announcement, where: str | None, *, repeated: bool = False) -> dict[str, Any]:
    """A nudge about an incident that still stands; `where` is the address of its message, when that is known."""
    incident, sign = announcement.incident, sign_of(announcement.incident)
    open_for = duration(announcement.at - incident.opened_at)
    content = f"{sign.shape} still {sign.word} after {open_for}: {_line(incident.title)}"
    lines = [f"**Owner:** {clip(_line(incident.owner), FIELD_NAME)}", f"**As of:** {_moment(announcement.at)}"]
    lines += [f"[The full message]({where})"] if where else []
    lines += _next(incident)
    footer = {"text": _footer(announcement, repeated=repeated)}
    embed = {"description": "\n".join(lines), "color": sign.color, "footer": footer}
    return {"content": clip(content, CONTENT), "embeds": [embed], "username": NAME, "allowed_mentions": QUIET}


def thread_name(announcement: Announcement) -> str:
    """The name of an incident's thread in a forum; it is not Markdown, and it stays when the state changes."""
    return clip(" ".join(clean(announcement.incident.title).split()) or "–", THREAD_NAME)


def key_of(announcement: Announcement) -> str:
    """The idempotency key as the footer shows it; a very long one is cut, and made unique by a digest of all of it."""
    key = clean(announcement.key)
    return (
        key if units(key) <= _KEY else f"{clip(key, _KEY)} {sha256(announcement.key.encode('utf-8', 'replace')).hexdigest()[:12]}"
    )


def _footer(announcement: Announcement, *, repeated: bool) -> str:
    parts = [f"key {key_of(announcement)}"]
    if repeated:
        parts.append("sent again: an earlier message with this key may stand above; only this one is kept up to date")
    if announcement.world != "live":
        parts.append(f"{clip(clean(announcement.world), _WORLD)} world: everything here is invented")
    return clip(" · ".join(parts), FOOTER)


def _fields(announcement: Announcement) -> Iterator[dict[str, Any]]:
    incident = announcement.incident
    yield _field("Owner", clip(_line(incident.owner), FIELD_NAME))
    if incident.service:
        yield _field("Service", clip(_line(incident.service), FIELD_NAME))
    yield _field("Severity", f"{SEVERITIES[incident.severity].shape} {incident.severity.value}")
    yield _field("Since", _moment(incident.opened_at))
    if incident.closed_at is None:
        yield _field("Evidence of", _moment(announcement.at))
    else:
        yield _field("Evidence of", "the time before it recovered")
        yield _field("Recovered", f"{_moment(incident.closed_at)}, after {duration(incident.closed_at - incident.opened_at)}")
    for fact in incident.fields:
        yield _field(_line(fact.name), inert(fact.value))


def _links(incident: Incident) -> list[dict[str, Any]]:
    """One field with the links that fit into it."""
    between = " · "
    shown = [link for target in incident.links if (link := _link(target))]
    fitting, _ = lines_that_fit(shown, FIELD_VALUE - len(shown) * (units(between) - 1))
    return [_field("Look at", between.join(fitting), inline=False)] if fitting else []


def _field(name: str, value: str, *, inline: bool = True) -> dict[str, Any]:
    return {"name": clip(name or "–", FIELD_NAME), "value": clip(value or "–", FIELD_VALUE), "inline": inline}


def _that_fit(fields: list[dict[str, Any]], most: int) -> tuple[list[dict[str, Any]], int]:
    """The first fields, as many as leave room for text, and how many are left out."""
    sizes = list(accumulate(units(field["name"]) + units(field["value"]) for field in fields))
    count = min(most, sum(size <= _FACTS for size in sizes))
    return fields[:count], len(fields) - count


def _lines(incident: Incident) -> Iterator[str]:
    for line in incident.body:
        yield clip(inert(line), FIELD_VALUE)
    if incident.open:
        yield from _next(incident)


def _next(incident: Incident) -> list[str]:
    return [clip(f"**Next:** {inert(incident.next_step)}", FIELD_VALUE)] if clean(incident.next_step) else []


def _with_text(first: dict[str, Any], lines: list[str], facts: int) -> list[dict[str, Any]]:
    """Put the lines into the first embed, then into a second one, as far as the sum over both allows; count the others."""
    room = TOTAL - _size(first) - _MORE_ROOM
    shown, rest = lines_that_fit(lines, min(DESCRIPTION, room))
    if shown:
        first["description"] = "\n".join(shown)
        room -= units(first["description"])
    more, left = lines_that_fit(rest, min(DESCRIPTION - _MORE_ROOM, room))
    if left or facts:
        more.append(_MORE.format(lines=len(left), facts=facts))
    return [first, {"description": "\n".join(more), "color": first["color"]}] if more else [first]


def _size(embed: dict[str, Any]) -> int:
    texts = [
        embed["title"],
        embed["footer"]["text"],
        *(text for field in embed["fields"] for text in (field["name"], field["value"])),
    ]
    return sum(units(text) for text in texts)


def _link(link: Link) -> str | None:
    """A masked link. What is not an address of the web, or holds a password, is left out."""
    try:
        parts = urlsplit(clean(link.url))
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        return None
    address = quote(clean(link.url), safe=":/?#&=%+,;@!$~")
    return f"[{clip(_line(link.label), FIELD_NAME) or 'link'}]({address})"


def _line(text: str) -> str:
    """`inert`, in one line."""
    return inert(" ".join(clean(text).split()))


def _moment(at: datetime) -> str:
    """A point in time that each reader sees in their own zone."""
    return f"<t:{int(at.timestamp())}:f>"
