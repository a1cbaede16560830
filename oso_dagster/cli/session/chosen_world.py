"""Which world a command shows: chosen by OSO_WORLD, named where nobody chose, so that no one takes one world for the other."""

from __future__ import annotations

from oso_dagster.cli.session.terminal import say
from oso_dagster.settings import Settings, World, read_platform_settings, read_settings
from oso_dagster.sources import catalogue, source_names


def settings_now() -> Settings:
    """The settings of the environment, those of the sources with them."""
    return _named(read_settings(catalogue()))


def settings_without_sources() -> Settings:
    """The platform's settings alone: a source file that is broken stops no command that needs no source."""
    return _named(read_platform_settings(source_names()))


def _named(settings: Settings) -> Settings:
    """Where nobody chose the world and a sandbox world lies here too, say on standard error which one is shown."""
    if "world" not in settings.model_fields_set:
        other = settings.model_copy(update={"world": World.SANDBOX})
        if other.world_dir.exists():
            say(f"the {settings.world.value} world; what `make demo` and `make dev` made: OSO_WORLD=sandbox oso …", err=True)
    return settings
