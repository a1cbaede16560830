"""What the value of a setting may be, and how it is read: pure, and no message holds the value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import AfterValidator, Field, SecretStr

from oso_dagster.domain.alerts.channel import Webhook, parse_channels
from oso_dagster.domain.alerts.hours import Hours
from oso_dagster.domain.catalogue.setting import SettingKind

_QUIET = re.compile(r"\d{1,2}-\d{1,2}")


def check_status_url(value: str) -> str:
    """An address of an object store or a folder, without credentials."""
    parts = urlsplit(value)
    if not parts.scheme or "://" not in value:
        raise ValueError("an address such as gs://bucket/folder, s3://bucket/folder or file:///folder is expected")
    if parts.username or parts.password or parts.query:
        raise ValueError("credentials must not stand in an address; the object store's own variables hold them")
    return value


def check_webhook(value: SecretStr) -> SecretStr:
    """A webhook's address."""
    Webhook.parse(value.get_secret_value())
    return value


def check_zone(value: str) -> str:
    """A time zone that this machine knows."""
    Hours(zone=value)
    return value


def check_quiet(value: str) -> str:
    """Two hours such as 22-7, or nothing."""
    if value and not _QUIET.fullmatch(value):
        raise ValueError("two hours such as 22-7 are expected")
    Hours(quiet=quiet(value))
    return value


def quiet(value: str) -> tuple[int, int] | None:
    """The two hours, where there are any."""
    start, _, end = value.partition("-")
    return (int(start), int(end)) if value else None


def check_channels(value: SecretStr) -> SecretStr:
    """Channels as `domain.alerts.channel` reads them."""
    parse_channels(value.get_secret_value())
    return value


def check_postgres(value: SecretStr) -> SecretStr:
    """An address of a PostgreSQL database."""
    parts = urlsplit(value.get_secret_value())
    if parts.scheme.split("+")[0] != "postgresql" or not parts.path.strip("/"):
        raise ValueError("an address such as postgresql://user:password@host:5432/database is expected")
    return value


def check_trino(value: SecretStr) -> SecretStr:
    """An address of a Trino server."""
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("an address such as https://user:password@host:443 is expected")
    return value


def check_url(value: str) -> str:
    """An address without a password, also one that scp or git takes."""
    scp_like = "://" not in value and "@" in value and ":" in value
    if not scp_like and "://" not in value:
        raise ValueError("an address such as https://…, ssh://…, file:///… is expected")
    if not scp_like and urlsplit(value).password:
        raise ValueError("a password must not stand in an address; use the source's secret setting")
    return value


TYPES: Mapping[SettingKind, Any] = {
    SettingKind.URL: Annotated[str, AfterValidator(check_url)],
    SettingKind.SECRET: SecretStr,
    SettingKind.TEXT: str,
    SettingKind.RATIO: Annotated[float, Field(ge=0, le=1)],
    SettingKind.NUMBER: Annotated[float, Field(gt=0)],
}
"""How pydantic reads each kind of a source's setting."""


def postgres_of(address: str) -> dict[str, Any]:
    """A postgresql:// address in the words of SQLMesh's connection configurations. Holds the password: never print it."""
    parts = urlsplit(address)
    query = dict(parse_qsl(parts.query))
    place = {"host": parts.hostname or query.get("host", "localhost"), "port": parts.port or 5432}
    who = {"user": unquote(parts.username or ""), "password": unquote(parts.password or "")}
    secured = {"sslmode": query["sslmode"]} if "sslmode" in query else {}
    return {"type": "postgres", "database": unquote(parts.path.strip("/"))} | place | who | secured
