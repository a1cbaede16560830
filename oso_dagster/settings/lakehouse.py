"""The settings of the profile `lakehouse`: where its catalogue, its tables and its Trinos are."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field, SecretStr

from oso_dagster.settings.places import PREFIX, Places, Profile, SettingsError, World
from oso_dagster.settings.values import check_postgres, check_status_url, check_trino


class Lakehouse(Places):
    """What the profile `lakehouse` needs. In the sandbox world what is unset is that of `make lakehouse`, where it runs."""

    lakehouse_catalogue_url: Annotated[SecretStr, AfterValidator(check_postgres)] | None = Field(
        default=None, description="postgresql://… of the database with Iceberg's catalogue and the records of loads"
    )
    lakehouse_store: Annotated[str, AfterValidator(check_status_url)] | None = Field(
        default=None, description="where new Iceberg tables lie: gs://…, s3://…, file:///…"
    )
    lakehouse_trino_url: Annotated[SecretStr, AfterValidator(check_trino)] | None = Field(
        default=None, description="http(s)://user:password@host:port of the Trino that SQLMesh works on"
    )
    lakehouse_consumer_url: Annotated[SecretStr, AfterValidator(check_trino)] | None = Field(
        default=None, description="http(s)://user:password@host:port of the read-only Trino that readers ask"
    )

    @property
    def lakehouse_file(self) -> Any:
        """Where `make lakehouse` writes down what it has started."""
        return self.home.absolute() / "lakehouse" / "endpoints.json"

    def lakehouse_value(self, name: str) -> str:
        """One of the settings above, by its name. Raises SettingsError where it is neither set nor started."""
        value = getattr(self, name, None)
        if value is None:
            value = self.of_started_lakehouse(name)
        if value is None:
            raise SettingsError(f"OSO_PROFILE={self.profile.value}: set {PREFIX}{name.upper()} (sandbox: `make lakehouse`)")
        return value.get_secret_value() if isinstance(value, SecretStr) else str(value)

    def of_started_lakehouse(self, name: str) -> str | None:
        """What a setting is at the servers that `make lakehouse` has started; None where this is not their profile and world."""
        if self.profile is not Profile.LAKEHOUSE or self.world is not World.SANDBOX:
            return None
        try:
            started: dict[str, str] = json.loads(self.lakehouse_file.read_text())["settings"]
        except FileNotFoundError:
            return None
        return started.get(name)

    @property
    def trino_connection(self) -> dict[str, Any]:
        """The producer's Trino, in the words of SQLMesh's connection configuration. May hold a password: never print it."""
        parts = urlsplit(self.lakehouse_value("lakehouse_trino_url"))
        who: dict[str, Any] = {"user": unquote(parts.username or "producer")}
        if parts.password:
            who |= {"method": "basic", "password": unquote(parts.password)}
        return who | {
            "type": "trino",
            "host": parts.hostname,
            "port": parts.port or (443 if parts.scheme == "https" else 8080),
            "http_scheme": parts.scheme,
            "catalog": "lake",
            "catalog_type_overrides": {"lake": "iceberg"},
            "timestamp_mapping": {"TIMESTAMP": "TIMESTAMP(6)", "TIMESTAMPTZ": "TIMESTAMP(6) WITH TIME ZONE"},
            "concurrent_tasks": 4,
            "retries": 10,
        }
