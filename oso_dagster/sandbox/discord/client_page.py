"""The messages on the sandbox's Discord, as a page that looks like the client: channels, threads, messages, embeds, edits.

Everything is escaped, and the browser is forbidden every request and script: what it shows came from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby
from typing import Any

from jinja2 import Environment, PackageLoader, Template

from oso_dagster.sandbox.discord.markdown import to_html
from oso_dagster.sandbox.discord.message_store import Message, ServedWebhook

_SANDBOX = "Everything here was sent to the sandbox. Nobody outside this machine has seen it."


@dataclass(frozen=True)
class Thread:
    """Messages that stand together: a post of a forum with its name, or all of a text channel."""

    name: str | None
    messages: Sequence[Message]


@dataclass(frozen=True)
class ShownChannel:
    """A channel ready to be shown."""

    name: str
    forum: bool
    threads: Sequence[Thread]


def render(channels: Iterable[tuple[ServedWebhook, Sequence[Message]]], banner: str = _SANDBOX) -> str:
    """The page, of all channels and what was said in each."""
    return _template().render(banner=banner, channels=[_channel(webhook, messages) for webhook, messages in channels])


def _channel(webhook: ServedWebhook, messages: Sequence[Message]) -> ShownChannel:
    if not webhook.forum:
        return ShownChannel(webhook.name, forum=False, threads=[Thread(None, messages)] if messages else [])
    by_thread = [
        list(group)
        for _, group in groupby(sorted(messages, key=lambda message: int(message.channel)), lambda message: message.channel)
    ]
    return ShownChannel(webhook.name, forum=True, threads=[Thread(group[0].thread_name, group) for group in by_thread])


def _bar(embed: Mapping[str, Any]) -> str:
    """The colour of an embed's bar, as CSS has it."""
    return f"#{int(embed.get('color') or 0x1F2225):06x}"


def _clock(at: datetime | str) -> str:
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("oso_dagster.sandbox.discord"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"markdown": to_html, "bar": _bar, "clock": _clock}
    return environment.get_template("discord.html")
