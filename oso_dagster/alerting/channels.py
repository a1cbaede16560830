"""The channels that the settings name: who is told what (`routes`), and the senders that tell them.

`OSO_DISCORD_URL` is the channel `discord`, which is told everything. `OSO_DISCORD_CHANNELS` names more, each with the quietest
severity and the services that it is told of. The log is always one of them.
"""

from __future__ import annotations

import logging

from oso_dagster.alerting.discord import DiscordSender
from oso_dagster.alerting.log import LogSender
from oso_dagster.alerting.ports import Sender
from oso_dagster.domain.alerts.announcement import Route
from oso_dagster.settings import Settings

_LOG = logging.getLogger(__name__)


def routes(settings: Settings) -> tuple[Route, ...]:
    """What each channel is told; the log is told everything without being named here."""
    return tuple(channel.route for channel in settings.channels())


def senders(settings: Settings, logger: logging.Logger) -> list[Sender]:
    """A sender for the log and for every channel that can be reached; keep them for one round of deliveries.

    The sandbox's channel has an address only while the sandbox is up; what it should say is kept until then.
    """
    found: list[Sender] = [LogSender(logger)]
    for channel in settings.channels():
        if channel.webhook is None:
            _LOG.warning("channel %s: the sandbox world is not up; what it should say is kept", channel.route.name)
        else:
            found.append(DiscordSender(channel.route.name, channel.webhook))
    return found
