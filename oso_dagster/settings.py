"""The only reader of the environment: every variable that begins with `OSO_`, typed, named in its error, never printed.

Sources declare their own settings (`domain.source.Setting`); they join the platform's here, so that an unknown or malformed
variable is an error at start and adding a source edits nothing.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, create_model
from pydantic_settings import BaseSettings, SettingsConfigDict

from oso_dagster.domain.announcement import Route
from oso_dagster.domain.channel import DISCORD, Channel, Webhook, parse_channels
from oso_dagster.domain.hours import Hours
from oso_dagster.domain.source import Setting, SettingKind, Source, Table

PREFIX = "OSO_"
SANDBOX_HISTORY = timedelta(days=60)
"""How far back the sandbox world goes; partitions start with its first whole one."""

_QUIET = re.compile(r"\d{1,2}-\d{1,2}")
PROJECT_ROOT = Path(__file__).resolve().parent.parent


class World(StrEnum):
    """Which endpoints the sources talk to: the internet, or the same protocols on loopback."""

    LIVE = "live"
    SANDBOX = "sandbox"


class Profile(StrEnum):
    """Where data lands and runs."""

    EMBEDDED = "embedded"
    LAKEHOUSE = "lakehouse"


class SettingsError(Exception):
    """The environment cannot be used as it is; the message names each variable and what to do, and holds no value."""


def _check_status_url(value: str) -> str:
    parts = urlsplit(value)
    if not parts.scheme or "://" not in value:
        raise ValueError("an address such as gs://bucket/folder, s3://bucket/folder or file:///folder is expected")
    if parts.username or parts.password or parts.query:
        raise ValueError("credentials must not stand in an address; the object store's own variables hold them")
    return value


def _check_webhook(value: SecretStr) -> SecretStr:
    Webhook.parse(value.get_secret_value())
    return value


def _check_zone(value: str) -> str:
    Hours(zone=value)
    return value


def _check_quiet(value: str) -> str:
    if value and not _QUIET.fullmatch(value):
        raise ValueError("two hours such as 22-7 are expected")
    Hours(quiet=_quiet(value))
    return value


def _quiet(value: str) -> tuple[int, int] | None:
    start, _, end = value.partition("-")
    return (int(start), int(end)) if value else None


def _check_channels(value: SecretStr) -> SecretStr:
    parse_channels(value.get_secret_value())
    return value


def _check_postgres(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme.split("+")[0] != "postgresql" or not parts.path.strip("/"):
        raise ValueError("an address such as postgresql://user:password@host:5432/database is expected")
    return value


class Settings(BaseSettings):
    """The platform's settings. Those of the sources are added by `read_settings`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True)

    world: World = Field(default=World.LIVE, description="live (the internet) or sandbox (loopback)")
    profile: Profile = Field(default=Profile.EMBEDDED, description="embedded (DuckDB) or lakehouse (Trino, Iceberg)")
    home: Path = Field(default=Path(".oso"), description="the folder under which everything a world makes lies")
    sqlmesh_project: Path = Field(default=PROJECT_ROOT / "sqlmesh_project", description="the folder of the SQLMesh project")
    reliability_url: SecretStr | None = Field(
        default=None, description="SQLAlchemy URL of the reliability store; SQLite under home if unset"
    )
    sqlmesh_state_url: Annotated[SecretStr, AfterValidator(_check_postgres)] | None = Field(
        default=None, description="postgresql://… for SQLMesh's state and its locks; a DuckDB file under home if unset"
    )
    status_url: Annotated[str, AfterValidator(_check_status_url)] | None = Field(
        default=None, description="where the status page is published: gs://…, s3://…; a folder under home if unset"
    )
    discord_url: Annotated[SecretStr, AfterValidator(_check_webhook)] | None = Field(
        default=None, description="webhook of the Discord channel that is told everything; in the sandbox world the sandbox's"
    )
    discord_channels: Annotated[SecretStr, AfterValidator(_check_channels)] | None = Field(
        default=None, description='more channels: {"pages": {"url": "https://…", "least": "page", "services": ["sqlmesh"]}}'
    )
    runbooks_url: str = Field(
        default="", description="where docs/runbooks.md can be read; alerts then link to their chapter of it"
    )
    dagster_url: str = Field(default="", description="address of Dagster's page, for links; this machine's if unset")
    public_status_url: str = Field(default="", description="address at which people read the status page, for links")
    alert_zone: Annotated[str, AfterValidator(_check_zone)] = Field(
        default="UTC", description="time zone of quiet hours and digest"
    )
    alert_quiet_hours: Annotated[str, AfterValidator(_check_quiet)] = Field(
        default="22-7", description="between which hours of the zone tickets wait; pages never do; empty: none"
    )
    alert_digest_hour: int = Field(default=9, ge=0, le=23, description="hour of the zone at which unstable data is summed up")
    webserver_port: int = Field(default=3000, ge=1, le=65535, description="port of Dagster's web page in `oso dev`")
    lock_timeout_seconds: float = Field(default=900, gt=0, description="how long a writer waits for the warehouse lock")

    @property
    def world_dir(self) -> Path:
        """`<home>/<world>`, absolute."""
        return self.home.absolute() / self.world.value

    @property
    def dagster_home(self) -> Path:
        """Dagster's instance directory."""
        return self.world_dir / "dagster"

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file with the data."""
        return self.world_dir / "warehouse.duckdb"

    @property
    def sqlmesh_state_path(self) -> Path:
        """The DuckDB file with SQLMesh's state."""
        return self.world_dir / "sqlmesh_state.duckdb"

    @property
    def status_dir(self) -> Path:
        """The folder of the status page."""
        return self.world_dir / "status"

    @property
    def cache_dir(self) -> Path:
        """What may be deleted at any time: clones, downloads, dlt's working folders, manifests."""
        return self.world_dir / "cache"

    @property
    def sandbox_dir(self) -> Path:
        """The sandbox world's own files: its repository, its data, `endpoints.json` while it is up."""
        return self.home.absolute() / "sandbox-world"

    @property
    def reliability_store_url(self) -> str:
        """SQLAlchemy URL of the reliability store."""
        if self.reliability_url is not None:
            return self.reliability_url.get_secret_value()
        return f"sqlite:///{self.world_dir / 'reliability.db'}"

    @property
    def sqlmesh_state(self) -> dict[str, Any]:
        """Where SQLMesh's state lies, in the words of its connection configurations. Holds the password: never print it."""
        if self.sqlmesh_state_url is None:
            return {"type": "duckdb", "database": str(self.sqlmesh_state_path)}
        parts = urlsplit(self.sqlmesh_state_url.get_secret_value())
        query = dict(parse_qsl(parts.query))
        place = {"host": parts.hostname or query.get("host", "localhost"), "port": parts.port or 5432}
        who = {"user": unquote(parts.username or ""), "password": unquote(parts.password or "")}
        secured = {"sslmode": query["sslmode"]} if "sslmode" in query else {}
        return {"type": "postgres", "database": unquote(parts.path.strip("/"))} | place | who | secured

    def of_source(self, source: Source) -> dict[str, str]:
        """The plain values of one source's settings, by their short names; unset ones are left out.

        In the sandbox world an endpoint that is not set is the sandbox's, never the live default. Raises SettingsError
        when the sandbox is not up.
        """
        values: dict[str, str] = {}
        for spec in source.settings:
            value = getattr(self, _field(source, spec))
            if isinstance(value, SecretStr):
                value = value.get_secret_value()
            if value is None and spec.endpoint and self.world is World.SANDBOX:
                value = self._sandbox_endpoint(_field(source, spec))
            elif value is None:
                value = spec.sandbox if self.world is World.SANDBOX and spec.sandbox else spec.default
            if value is not None:
                values[spec.name] = str(value)
        return values

    def hours(self) -> Hours:
        """When people may be told."""
        return Hours(zone=self.alert_zone, quiet=_quiet(self.alert_quiet_hours), digest=self.alert_digest_hour)

    @property
    def dagster_address(self) -> str:
        """Where Dagster's page is, without a slash at the end."""
        return self.dagster_url.rstrip("/") or f"http://127.0.0.1:{self.webserver_port}"

    @property
    def status_address(self) -> str:
        """Where people read the status page."""
        return self.public_status_url or (self.status_dir / "index.html").as_uri()

    def channels(self) -> tuple[Channel, ...]:
        """The Discord channels that are set; in the sandbox world the sandbox's, which has no address while it is down."""
        found = parse_channels(self.discord_channels.get_secret_value()) if self.discord_channels else ()
        if self.discord_url is not None:
            return (Channel(Route(DISCORD), Webhook.parse(self.discord_url.get_secret_value())), *found)
        if self.world is not World.SANDBOX:
            return found
        address = self._sandbox_endpoints().get("discord_url")
        return (Channel(Route(DISCORD), Webhook.parse(address) if address else None), *found)

    def in_world(self, sources: Iterable[Source]) -> tuple[Source, ...]:
        """The sources as this world has them: in the sandbox, time partitions start with its history.

        When its world was made stands in a small file on disk; before the first one was made the live starts stand.
        """
        made = self._sandbox_made_at() if self.world is World.SANDBOX else None
        if made is None:
            return tuple(sources)
        return tuple(replace(s, tables=tuple(_since(t, made - SANDBOX_HISTORY) for t in s.tables)) for s in sources)

    def _sandbox_made_at(self) -> datetime | None:
        try:
            manifest = json.loads((self.sandbox_dir / "world" / "manifest.json").read_text())
        except FileNotFoundError:
            return None
        return datetime.fromisoformat(manifest["now"])

    def secrets(self) -> list[str]:
        """Every secret value that is set, for redaction."""
        values = (getattr(self, name) for name in type(self).model_fields)
        plain = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
        return plain + [channel.webhook.token for channel in self.channels() if channel.webhook]

    def _sandbox_endpoint(self, name: str) -> str:
        endpoints = self._sandbox_endpoints()
        if not endpoints:
            raise SettingsError("the sandbox world is not up: start it with `oso sandbox up`")
        if name not in endpoints:
            raise SettingsError(f"the sandbox world has no endpoint for {PREFIX}{name.upper()}: set the variable, or restart it")
        return endpoints[name]

    def _sandbox_endpoints(self) -> dict[str, str]:
        """Where the sandbox world is; nothing when it is not up."""
        try:
            found: dict[str, str] = json.loads((self.sandbox_dir / "endpoints.json").read_text())
        except FileNotFoundError:
            return {}
        return found


