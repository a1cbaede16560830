"""The channels that the settings name: which alerts each one gets (`routes`), and the senders that send them.

`OSO_DISCORD_URL` is the channel `discord`, which gets every alert. `OSO_DISCORD_CHANNELS` names more, each with the lowest
severity and the services whose alerts it gets. The log is always one of them.
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
    """The alerts that each channel gets; the log gets all of them without being named here."""
    return tuple(channel.route for channel in settings.channels())


def senders(settings: Settings, logger: logging.Logger) -> list[Sender]:
    """A sender for the log and for every channel that can be reached; keep them for one round of deliveries.

    The sandbox's channel has an address only while the sandbox is up; its alerts are kept until then.
    """
    reachable: list[Sender] = [LogSender(logger)]
    for channel in settings.channels():
        if channel.webhook is None:
            _LOG.warning("channel %s: the sandbox world is not up; its alerts are kept", channel.route.name)
        else:
            reachable.append(DiscordSender(channel.route.name, channel.webhook))
    return reachable
