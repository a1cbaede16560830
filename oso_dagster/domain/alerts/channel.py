"""Where alerts are sent: webhooks, whose address is a password, and what each channel receives."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from oso_dagster.domain.alerts.announcement import LOG, Route
from oso_dagster.domain.alerts.incident import Severity

DISCORD = "discord"
"""The name of the channel that receives everything."""

_PATH = re.compile(r"(?P<prefix>[\w./-]*?)/api(?:/v\d+)?/webhooks/(?P<id>\d+)/(?P<token>[\w-]+)/?")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_KEYS = {"url", "least", "services"}


class WebhookError(ValueError):
    """The text is no address of a webhook; the message does not repeat it."""


@dataclass(frozen=True)
class Webhook:
    """The Discord webhook of a channel. `origin` is the server with what stands before `/api`; only `token` is secret."""

    origin: str
    id: str
    token: str = field(repr=False)

    @classmethod
    def parse(cls, address: str) -> Webhook:
        """The webhook at an address as Discord shows it. Raises WebhookError."""
        parts = urlsplit(address.strip())
        match = _PATH.fullmatch(parts.path)
        if match is None or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
            raise WebhookError("an address such as https://discord.com/api/webhooks/<id>/<token> is expected")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise WebhookError("a webhook needs https: its address is its password")
        return cls(f"{parts.scheme}://{parts.netloc}{match['prefix'].rstrip('/')}", match["id"], match["token"])

    @property
    def url(self) -> str:
        """The address to send to, with the version of the API whose answers we read. Secret."""
        return f"{self.origin}/api/v10/webhooks/{self.id}/{self.token}"

    @property
    def fingerprint(self) -> str:
        """Changes when the address does, and reveals nothing of it."""
        return sha256(self.url.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Channel:
    """A channel and what it receives. Without a webhook it cannot be reached for now."""

    route: Route
    webhook: Webhook | None


def parse_channels(text: str) -> tuple[Channel, ...]:
    """Channels from JSON: `{"<name>": {"url": "https://…", "least": "page", "services": ["sqlmesh"]}}`.

    `least` (page, ticket or info) and `services` may be left out: everything, of all services. Raises ValueError, in words that
    hold nothing of the text but the names of channels.
    """
    try:
        declared = json.loads(text)
    except ValueError:
        raise ValueError('JSON is expected: {"<name>": {"url": "https://…", "least": "page"}}') from None
    if not isinstance(declared, dict):
        raise ValueError("an object with a channel for each name is expected")  # noqa: TRY004  (settings report ValueError)
    return tuple(_channel(name, values) for name, values in declared.items())


def _channel(name: str, values: Mapping[str, Any]) -> Channel:
    if not _NAME.fullmatch(name) or name in {LOG, DISCORD}:
        raise ValueError(f"a channel has a name of small letters, digits, - and _, other than {LOG} and {DISCORD}")
    if not isinstance(values, dict) or not values.keys() <= _KEYS or not isinstance(values.get("url"), str):
        raise ValueError(f"{name}: url is expected, and least and services are possible")
    least, services = values.get("least", Severity.INFO), values.get("services", [])
    if least not in list(Severity) or not (isinstance(services, list) and all(isinstance(service, str) for service in services)):
        raise ValueError(f"{name}: least is one of {', '.join(Severity)}, services is a list of names")
    try:
        webhook = Webhook.parse(values["url"])
    except WebhookError as error:
        raise ValueError(f"{name}: {error}") from None
    return Channel(Route(name, Severity(least), frozenset(services)), webhook)
