"""The page of `oso alerts preview --html`: every kind of message on the sandbox's own Discord page, nothing sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from oso_dagster.alerting import embeds
from oso_dagster.domain.alerts.announcement import Announcement, AnnouncementKind
from oso_dagster.sandbox.discord.client_page import render
from oso_dagster.sandbox.discord.message_store import ALERTS, Message, Version

_BANNER = "What alerts look like. Every incident here is invented."


def page(stories: Sequence[Sequence[Announcement]]) -> str:
    """A page with a message for each story, edited as the story goes, and its reminders."""
    return render([(ALERTS, list(_messages(stories)))], _BANNER)


def _messages(stories: Sequence[Sequence[Announcement]]) -> Iterator[Message]:
    for number, story in enumerate(stories, start=1):
        reminders = [event for event in story if event.kind is AnnouncementKind.REMINDED]
        versions = [Version(event.at, embeds.message(event)) for event in story if event.kind is not AnnouncementKind.REMINDED]
        yield _message(f"{number}00", versions)
        for count, reminder in enumerate(reminders, start=1):
            yield _message(f"{number}{count:02}", [Version(reminder.at, _reminder(reminder, number))])


def _message(identity: str, versions: Sequence[Version]) -> Message:
    return Message(identity, ALERTS.id, ALERTS.channel, None, versions[0].at, None, tuple(versions))


def _reminder(announcement: Announcement, number: int) -> dict[str, Any]:
    return embeds.reminder(announcement, f"https://discord.com/channels/1/2/{number}00")
