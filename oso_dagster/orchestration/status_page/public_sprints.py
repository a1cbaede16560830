"""What the public page shows of remedial sprints, and of channels on which alerts are not delivered.

Public are times, phases, numbers, data sets, their owners, and what a person marked as public. Names of people, causes, runs and
every other remark are for the team: the page uses the sentences below instead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from oso_dagster.domain.alerts.sprint import EntryKind, Sprint
from oso_dagster.domain.objectives.objectives import objective_of, percent
from oso_dagster.domain.objectives.slo import ALL
from oso_dagster.domain.status.public_incidents import PublicIncident, PublicPhase, Update
from oso_dagster.reliability.alerts.channel_states import ChannelState

PUBLIC = "public:"
"""A note that begins so is published, of a closed sprint as its post-mortem; any other one is for the team."""

_MOVES = {
    EntryKind.OPENED: (PublicPhase.OPEN, "The objective is missed: the sprint is opened."),
    EntryKind.MET: (PublicPhase.WATCHED, "The objective is met again; we are watching whether it lasts."),
    EntryKind.MISSED_AGAIN: (PublicPhase.OPEN, "The objective is missed again."),
    EntryKind.NO_DATA: (PublicPhase.OPEN, "Nothing is measured any more: the sprint stays open."),
    EntryKind.CLOSED: (PublicPhase.OVER, "The objective has stayed met: the sprint is closed."),
    EntryKind.REOPENED: (PublicPhase.OPEN, "The objective is missed again within a day: the sprint is reopened."),
}
_BY_HAND = {EntryKind.ACKNOWLEDGED: "Somebody is working on it.", EntryKind.ASSIGNED: "The sprint is assigned."}


def sprint_incident(sprint: Sprint, hidden: Collection[str]) -> PublicIncident:
    """A sprint as the public sees it; its key is the one that a breach of that time has, too."""
    finding = sprint.finding
    guilty = [guilty_asset for guilty_asset in finding.guilty if guilty_asset.asset not in hidden]
    target = "all of them" if finding.target_bp == ALL else percent(finding.target_bp, ALL)
    numbers = (
        f"{finding.good:,} of {finding.valid:,} good ({percent(finding.good, finding.valid)})"
        if finding.valid
        else "nothing counted"
    )
    return PublicIncident(
        key=sprint.key,
        title=f"Not met: {objective_of(sprint.objective).title}",
        text=f"When last missed: {numbers}; the target is {target}.",
        since=sprint.opened_at,
        until=sprint.closed_at,
        service=finding.service,
        objective=sprint.objective,
        affected=tuple(guilty_asset.asset for guilty_asset in guilty),
        owners=tuple(sorted({guilty_asset.owner for guilty_asset in guilty if guilty_asset.owner})),
        sprint=True,
        updates=tuple(_updates(sprint)),
    )


def notices_of(channels: Iterable[ChannelState]) -> tuple[str, ...]:
    """One sentence for each channel on which nothing is delivered; why not is for the team."""
    return tuple(
        f"Alerts have not been delivered to the channel {channel.name} since {channel.changed_at:%-d %b %Y, %H:%M} UTC: "
        "follow this page for news."
        for channel in channels
        if channel.disabled
    )


def _updates(sprint: Sprint) -> Iterator[Update]:
    phase = PublicPhase.OPEN
    for entry in sprint.history:
        noted = entry.kind is EntryKind.NOTED
        if noted:
            text = entry.text[len(PUBLIC) :].strip() if entry.text.lower().startswith(PUBLIC) else ""
        elif entry.kind in _MOVES:
            phase, text = _MOVES[entry.kind]
        else:
            text = _BY_HAND[entry.kind]
        if text:
            yield Update(entry.at, text, phase, postmortem=noted and phase is PublicPhase.OVER)
