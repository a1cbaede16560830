"""What Discord refuses in a webhook's message, and the words it refuses it in. Pure: from a decoded body to an error, or None.

Limits: https://discord.com/developers/docs/resources/message#embed-object-embed-limits. Lengths are code points after white
space at both ends is taken off, as Discord counts them (https://github.com/discord/discord-api-docs/issues/1315).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

CONTENT, EMBEDS, TOTAL = 2_000, 10, 6_000
TITLE, DESCRIPTION, FOOTER, AUTHOR = 256, 4_096, 2_048, 256
FIELDS, FIELD_NAME, FIELD_VALUE = 25, 256, 1_024
USERNAME, THREAD_NAME = 80, 100
COLOR = 0xFFFFFF

Problem = tuple[tuple[str, ...], str, str]
"""Where in the body, Discord's code for what is wrong there, and its words."""


def refusal(body: Any) -> dict[str, Any] | None:
    """The JSON that Discord would answer 400 with, or None when it would take the message."""
    if not isinstance(body, dict):
        return _form([((), "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")])
    problems = list(_problems(body))
    if problems:
        return _form(problems)
    if not (_text(body.get("content")) or body.get("embeds")):
        return {"message": "Cannot send an empty message", "code": 50006}
    return None


def characters(embeds: list[dict[str, Any]]) -> int:
    """What counts against the sum of 6,000 over all embeds of a message."""
    return sum(len(_text(text)) for embed in embeds for text in _counted(embed))


def _problems(body: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _length(("content",), body.get("content"), CONTENT)
    yield from _length(("thread_name",), body.get("thread_name"), THREAD_NAME, least="thread_name" in body)
    yield from _username(body.get("username"))
    embeds = body.get("embeds") or []
    if not isinstance(embeds, list):
        yield ("embeds",), "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType"
        return
    if len(embeds) > EMBEDS:
        yield ("embeds",), "BASE_TYPE_BAD_LENGTH", f"Must be between 0 and {EMBEDS} in length."
    for number, embed in enumerate(embeds):
        if isinstance(embed, dict):
            yield from _embed(("embeds", str(number)), embed)
        else:
            yield ("embeds", str(number)), "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType"
            return
    if characters(embeds) > TOTAL:
        yield ("embeds",), "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {TOTAL}"


def _embed(where: tuple[str, ...], embed: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _length((*where, "title"), embed.get("title"), TITLE)
    yield from _length((*where, "description"), embed.get("description"), DESCRIPTION)
    yield from _length((*where, "footer", "text"), _of(embed, "footer", "text"), FOOTER, least="footer" in embed)
    yield from _length((*where, "author", "name"), _of(embed, "author", "name"), AUTHOR, least="author" in embed)
    fields = embed.get("fields") or []
    if len(fields) > FIELDS:
        yield (*where, "fields"), "BASE_TYPE_BAD_LENGTH", f"Must be {FIELDS} or fewer in length."
    for number, field in enumerate(fields):
        yield from _length((*where, "fields", str(number), "name"), field.get("name"), FIELD_NAME, least=True)
        yield from _length((*where, "fields", str(number), "value"), field.get("value"), FIELD_VALUE, least=True)
    yield from _scalars(where, embed)


def _scalars(where: tuple[str, ...], embed: Mapping[str, Any]) -> Iterator[Problem]:
    color = embed.get("color")
    if color is not None and (not isinstance(color, int) or not 0 <= color <= COLOR):
        yield (*where, "color"), "NUMBER_TYPE_MAX", f"int value should be less than or equal to {COLOR}."
    url = embed.get("url")
    if url is not None and not str(url).startswith(("http://", "https://")):
        yield (*where, "url"), "URL_TYPE_INVALID_SCHEME", f'Scheme "{str(url).partition(":")[0]}" is not supported.'
    at = embed.get("timestamp")
    if at is not None and not _is_time(at):
        yield (*where, "timestamp"), "DATE_TIME_TYPE_PARSE", f"Could not parse {at}. Should be ISO8601."


def _length(where: tuple[str, ...], value: Any, most: int, *, least: bool = False) -> Iterator[Problem]:
    if value is not None and not isinstance(value, str):
        yield where, "STRING_TYPE_CONVERT", "Could not interpret value as string."
    elif least and not _text(value):
        yield where, "BASE_TYPE_REQUIRED", "This field is required"
    elif len(_text(value)) > most:
        yield where, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length."


def _username(name: Any) -> Iterator[Problem]:
    yield from _length(("username",), name, USERNAME)
    for forbidden in ("clyde", "discord"):
        if isinstance(name, str) and forbidden in name.lower():
            yield ("username",), "USERNAME_INVALID_CONTAINS", f'Username cannot contain "{forbidden}"'


def _counted(embed: Mapping[str, Any]) -> Iterator[Any]:
    yield from (embed.get("title"), embed.get("description"), _of(embed, "footer", "text"), _of(embed, "author", "name"))
    for field in embed.get("fields") or []:
        yield from (field.get("name"), field.get("value"))


def _of(embed: Mapping[str, Any], part: str, name: str) -> Any:
    return (embed.get(part) or {}).get(name)


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _is_time(value: Any) -> bool:
    try:
        datetime.fromisoformat(str(value))
    except ValueError:
        return False
    return True


def _form(problems: list[Problem]) -> dict[str, Any]:
    """Discord's shape: the errors lie where the value lies that they are about."""
    errors: dict[str, Any] = {}
    for where, code, words in problems:
        place = errors
        for step in where:
            place = place.setdefault(step, {})
        place.setdefault("_errors", []).append({"code": code, "message": words})
    return {"message": "Invalid Form Body", "code": 50035, "errors": errors}
