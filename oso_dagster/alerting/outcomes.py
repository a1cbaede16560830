"""The outcomes of one delivery try, as values: how a channel reports to the delivery loop."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sent:
    """It was accepted, as the message of that id ("" where messages have none)."""

    message_id: str


@dataclass(frozen=True)
class Wait:
    """It was certainly not accepted, and may be tried again in so many seconds; `whose` limit it is says who else waits."""

    seconds: float
    why: str
    whose: str


@dataclass(frozen=True)
class Failed:
    """It did not work this time. `refused`: certainly not accepted; else nobody knows. `slow`: it took its time to fail."""

    why: str
    refused: bool
    slow: bool = False


@dataclass(frozen=True)
class Impossible:
    """It will never be accepted as it is."""

    why: str


@dataclass(frozen=True)
class MessageGone:
    """The message that was to be edited is not there any more."""

    why: str


@dataclass(frozen=True)
class ChannelGone:
    """The channel cannot be used any more until somebody gives it another address."""

    why: str


Outcome = Sent | Wait | Failed | Impossible | MessageGone | ChannelGone

MESSAGE, CHANNEL, SERVER = "message", "channel", "server"
"""Whose limit a `Wait` is about: this message's alone, the channel's, or everybody's at that server."""
