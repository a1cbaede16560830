"""All that the world serves: which source has a part in it, what a complete load holds, where everything is."""

from __future__ import annotations

from collections.abc import Mapping

from oso_dagster.domain.catalogue.source import Source
from oso_dagster.sandbox.discord import discord_app
from oso_dagster.sandbox.faults.at_source import AT_SOURCE
from oso_dagster.sandbox.faults.injection import KINDS
from oso_dagster.sandbox.protocols.family import Endpoint, Rows
from oso_dagster.sandbox.upstreams import families
from oso_dagster.sandbox.world.world import SandboxWorld


def points() -> list[Endpoint]:
    """The addresses of all families."""
    return [point for family in families() for point in family.endpoints]


def invents(source: Source) -> bool:
    """Whether the world has a part for this source: one that was just added to the catalogue may have none."""
    settings = {f"{source.name}_{setting.name}" for setting in source.settings}
    return any(point.setting in settings for point in points())


def truth(world: SandboxWorld) -> Rows:
    """The rows that a complete load holds, by `<source>.<table>`, of the families that state it themselves."""
    return {name: rows for family in families() for name, rows in family.truth(world).items()}


def kinds_of_faults() -> Mapping[str, str]:
    """Every kind of fault that may be set, and what it means, with the families that alone have it."""
    having = {kind: ", ".join(family.name for family in families() if kind in family.faults) for kind in AT_SOURCE}
    return {kind: about + (f" (only {having[kind]})" if kind in AT_SOURCE else "") for kind, about in KINDS.items()}


def endpoints(port: int, database_port: int = 0) -> dict[str, str]:
    """The addresses of a world served at these ports (0: no PostgreSQL), by the setting they stand in for."""
    addresses = {point.setting: point.address(port, database_port) for point in points()}
    upstreams = {setting: address for setting, address in addresses.items() if address is not None}
    return upstreams | discord_app.endpoints(port)
