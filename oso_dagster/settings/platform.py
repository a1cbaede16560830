"""The platform's own settings, and what follows from them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from oso_dagster.domain.alerts.announcement import Route
from oso_dagster.domain.alerts.channel import DISCORD, Channel, Webhook, parse_channels
from oso_dagster.domain.alerts.hours import Hours
from oso_dagster.domain.catalogue.source import Setting, Source
from oso_dagster.settings.lakehouse import Lakehouse
from oso_dagster.settings.places import PREFIX, World
from oso_dagster.settings.values import (
    check_channels,
    check_postgres,
    check_quiet,
    check_status_url,
    check_webhook,
    check_zone,
    postgres_of,
    quiet,
)


class Settings(Lakehouse):
    """The platform's settings. Those of the sources are added by `read_settings`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True)

    reliability_url: SecretStr | None = Field(
        default=None, description="SQLAlchemy URL of the reliability store; SQLite under home if unset"
    )
    sqlmesh_state_url: Annotated[SecretStr, AfterValidator(check_postgres)] | None = Field(
        default=None, description="postgresql://… for SQLMesh's state and its locks; a DuckDB file under home if unset"
    )
    status_url: Annotated[str, AfterValidator(check_status_url)] | None = Field(
        default=None, description="where the status page is published: gs://…, s3://…; a folder under home if unset"
    )
    discord_url: Annotated[SecretStr, AfterValidator(check_webhook)] | None = Field(
        default=None, description="webhook of the Discord channel that gets every alert; in the sandbox world the sandbox's own"
    )
    discord_channels: Annotated[SecretStr, AfterValidator(check_channels)] | None = Field(
        default=None, description='more channels: {"pages": {"url": "https://…", "least": "page", "services": ["sqlmesh"]}}'
    )
    runbooks_url: str = Field(
        default="", description="where docs/runbooks.md can be read; alerts then link to their chapter of it"
    )
    dagster_url: str = Field(default="", description="address of Dagster's web page, for links; that of this machine if unset")
    public_status_url: str = Field(default="", description="address at which people read the status page, for links")
    alert_zone: Annotated[str, AfterValidator(check_zone)] = Field(
        default="UTC", description="time zone of quiet hours and digest"
    )
    alert_quiet_hours: Annotated[str, AfterValidator(check_quiet)] = Field(
        default="22-7", description="between which hours of the zone tickets wait; pages never do; empty: none"
    )
    alert_digest_hour: int = Field(default=9, ge=0, le=23, description="hour of the zone at which unstable data is summed up")
    webserver_port: int = Field(default=3000, ge=1, le=65535, description="port of Dagster's web page in `oso dev`")
    probes_file: Path | None = Field(
        default=None, description="YAML file of declared probes for `oso probe`; in the sandbox world the platform's own if unset"
    )
    lock_timeout_seconds: float = Field(default=900, gt=0, description="how long a writer waits for the warehouse lock")

    @property
    def reliability_store_url(self) -> str:
        """SQLAlchemy URL of the reliability store."""
        if self.reliability_url is not None:
            return self.reliability_url.get_secret_value()
        if (started := self.of_started_lakehouse("reliability_url")) is not None:
            return started
        return f"sqlite:///{self.world_dir / 'reliability.db'}"

    @property
    def sqlmesh_state(self) -> dict[str, Any]:
        """Where SQLMesh's state lies, in the words of its connection configurations. Holds the password: never print it."""
        if self.sqlmesh_state_url is None and (started := self.of_started_lakehouse("sqlmesh_state_url")) is not None:
            return postgres_of(started)
        if self.sqlmesh_state_url is None:
            return {"type": "duckdb", "database": str(self.sqlmesh_state_path)}
        return postgres_of(self.sqlmesh_state_url.get_secret_value())

    def of_source(self, source: Source) -> dict[str, str]:
        """The plain values of one source's settings, by their short names; unset ones are left out.

        In the sandbox world an endpoint that is not set is the sandbox's, never the live default. Raises SettingsError
        when the sandbox is not up.
        """
        values: dict[str, str] = {}
        for spec in source.settings:
            value = getattr(self, field_of(source, spec))
            if isinstance(value, SecretStr):
                value = value.get_secret_value()
            if value is None and self.world is World.SANDBOX:
                value = self.of_sandbox(source, spec)
            if value is None:
                value = spec.default
            if value is not None:
                values[spec.name] = str(value)
        return values

    def of_sandbox(self, source: Source, spec: Setting) -> str | None:
        """What a setting is in the sandbox world where it is not set; None: its default. Raises SettingsError as `of_source`."""
        return self._sandbox_endpoint(field_of(source, spec)) if spec.endpoint else spec.sandbox

    def hours(self) -> Hours:
        """When alerts may be sent to people."""
        return Hours(zone=self.alert_zone, quiet=quiet(self.alert_quiet_hours), digest=self.alert_digest_hour)

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
        channels = parse_channels(self.discord_channels.get_secret_value()) if self.discord_channels else ()
        if self.discord_url is not None:
            return (Channel(Route(DISCORD), Webhook.parse(self.discord_url.get_secret_value())), *channels)
        if self.world is not World.SANDBOX:
            return channels
        address = self._sandbox_endpoints().get("discord_url")
        return (Channel(Route(DISCORD), Webhook.parse(address) if address else None), *channels)

    def secrets(self) -> list[str]:
        """Every secret value that is set, for redaction."""
        values = (getattr(self, name) for name in type(self).model_fields)
        plain = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
        return plain + [channel.webhook.token for channel in self.channels() if channel.webhook]


def field_of(source: Source, spec: Setting) -> str:
    """The name under which a source's setting stands among all settings."""
    return f"{source.name}_{spec.name}"