def read_settings(sources: Iterable[Source] = ()) -> Settings:
    """Read and check the whole environment; raises SettingsError with one line per bad variable."""
    model = _model_of(tuple(sources))
    known = {f"{PREFIX}{name.upper()}" for name in model.model_fields}
    problems = [_unknown(name, known) for name in sorted(os.environ) if name.startswith(PREFIX) and name not in known]
    try:
        settings = model()
    except ValidationError as error:
        problems += [f"{PREFIX}{str(line['loc'][0]).upper()}: {line['msg']}" for line in error.errors(include_input=False)]
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


def _model_of(sources: tuple[Source, ...]) -> type[Settings]:
    fields: dict[str, Any] = {}
    for source in sources:
        for spec in source.settings:
            name = _field(source, spec)
            if name in fields or name in Settings.model_fields:
                raise ValueError(f"two settings are called {PREFIX}{name.upper()}")
            fields[name] = (_TYPES[spec.kind] | None, Field(None, description=spec.description))
    return create_model("Settings", __base__=Settings, **fields)


def _since(table: Table, begin: datetime) -> Table:
    return table if table.partitions is None else replace(table, partitions=table.partitions.since(begin))


def _field(source: Source, spec: Setting) -> str:
    return f"{source.name}_{spec.name}"


def _unknown(name: str, known: set[str]) -> str:
    close = get_close_matches(name, sorted(known), n=1)
    return f"{name}: no such setting" + (f"; did you mean {close[0]}?" if close else "; `oso settings` lists them all")


def _check_url(value: str) -> str:
    scp_like = "://" not in value and "@" in value and ":" in value
    if not scp_like and "://" not in value:
        raise ValueError("an address such as https://…, ssh://…, file:///… is expected")
    if not scp_like and urlsplit(value).password:
        raise ValueError("a password must not stand in an address; use the source's secret setting")
    return value


_TYPES: Mapping[SettingKind, Any] = {
    SettingKind.URL: Annotated[str, AfterValidator(_check_url)],
    SettingKind.SECRET: SecretStr,
    SettingKind.TEXT: str,
    SettingKind.RATIO: Annotated[float, Field(ge=0, le=1)],
    SettingKind.NUMBER: Annotated[float, Field(gt=0)],
}
