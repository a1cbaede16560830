"""Which world and profile this is, and where its files lie."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

from oso_dagster.domain.catalogue.source import Source
from oso_dagster.domain.due.cadence import in_sandbox
from oso_dagster.settings.sandbox_files import SandboxFiles

PREFIX = "OSO_"
PROJECT_ROOT = Path(__file__).resolve().parents[2]
SANDBOX_PARTITIONS = timedelta(days=30)
"""How far back partitions begin in the sandbox world: the half of its history that a demo loads in its time."""


class World(StrEnum):
    """Which endpoints the sources talk to: the internet, or the same protocols on loopback."""

    LIVE = "live"
    SANDBOX = "sandbox"


class Profile(StrEnum):
    """Where data lands and runs."""

    EMBEDDED = "embedded"
    LAKEHOUSE = "lakehouse"

    @property
    def engine(self) -> str:
        """What computes the models."""
        return {Profile.EMBEDDED: "duckdb", Profile.LAKEHOUSE: "trino"}[self]

    @property
    def storage(self) -> str:
        """What raw tables lie in."""
        return {Profile.EMBEDDED: "duckdb", Profile.LAKEHOUSE: "iceberg"}[self]


class SettingsError(Exception):
    """The environment cannot be used as it is; the message names each variable and what to do, and holds no value."""


class Places(BaseSettings):
    """The settings that say where things lie, and the sandbox world as it stands on disk."""

    world: World = Field(default=World.LIVE, description="live (the internet) or sandbox (loopback)")
    profile: Profile = Field(default=Profile.EMBEDDED, description="embedded (DuckDB) or lakehouse (Trino, Iceberg)")
    home: Path = Field(default=Path(".oso"), description="the folder under which everything a world makes lies")
    sqlmesh_project: Path = Field(default=PROJECT_ROOT / "sqlmesh_project", description="the folder of the SQLMesh project")
    instance_file: Path = Field(
        default=PROJECT_ROOT / "dagster.yaml", description="configuration of Dagster's instance; k8s/ has one for PostgreSQL"
    )
    workspace_file: Path = Field(
        default=PROJECT_ROOT / "workspace.yaml",
        description="where Dagster's pages have the code location from",
    )

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
    def sandbox_files(self) -> SandboxFiles:
        """The sandbox world's files that the settings read."""
        return SandboxFiles(self.sandbox_dir)

    def in_world(self, sources: Iterable[Source]) -> tuple[Source, ...]:
        """The sources as this world has them: in the sandbox, partitions begin 30 days ago and pauses are short.

        When its world was made stands in a small file on disk; before the first one was made the live starts stand.
        """
        if self.world is not World.SANDBOX or (made := self._sandbox_made_at()) is None:
            return tuple(sources)
        return tuple(in_sandbox(source, made - SANDBOX_PARTITIONS) for source in sources)

    def _sandbox_made_at(self) -> datetime | None:
        try:
            manifest = json.loads(self.sandbox_files.manifest.read_text())
        except FileNotFoundError:
            return None
        return datetime.fromisoformat(manifest["now"])

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
            addresses: dict[str, str] = json.loads(self.sandbox_files.endpoints.read_text())
        except FileNotFoundError:
            return {}
        return addresses
