"""Dagster's instance of one world: its folder, its configuration, and the variables that Dagster's processes read."""

from __future__ import annotations

import os
import shutil
import socket

from oso_dagster.settings import Settings, SettingsError


class PortTakenError(Exception):
    """Somebody listens on the port already."""


class InstanceTakenError(Exception):
    """Another `oso dev` runs on the same instance: two daemons would start every schedule twice."""


def prepare(settings: Settings) -> dict[str, str]:
    """Make DAGSTER_HOME with the `dagster.yaml` of these settings, and return the variables for processes started from here."""
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(settings.instance_file, settings.dagster_home / "dagster.yaml")
    except FileNotFoundError:
        raise SettingsError(f"OSO_INSTANCE_FILE: there is no file {settings.instance_file}") from None
    return {
        "DAGSTER_HOME": str(settings.dagster_home),
        "DAGSTER_EVENT_BATCH_SIZE": "1000",  # what a run is going to do is stored at once: docs/decisions/0010
        "OSO_HOME": str(settings.home.absolute()),
        "OSO_WORLD": settings.world.value,
    }


def enter(settings: Settings) -> None:
    """Prepare the instance and let this very process be one of Dagster's."""
    os.environ.update(prepare(settings))


def require_free(port: int) -> None:
    """Raise PortTakenError when something listens on `port` of loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortTakenError(
                f"port {port} is taken ({error.strerror}): choose another one, for example OSO_WEBSERVER_PORT={port + 1} make dev"
            ) from None
