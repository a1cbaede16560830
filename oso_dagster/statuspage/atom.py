"""`feed.atom`: every incident is an entry, by an id that never changes; its end is an update of the same entry."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from oso_dagster.domain.status import Incident, StatusPage
from oso_dagster.statuspage import addresses
from oso_dagster.statuspage.words import instant

MOST_ENTRIES = 50

_ATOM = "http://www.w3.org/2005/Atom"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def files(page: StatusPage) -> dict[str, str]:
    """The feed, newest change first; links are relative to it."""
    ET.register_namespace("", _ATOM)
    feed = ET.Element(f"{{{_ATOM}}}feed")
    incidents = sorted((*page.incidents, *page.past), key=lambda one: one.changed_at, reverse=True)[:MOST_ENTRIES]
    world = "" if page.is_live else f" ({page.world} world)"
    _text(feed, "id", _identifier(page, "feed"))
    _text(feed, "title", f"Open Source Observer status{world}")
    _text(feed, "updated", instant(incidents[0].changed_at if incidents else page.generated_at))
    _link(feed, "self", addresses.FEED)
    _link(feed, "alternate", addresses.INDEX)
    _text(ET.SubElement(feed, f"{{{_ATOM}}}author"), "name", "Open Source Observer")
    for one in incidents:
        _entry(feed, page, one)
    text = ET.tostring(feed, encoding="unicode")
    return {addresses.FEED: f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'}


def xml_text(text: str) -> str:
    """The text without what XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)


def _entry(feed: ET.Element, page: StatusPage, one: Incident) -> None:
    entry = ET.SubElement(feed, f"{{{_ATOM}}}entry")
    _text(entry, "id", _identifier(page, addresses.slug(one.key)))
    _text(entry, "title", f"{'Resolved' if one.until else 'Open'}: {one.title}")
    _text(entry, "published", instant(one.since))
    _text(entry, "updated", instant(one.changed_at))
    _text(entry, "summary", one.text)
    _link(entry, "alternate", f"{addresses.HISTORY}#{addresses.slug(one.key)}")


def _identifier(page: StatusPage, name: str) -> str:
    return f"tag:opensource.observer,2025:status/{addresses.slug(page.world)}/{name}"


def _text(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, f"{{{_ATOM}}}{name}").text = xml_text(text)


def _link(parent: ET.Element, relation: str, target: str) -> None:
    ET.SubElement(parent, f"{{{_ATOM}}}link", rel=relation, href=target)
