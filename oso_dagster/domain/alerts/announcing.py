"""Compares what is wrong with what was announced: which announcements are due now, and what is remembered. Pure.

An incident is announced by itself, or collected: those of unstable data in a daily digest, many at once in one summary (a
storm). One that ended before it was announced is dropped without an announcement.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from oso_dagster.domain.alerts.announcement import AnnouncementKind
from oso_dagster.domain.alerts.collecting import DIGEST, STORM, digest_of, storm_of
from oso_dagster.domain.alerts.hours import Hours
from oso_dagster.domain.alerts.incident import Incident, Kind
from oso_dagster.domain.alerts.occurrence import MOST_EDITS_AN_HOUR, SAME_INCIDENT, IncidentRecord, begins_again, ends, goes_on


@dataclass(frozen=True)
class Signal:
    """Something that is wrong now. `quietly`: an open incident goes on, but none begins, since another one covers it."""

    incident: Incident
    quietly: bool = False


@dataclass(frozen=True)
class IncidentChange:
    """The next state of an incident: what is remembered, whether it still `stands`, and the `kinds` of announcement, in order.

    `audience` are the incidents whose channels receive it, when it summarises others. `logged`: only the log hears of it, as in
    the quiet hours.
    """

    after: IncidentRecord
    stands: bool
    kinds: tuple[AnnouncementKind, ...] = ()
    audience: tuple[Incident, ...] = ()
    logged: bool = False


@dataclass(frozen=True)
class IncidentMemory:
    """What was announced so far: the incidents that stand, those that ended (by key), and when the last digests were made.

    Those that ended a short while ago are remembered whatever is wrong now.
    """

    standing: Sequence[IncidentRecord]
    ended: Mapping[str, IncidentRecord]
    last_digest: datetime | None
    last_weekly: datetime | None = None


def compare(
    signals: Iterable[Signal],
    kept: Collection[str],
    memory: IncidentMemory,
    hours: Hours,
    now: datetime,
    quiet: Collection[str] = (),
) -> list[IncidentChange]:
    """What has to change. Of the subjects in `kept` nothing is known now: their incidents stay as they are.

    Those in `quiet` are being worked on: they stay as they are too, and nothing is said of them, not even a reminder.
    """
    resting = [record for record in memory.standing if record.incident.subject in quiet and not record.collected]
    memory = replace(memory, standing=[record for record in memory.standing if record not in resting])
    known = {record.incident.subject: record for record in memory.standing}
    wanted = {signal.incident.subject: signal for signal in signals if signal.incident.subject not in quiet}
    moved: list[tuple[IncidentRecord | None, IncidentRecord]] = []
    for subject, signal in wanted.items():
        before = known.get(subject)
        if before is not None:
            moved.append((before, goes_on(before, signal.incident, now)))
        elif not signal.quietly:
            ended = memory.ended.get(signal.incident.key) or _just_ended(memory, subject, now)
            moved.append((ended, begins_again(ended, signal.incident, now)) if ended else (None, IncidentRecord(signal.incident)))
    gone = [
        record for record in memory.standing if record.incident.kind is not Kind.STORM and record.incident.subject not in wanted
    ]
    moved += [(record, record if record.incident.subject in kept else ends(record, now)) for record in gone]
    moved = _collected(moved, [record for record in memory.standing if not record.collected], hours, now)
    alone = [_alone(before, after, hours, now) for before, after in moved if not after.collected]
    members = [(before, after) for before, after in moved if after.collected]
    digested = _digested([pair for pair in members if pair[1].collected == DIGEST], memory.last_digest, hours, now)
    stormy = [pair for pair in members if pair[1].collected != DIGEST]
    return [change for change in alone if change is not None] + digested + _storms(stormy, memory.standing, hours, now)


def _collected(
    moved: Sequence[tuple[IncidentRecord | None, IncidentRecord]], alone: Sequence[IncidentRecord], hours: Hours, now: datetime
) -> list[tuple[IncidentRecord | None, IncidentRecord]]:
    """Assign what was never announced to the digest, or, if it is too much at once, to a storm."""
    unstable = [after for _, after in moved if _is_new(after) and _goes_to_digest(after.incident)]
    loud = [after for _, after in moved if _is_new(after) and after not in unstable and hours.may_tell(after.incident, now)]
    loud = [after for after in loud if after.incident.kind is not Kind.SPRINT]
    recent = [record for record in alone if record.announced_at and now - record.announced_at <= hours.storm_span]
    recent = [record for record in recent if record.incident.kind not in (Kind.SPRINT, Kind.STORM)]
    storm = _storm_now(alone, hours, now) or (storm_of((), now).key if len(loud) + len(recent) > hours.storm else "")
    place = dict.fromkeys((after.incident.key for after in unstable), DIGEST)
    place |= dict.fromkeys((after.incident.key for after in loud), storm)
    return [(before, replace(after, collected=place.get(after.incident.key, after.collected))) for before, after in moved]


def _storm_now(alone: Sequence[IncidentRecord], hours: Hours, now: datetime) -> str:
    """The storm that began a moment ago and still takes in new incidents; "" without one."""
    storms = [record.incident for record in alone if record.incident.kind is Kind.STORM and record.incident.open]
    return next((storm.key for storm in storms if now - storm.opened_at <= hours.storm_span), "")


def _is_new(after: IncidentRecord) -> bool:
    return after.announced_at is None and not after.collected and after.incident.open


def _goes_to_digest(incident: Incident) -> bool:
    return incident.stability == "unstable" and incident.kind is not Kind.SPRINT


def _alone(before: IncidentRecord | None, after: IncidentRecord, hours: Hours, now: datetime) -> IncidentChange | None:
    """The change of an incident that is announced by itself; None when nothing changes."""
    if after.announced_at is None:
        return _first(before, after, hours, now)
    incident, kinds = after.incident, _kinds(before, after, hours, now)
    pace = after.pace.at(now) if kinds else after.pace
    if kinds == (AnnouncementKind.UPDATED,):
        if before is not None and before.incident.state is incident.state and len(pace.edited) >= MOST_EDITS_AN_HOUR:
            return None  # the next round compares again
        pace = replace(pace, edited=(*pace.edited, now))
    if not kinds and before == after:
        return None
    loud = AnnouncementKind.REMINDED in kinds
    counted = replace(after, sequence=after.sequence + len(kinds), announced_at=now if loud else after.announced_at, pace=pace)
    return IncidentChange(counted, stands=incident.open, kinds=kinds)


def _first(before: IncidentRecord | None, after: IncidentRecord, hours: Hours, now: datetime) -> IncidentChange | None:
    """The change of an incident that nobody has been notified of: in the quiet hours it waits, but not for the log."""
    if not after.incident.open:
        return _to_the_log(after, AnnouncementKind.RECOVERED) if after.sequence else IncidentChange(after, stands=False)
    if hours.may_tell(after.incident, now):
        raised = replace(after, sequence=after.sequence + 1, announced_at=now)
        return IncidentChange(raised, stands=True, kinds=(AnnouncementKind.RAISED,))
    if before is None or not before.incident.open:
        return _to_the_log(after, AnnouncementKind.RAISED)
    return IncidentChange(after, stands=True) if before != after else None


def _to_the_log(after: IncidentRecord, kind: AnnouncementKind) -> IncidentChange:
    """The log hears at once of what a channel hears later, or never."""
    counted = replace(after, sequence=after.sequence + 1)
    return IncidentChange(counted, stands=after.incident.open, kinds=(kind,), logged=True)


def _just_ended(memory: IncidentMemory, subject: str, now: datetime) -> IncidentRecord | None:
    """The incident of that subject that ended so short a while ago that this one is it."""
    of_subject = [record for record in memory.ended.values() if record.incident.subject == subject]
    newest = max(of_subject, key=lambda record: record.incident.closed_at or record.incident.opened_at, default=None)
    closed = newest.incident.closed_at if newest else None
    return newest if closed is not None and timedelta(0) <= now - closed < SAME_INCIDENT else None


def _kinds(before: IncidentRecord | None, after: IncidentRecord, hours: Hours, now: datetime) -> tuple[AnnouncementKind, ...]:
    """The announcements of an incident that has one already. An edit notifies nobody, so a worse one is reminded of too."""
    if before is None or after.announced_at is None:
        return ()
    then, incident = before.incident, after.incident
    if not incident.open:
        return (AnnouncementKind.RECOVERED,)
    louder = incident.severity.rank < then.severity.rank or not then.open
    if before.flaps and after.flaps and not louder:
        return ()
    louder = louder or before.flaps
    remind = (louder and hours.may_tell(incident, now)) or hours.remind(incident, after.announced_at, now)
    return (*((AnnouncementKind.UPDATED,) if then != incident else ()), *((AnnouncementKind.REMINDED,) if remind else ()))


def _digested(
    members: Sequence[tuple[IncidentRecord | None, IncidentRecord]], last: datetime | None, hours: Hours, now: datetime
) -> list[IncidentChange]:
    """The members of the digest, and the digest if it is due. A member that recovered after a digest is listed once more."""
    due = hours.digest_due(last, now) and not hours.is_quiet(now)
    included = [after for _, after in members if after.incident.open or after.announced_at is not None]
    changes = []
    for before, after in members:
        updated = replace(after, announced_at=now) if due and after in included else after
        stands = after.incident.open or (after.announced_at is not None and not due)
        if after.incident.open is not (before is not None and before.incident.open):
            kind = AnnouncementKind.RAISED if after.incident.open else AnnouncementKind.RECOVERED
            changes.append(replace(_to_the_log(updated, kind), stands=stands))
        elif updated != before or not stands:
            changes.append(IncidentChange(updated, stands))
    if due and included:
        incidents = tuple(record.incident for record in included)
        digest = IncidentRecord(digest_of(incidents, now), 1, now)
        changes.append(IncidentChange(digest, stands=False, kinds=(AnnouncementKind.RAISED,), audience=incidents))
    return changes


def _storms(
    members: Sequence[tuple[IncidentRecord | None, IncidentRecord]],
    standing: Sequence[IncidentRecord],
    hours: Hours,
    now: datetime,
) -> list[IncidentChange]:
    """Each storm as the sum of its members, who stand as long as it does."""
    changes = []
    known = {record.incident.key: record for record in standing if record.incident.kind is Kind.STORM}
    for key in sorted({after.collected for _, after in members}):
        inside = [pair for pair in members if pair[1].collected == key]
        incidents = tuple(after.incident for _, after in inside)
        before = known.get(key)
        storm = storm_of(incidents, now if before is None else before.incident.opened_at, now)
        after = IncidentRecord(storm) if before is None else goes_on(before, storm, now)
        change = _alone(before, after, hours, now)
        if change is not None:
            changes.append(replace(change, audience=incidents))
        for was, member in inside:
            updated = replace(member, announced_at=member.announced_at or now)
            if updated != was or not storm.open:
                changes.append(IncidentChange(updated, stands=storm.open))
    return changes


__all__ = ["DIGEST", "STORM", "IncidentChange", "IncidentMemory", "IncidentRecord", "Signal", "compare"]
