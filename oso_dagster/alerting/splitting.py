"""Text that fits: made harmless for Discord's Markdown, measured, and cut where a reader would cut it.

Discord counts code points; a length here is UTF-16 units, which are never fewer, so that what fits here fits there whichever of
the two is counted. Limits: https://discord.com/developers/docs/resources/message#embed-object-embed-limits.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

CONTENT, DESCRIPTION, FOOTER, TOTAL = 2_000, 4_096, 2_048, 6_000
FIELDS, FIELD_NAME, FIELD_VALUE, THREAD_NAME = 25, 256, 1_024, 100

_MORE = "…"
_MARKUP = re.compile(r"[\\`*_~|<>\[\]()#@]|(?<=:)/(?=/)|^(\s*)-", re.MULTILINE)
_KEPT = "\n"
_HIDDEN = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that turn the direction of writing: with them a text can look like another one."""


def units(text: str) -> int:
    """How long `text` is, in UTF-16 units."""
    return len(text) + sum(letter > "\uffff" for letter in text)


def clean(text: str) -> str:
    r"""`text` without what no reader can see: control characters, turned directions, halves of letters.

    >>> clean("a\x00b\u202ec")
    'abc'
    """
    whole = text.encode("utf-8", "replace").decode()
    spaced = whole.replace("\r\n", "\n").replace("\t", " ")
    return "".join(
        letter for letter in spaced if letter in _KEPT or not (unicodedata.category(letter) == "Cc" or letter in _HIDDEN)
    ).strip()


def inert(text: str) -> str:
    r"""`text` so that Discord shows it as it is: no formatting, link, mention or emoji comes of it.

    >>> inert("[you won](http://x) @everyone")
    '\\[you won\\]\\(http:\\//x\\) \\@everyone'
    """
    return _MARKUP.sub(lambda match: f"{match[1]}\\-" if match[1] is not None else f"\\{match[0]}", clean(text))


def clip(text: str, most: int) -> str:
    """`text`, or as much of it as fits into `most` units with a sign that there was more.

    An escape is not torn from what it escapes, nor an accent from its letter.
    """
    if units(text) <= most:
        return text
    room, end = most - units(_MORE), 0
    for letter in text:
        room -= units(letter)
        if room < 0:
            break
        end += 1
    while end and _joined(text, end):
        end -= 1
    return text[:end].rstrip() + _MORE


def lines_that_fit(lines: Iterable[str], most: int) -> tuple[list[str], list[str]]:
    """As many of the lines, from the first on, as `most` units hold when joined by line breaks, and the others."""
    fitting, rest, room = list[str](), list(lines), most
    while rest and units(rest[0]) <= room:
        room -= units(rest[0]) + 1
        fitting.append(rest.pop(0))
    return fitting, rest


def _joined(text: str, end: int) -> bool:
    """Whether a cut at `end` would tear something apart."""
    head = text[:end]
    escaping = (len(head) - len(head.rstrip("\\"))) % 2 == 1
    return escaping or unicodedata.combining(text[end]) != 0 or "\u200d" in (text[end], text[end - 1]) or text[end] == "\ufe0f"
