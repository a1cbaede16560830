"""Which probes there are in this world: those of the file that is set, or in the sandbox world the platform's own."""

from __future__ import annotations

from oso_dagster.domain.probes.declaration import HttpProbe, PageProbe, Probe, validated
from oso_dagster.settings import Settings, World

_APPLICATIONS = "public_applications.availability"


class NoProbeError(Exception):
    """No probe is declared."""


def declared_probes(settings: Settings) -> tuple[Probe, ...]:
    """The probes of this world. Raises NoProbeError when none is declared, ProbeFileError for a file that cannot be used."""
    from oso_dagster.probes.catalogue import read_probes  # noqa: PLC0415  (aiohttp loads when used)

    if settings.probes_file is not None:
        return read_probes(settings.probes_file)
    if settings.world is World.SANDBOX:
        return own_probes(settings)
    raise NoProbeError("no probe is declared: set OSO_PROBES_FILE to a file such as docs/probes.example.yaml")


def own_probes(settings: Settings) -> tuple[Probe, ...]:
    """What `oso dev` serves on this machine."""
    dagster = f"http://127.0.0.1:{settings.webserver_port}/server_info"
    probes: list[Probe] = [HttpProbe(name="dagster", objective=_APPLICATIONS, slice="dagster", url=dagster, body="dagster")]
    if (settings.status_dir / "heartbeat.json").is_file():  # before the first evaluation there is no page, and nothing is missed
        probes.append(
            PageProbe(name="status-page", objective=_APPLICATIONS, slice="status_page", url=settings.status_dir.as_uri())
        )
    return validated(probes)
