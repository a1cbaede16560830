"""The part of Discord's Markdown that messages of alerts use, as safe HTML: what a reader would see.

Escapes, bold, italics, code, masked links, bare addresses, points in time. Everything else stands there as it was sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from markupsafe import Markup

_TOKEN = re.compile(
    r"""
      \\(?P<escaped>[^\w\s]|_)
    | `(?P<code>[^`\n]+)`
    | \*\*(?P<bold>(?:\\.|[^*\\])+?)\*\*
    | \*(?P<italic>(?:\\.|[^*\\])+?)\*
    | \[(?P<label>(?:\\.|[^\]\\])+)\]\((?P<target>https?://[^\s()]+)\)
    | (?P<bare>https?://[^\s<>()]+)
    | <t:(?P<moment>-?\d{1,12})(?::(?P<style>[tTdDfFR]))?>
    | (?P<line>\n)
    """,
    re.VERBOSE,
)


def to_html(text: str) -> Markup:
    r"""The text as the client would show it; nothing of it is HTML of its own.

    >>> str(to_html(r"**down** \*not bold\* <b>"))
    '<strong>down</strong> *not bold* &lt;b&gt;'
    """
    parts: list[Markup] = []
    place = 0
    for token in _TOKEN.finditer(text):
        parts += [Markup.escape(text[place : token.start()]), _shown(token)]
        place = token.end()
    return Markup("").join([*parts, Markup.escape(text[place:])])


def _shown(token: re.Match[str]) -> Markup:
    kind = token.lastgroup or ""
    if kind == "target":
        return _link(token["target"], to_html(token["label"]))
    if kind in {"moment", "style"}:
        return _moment(int(token["moment"]))
    return _SPANS[kind](token[kind])


def _link(target: str, label: Markup) -> Markup:
    return Markup('<a href="{}" rel="noreferrer nofollow">{}</a>').format(target, label)


def _moment(seconds: int) -> Markup:
    """The client shows it in the reader's own zone; here it is UTC."""
    at = datetime.fromtimestamp(seconds, UTC)
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), f"{at:%Y-%m-%d %H:%M} UTC")


_SPANS: Mapping[str, Callable[[str], Markup]] = {
    "escaped": Markup.escape,
    "code": lambda text: Markup("<code>{}</code>").format(text),
    "bold": lambda text: Markup("<strong>{}</strong>").format(to_html(text)),
    "italic": lambda text: Markup("<em>{}</em>").format(to_html(text)),
    "bare": lambda text: _link(text, Markup.escape(text)),
    "line": lambda _: Markup("<br>"),
}
