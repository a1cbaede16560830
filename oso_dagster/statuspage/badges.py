"""Badges: one SVG and one shields.io endpoint (https://shields.io/badges/endpoint-badge) per service and data set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from oso_dagster.domain.status.page import StatusPage
from oso_dagster.statuspage import addresses, words
from oso_dagster.statuspage.atom import xml_text

_COLOURS = {
    "compliant": "#17743a",
    "fresh": "#17743a",
    "at_risk": "#8a5700",
    "breached": "#b3261e",
    "stale": "#b3261e",
}
_UNKNOWN, _LABEL = "#5a606b", "#3a3f47"
_HEIGHT, _BASE, _PADDING, _CHARACTER = 20, 14, 6, 6.6


def files(page: StatusPage) -> dict[str, str]:
    """`badges/….svg` and `shields/….json`; in another world than the live one they say so."""
    badges: dict[str, str] = {}
    for path, label, state, word in _subjects(page):
        shown = label if page.is_live else f"{label} ({page.world})"
        colour = _COLOURS.get(state, _UNKNOWN)
        badges[f"badges/{path}.svg"] = _svg(xml_text(shown), word, colour)
        endpoint = {"schemaVersion": 1, "label": shown, "message": word, "color": colour, "isError": colour == _COLOURS["stale"]}
        badges[f"shields/{path}.json"] = json.dumps(endpoint) + "\n"
    return badges


def _subjects(page: StatusPage) -> Iterator[tuple[str, str, str, str]]:
    """Path, label, state and its word."""
    for service in page.services:
        yield addresses.service(service.name), service.title, service.verdict.value, words.VERDICTS[service.verdict].lower()
    for group in page.groups:
        for data_set in group.sets:
            yield addresses.data_set(data_set.asset), data_set.asset, data_set.state, words.STATES[data_set.state].lower()


def _svg(label: str, word: str, colour: str) -> str:
    left, right = (round(len(text) * _CHARACTER) + 2 * _PADDING for text in (label, word))
    size = {"width": str(left + right), "height": str(_HEIGHT)}
    name = f"{label}: {word}"
    svg = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img", "aria-label": name, **size})
    ET.SubElement(svg, "title").text = name
    _half(svg, 0, left, label, _LABEL)
    _half(svg, left, right, word, colour)
    return ET.tostring(svg, encoding="unicode") + "\n"


def _half(svg: ET.Element, start: int, width: int, text: str, colour: str) -> None:
    ET.SubElement(svg, "rect", {"x": str(start), "width": str(width), "height": str(_HEIGHT), "fill": colour})
    where = {"x": str(start + _PADDING), "y": str(_BASE), "textLength": str(width - 2 * _PADDING)}
    look = {"fill": "#ffffff", "font-family": "Verdana, DejaVu Sans, sans-serif", "font-size": "11"}
    ET.SubElement(svg, "text", where | look).text = text
