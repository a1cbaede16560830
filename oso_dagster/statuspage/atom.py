"""`feed.atom`: sprints, breaches, maintenance, announcements, each by an id that never changes; what comes later updates it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree as ET

from oso_dagster.domain.status.page import StatusPage
from oso_dagster.domain.status.public_incidents import PublicAnnouncement, PublicIncident, PublicPhase, Work
from oso_dagster.statuspage import addresses
from oso_dagster.statuspage.words import PHASES, WORKS, instant, stamp

MOST_ENTRIES = 50

_ATOM = "http://www.w3.org/2005/Atom"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class _Entry:
    key: str
    title: str
    text: str
    updated: datetime
    published: datetime | None = None


def files(page: StatusPage) -> dict[str, str]:
    """The feed, newest change first; links are relative to it."""
    ET.register_namespace("", _ATOM)
    feed = ET.Element(f"{{{_ATOM}}}feed")
    entries = [*map(_incident, (*page.incidents, *page.past)), *(_work(page, work) for work in page.works)]
    entries += [_announcement(announcement) for announcement in page.announcements]
    entries = sorted(entries, key=lambda entry: (entry.updated, entry.key), reverse=True)[:MOST_ENTRIES]
    world = "" if page.is_live else f" ({page.world} world)"
    _text(feed, "id", _identifier(page, "feed"))
    _text(feed, "title", f"Open Source Observer status{world}")
    _text(feed, "updated", instant(entries[0].updated if entries else page.generated_at))
    _link(feed, "self", addresses.FEED)
    _link(feed, "alternate", addresses.INDEX)
    _text(ET.SubElement(feed, f"{{{_ATOM}}}author"), "name", "Open Source Observer")
    for entry in entries:
        _entry(feed, page, entry)
    text = ET.tostring(feed, encoding="unicode")
    return {addresses.FEED: f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'}


def xml_text(text: str) -> str:
    """The text without what XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)


def _incident(incident: PublicIncident) -> _Entry:
    timeline = "\n".join(f"{stamp(update.at)}: {update.text}" for update in reversed(incident.updates))
    state = {PublicPhase.OPEN: "Open", PublicPhase.WATCHED: PHASES["watched"], PublicPhase.OVER: PHASES["over"]}[incident.phase]
    return _Entry(
        incident.key, f"{state}: {incident.title}", f"{incident.text}\n{timeline}".strip(), incident.changed_at, incident.since
    )


def _announcement(announcement: PublicAnnouncement) -> _Entry:
    title = next(iter(announcement.text.splitlines()), "")
    return _Entry(announcement.key, f"Announcement: {title}", announcement.text, announcement.at, announcement.at)


def _work(page: StatusPage, work: Work) -> _Entry:
    """Its beginning may lie ahead: it was published when it was declared, where that is known."""
    title = f"{WORKS[work.state(page.generated_at)]}: maintenance of {work.title}"
    text = f"{work.reason}\n{stamp(work.start)} to {stamp(work.end)}"
    return _Entry(work.key, title, text, work.changed_at(page.generated_at), work.declared_at)


def _entry(feed: ET.Element, page: StatusPage, content: _Entry) -> None:
    entry = ET.SubElement(feed, f"{{{_ATOM}}}entry")
    _text(entry, "id", _identifier(page, addresses.slug(content.key)))
    _text(entry, "title", content.title)
    if content.published is not None:
        _text(entry, "published", instant(content.published))
    _text(entry, "updated", instant(content.updated))
    _text(entry, "summary", content.text)
    _link(entry, "alternate", f"{addresses.HISTORY}#{addresses.slug(content.key)}")


def _identifier(page: StatusPage, name: str) -> str:
    return f"tag:opensource.observer,2025:status/{addresses.slug(page.world)}/{name}"


def _text(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, f"{{{_ATOM}}}{name}").text = xml_text(text)


def _link(parent: ET.Element, relation: str, target: str) -> None:
    ET.SubElement(parent, f"{{{_ATOM}}}link", rel=relation, href=target)
