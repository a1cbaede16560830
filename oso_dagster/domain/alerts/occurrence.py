"""One occurrence of an incident as it is remembered: how it goes on, ends and comes back, and when it flaps. Pure.

What comes back soon after its end is the same incident. One that does so again and again is announced no more until it has been
calm for an hour: met or missed, whichever it is then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from oso_dagster.domain.alerts.incident import Incident, State

SAME_INCIDENT = timedelta(hours=1)
"""What comes back so soon after it ended is the same incident, in the same message; so long a calm ends its flapping."""

FLAPS = 3
"""The return within an hour with which it flaps: the message that says so is the last one, the fourth with the first."""

MOST_EDITS_AN_HOUR = 12
"""Edits of one message because its numbers changed; later ones wait."""


@dataclass(frozen=True)
class MessagePace:
    """How restless an incident is: when it was edited and when it came back in the last hour; `turned_at`: its last turn.

    `flaps_since` is set while it flaps.
    """

    edited: tuple[datetime, ...] = ()
    returned: tuple[datetime, ...] = ()
    flaps_since: datetime | None = None
    turned_at: datetime | None = None

    def at(self, now: datetime) -> MessagePace:
        """Without what is longer ago than an hour."""
        edited, returned = (tuple(at for at in times if _recent(at, now)) for times in (self.edited, self.returned))
        return replace(self, edited=edited, returned=returned)

    def back(self, now: datetime) -> MessagePace:
        """After one more return."""
        current = self.at(now)
        returned = (*current.returned, now)
        flaps = current.flaps_since or (now if len(returned) >= FLAPS else None)
        return replace(current, returned=returned, flaps_since=flaps, turned_at=now)


@dataclass(frozen=True)
class IncidentRecord:
    """An incident that is remembered: how many announcements it had, and when the last one was made (None: never).

    `collected` is "" for one that is announced by itself, `digest`, or the key of the storm that includes it.
    """

    incident: Incident
    sequence: int = 0
    announced_at: datetime | None = None
    collected: str = ""
    pace: MessagePace = MessagePace()

    @property
    def flaps(self) -> bool:
        """Whether it comes and goes too often to be announced each time."""
        return self.pace.flaps_since is not None


def goes_on(before: IncidentRecord, current: Incident, now: datetime) -> IncidentRecord:
    """The incident as it is now; its key and the beginning stay, and the time only moves when something else does."""
    there = replace(current, opened_at=before.incident.opened_at)
    if before.flaps:
        return _flapping(before, there, now)
    same = replace(there, updated_at=before.incident.updated_at) == before.incident
    return before if same else replace(before, incident=there)


def begins_again(ended: IncidentRecord, current: Incident, now: datetime) -> IncidentRecord:
    """One that comes back: announced by itself, its message goes on; else it is announced anew."""
    fresh = replace(ended, collected="", announced_at=None) if ended.collected else ended
    back, there = replace(fresh, pace=ended.pace.back(now)), replace(current, opened_at=ended.incident.opened_at)
    return replace(back, incident=_noted(there, back.pace) if back.flaps else there)


def ends(before: IncidentRecord, now: datetime) -> IncidentRecord:
    """It is over; what flaps is watched first, until it has been calm for long enough."""
    incident = before.incident
    if not incident.open:
        return before
    if before.flaps and incident.state is not State.WATCHED:
        return replace(
            before, incident=replace(incident, state=State.WATCHED, updated_at=now), pace=replace(before.pace, turned_at=now)
        )
    if before.flaps and _recent(before.pace.turned_at or now, now):
        return before
    over = replace(incident, state=State.RECOVERED, closed_at=now, updated_at=now)
    return replace(before, incident=over, pace=replace(before.pace.at(now), flaps_since=None))


def _flapping(before: IncidentRecord, there: Incident, now: datetime) -> IncidentRecord:
    if before.incident.state is State.WATCHED and there.state is not State.WATCHED:
        return replace(before, incident=_noted(there, before.pace), pace=before.pace.back(now))
    if _recent(before.pace.turned_at or now, now):
        louder = there.severity.rank < before.incident.severity.rank
        return replace(before, incident=_noted(there, before.pace)) if louder else before
    return replace(before, incident=there, pace=replace(before.pace, flaps_since=None, turned_at=now))


def _recent(at: datetime, now: datetime) -> bool:
    """Within the last hour; not what a clock that was ahead has written."""
    return timedelta(0) <= now - at < SAME_INCIDENT


def _noted(incident: Incident, pace: MessagePace) -> Incident:
    line = (
        f"It flaps: it came back {len(pace.returned)} times within an hour. "
        "Nothing more is said until it has been the same for an hour."
    )
    return replace(incident, title=f"{incident.title} (it flaps)", body=(line, *incident.body))


def pace_data(pace: MessagePace) -> dict[str, Any] | None:
    """The pace as JSON has it; None when there is nothing to keep."""
    if pace == MessagePace():
        return None
    times = {"edited": [at.isoformat() for at in pace.edited], "returned": [at.isoformat() for at in pace.returned]}
    single = {"flaps_since": pace.flaps_since, "turned_at": pace.turned_at}
    return times | {name: at.isoformat() if at else None for name, at in single.items()}


def pace_of(data: Mapping[str, Any] | None) -> MessagePace:
    """The pace that `pace_data` wrote; none where nothing was kept."""
    if data is None:
        return MessagePace()
    edited, returned = (tuple(datetime.fromisoformat(at) for at in data[name]) for name in ("edited", "returned"))
    flaps, turned = (datetime.fromisoformat(data[name]) if data[name] else None for name in ("flaps_since", "turned_at"))
    return MessagePace(edited, returned, flaps, turned)
