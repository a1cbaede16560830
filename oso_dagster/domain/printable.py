"""Text from outside, fit for a terminal, a log and a store: nothing in it moves the cursor, colours, hides or turns anything.

What people write is refused where no store could keep it; what programs write is spelled out.
"""

from __future__ import annotations

import unicodedata

_KEPT = frozenset("\n\t")
_TURNING = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that turn the direction of writing: with them a text can look like another one."""


def printable(text: str) -> str:
    r"""`text` with control characters and marks of direction spelled out, so that they are seen and do nothing.

    Line breaks and tabs stay; halves of letters (lone surrogates), which no terminal can be sent, are spelled out too.

    >>> printable("red \x1b[31malert\u202e")
    'red \\x1b[31malert\\u202e'
    """
    return "".join(_spelled(letter) if _acts(letter) else letter for letter in text)


def require_storable(what: str, text: str) -> None:
    """Raise ValueError for text that holds what not every store keeps: a NUL, which PostgreSQL refuses, or half of a letter."""
    for place, letter in enumerate(text, start=1):
        if letter == "\0" or unicodedata.category(letter) == "Cs":
            raise ValueError(f"{what} holds {_spelled(letter)} at place {place:,}, which is no text: leave it out")


def _acts(letter: str) -> bool:
    return letter not in _KEPT and (letter in _TURNING or unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"})


def _spelled(letter: str) -> str:
    return f"\\x{ord(letter):02x}" if letter < "\u0100" else f"\\u{ord(letter):04x}"
