"""Wanted against announced, without a database: `World` remembers as the store does, and tells what was said."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from oso_dagster.domain.alerts.announcement import AnnouncementKind
from oso_dagster.domain.alerts.announcing import IncidentMemory, Signal, compare
from oso_dagster.domain.alerts.hours import Hours
from oso_dagster.domain.alerts.incident import Incident, Kind, Severity, State
from oso_dagster.domain.alerts.occurrence import MOST_EDITS_AN_HOUR, MessagePace, pace_data, pace_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TICK = timedelta(seconds=30)


def wrong(subject="shop/things", at=NOON, *, severity=Severity.TICKET, stability="core", kind=Kind.STALE_ASSET, **extra):
    words = {"title": f"{subject} is wrong", "service": f"{stability}_source_data", "owner": "team:shop"} | extra
    return Incident(subject, kind, severity, stability=stability, opened_at=at, updated_at=at, **words)


@dataclass
class World:
    """What the store remembers between two ticks."""

    hours: Hours = field(default_factory=lambda: Hours(quiet=None, storm=3))
    kept: dict = field(default_factory=dict)
    logged: list = field(default_factory=list)

    def tick(self, now, *wanted, unknown=()):
        """What is said at `now`, as (what, title)."""
        signals = [problem if isinstance(problem, Signal) else Signal(problem) for problem in wanted]
        standing = [incident for incident, stands in self.kept.values() if stands]
        ended = {key: incident for key, (incident, stands) in self.kept.items() if not stands}
        digests = [part.incident.opened_at for part in ended.values() if part.incident.kind is Kind.DIGEST]
        changes = compare(signals, unknown, IncidentMemory(standing, ended, max(digests, default=None)), self.hours, now)
        self.kept |= {change.after.incident.key: (change.after, change.stands) for change in changes}
        self.changes = changes
        self.logged = [(kind.value, change.after.incident.title) for change in changes for kind in change.kinds if change.logged]
        return [(kind, change.after.incident) for change in changes for kind in change.kinds if not change.logged]

    def words(self, now, *wanted, **extra):
        return [(kind.value, incident.title) for kind, incident in self.tick(now, *wanted, **extra)]


@pytest.fixture
def world():
    return World()


def test_it_is_raised_once_and_recovers_once(world):
    assert world.words(NOON, wrong()) == [("raised", "shop/things is wrong")]
    assert world.tick(NOON + TICK, wrong(at=NOON + TICK)) == []
    [(kind, incident)] = world.tick(NOON + HOUR)
    assert (kind, incident.state, incident.opened_at, incident.closed_at) == (
        AnnouncementKind.RECOVERED,
        State.RECOVERED,
        NOON,
        NOON + HOUR,
    )
    assert world.tick(NOON + 2 * HOUR) == []


def test_what_develops_is_an_update_of_the_same_incident(world):
    world.tick(NOON, wrong())
    [(kind, incident)] = world.tick(NOON + TICK, wrong(at=NOON + TICK, body=("and worse",)))
    assert (kind, incident.opened_at, incident.updated_at) == (AnnouncementKind.UPDATED, NOON, NOON + TICK)


def test_what_got_louder_also_disturbs(world):
    world.tick(NOON, wrong())
    assert world.words(NOON + TICK, wrong(severity=Severity.PAGE))[1:] == [("reminded", "shop/things is wrong")]
    assert [kind for kind, _ in world.tick(NOON + 2 * TICK, wrong())] == [AnnouncementKind.UPDATED]


def test_of_what_nothing_is_known_nothing_is_said(world):
    world.tick(NOON, wrong())
    assert world.tick(NOON + HOUR, unknown=("shop/things",)) == []
    assert [kind for kind, _ in world.tick(NOON + 2 * HOUR)] == [AnnouncementKind.RECOVERED]


def test_a_quiet_signal_begins_nothing_but_keeps_what_stands(world):
    assert world.tick(NOON, Signal(wrong(), quietly=True)) == []
    world.tick(NOON, wrong())
    assert world.tick(NOON + TICK, Signal(wrong(), quietly=True)) == []


@pytest.mark.parametrize(("severity", "hours"), [(Severity.PAGE, 4), (Severity.TICKET, 24)])
def test_while_it_is_open_reminders_come_and_each_starts_the_time_anew(world, severity, hours):
    world.tick(NOON, wrong(severity=severity))
    assert world.tick(NOON + hours * HOUR - TICK, wrong(severity=severity)) == []
    assert [kind for kind, _ in world.tick(NOON + hours * HOUR, wrong(severity=severity))] == [AnnouncementKind.REMINDED]
    assert world.tick(NOON + hours * HOUR + TICK, wrong(severity=severity)) == []


def test_once_somebody_is_at_it_a_page_reminds_once_a_day(world):
    world.tick(NOON, wrong(severity=Severity.PAGE))
    seen = wrong(severity=Severity.PAGE, state=State.ACKNOWLEDGED)
    assert [kind for kind, _ in world.tick(NOON + TICK, seen)] == [AnnouncementKind.UPDATED]
    assert world.tick(NOON + 23 * HOUR, seen) == []
    assert [kind for kind, _ in world.tick(NOON + 24 * HOUR, seen)] == [AnnouncementKind.REMINDED]


def test_a_ticket_waits_for_the_end_of_the_quiet_hours_and_a_page_does_not():
    world = World(Hours(zone="Europe/Berlin", quiet=(22, 7)))
    night = datetime(2026, 3, 1, 21, 30, tzinfo=UTC)  # half past ten in Berlin
    assert world.words(night, wrong(at=night), wrong("loud", night, severity=Severity.PAGE)) == [("raised", "loud is wrong")]
    morning = datetime(2026, 3, 2, 6, tzinfo=UTC)
    wanted = (wrong(), wrong("loud", severity=Severity.PAGE))
    assert world.words(morning - TICK, *wanted) == [("reminded", "loud is wrong")]
    assert world.words(morning, *wanted) == [("raised", "shop/things is wrong")]


def test_what_recovers_in_the_quiet_hours_is_never_told():
    world = World(Hours(quiet=(11, 13)))
    assert world.tick(NOON, wrong()) == []
    assert world.logged == [("raised", "shop/things is wrong")]
    assert world.tick(NOON + TICK, wrong()) == []
    assert world.logged == []
    assert world.tick(NOON + 2 * TICK) == []
    assert world.logged == [("recovered", "shop/things is wrong")]
    assert world.tick(NOON + 2 * HOUR) == []


def test_more_than_a_few_at_once_become_one_summary_that_ends_when_all_are_over(world):
    many = [wrong(f"t{number}") for number in range(4)]
    [(kind, storm)] = world.tick(NOON, *many)
    assert (kind, storm.kind, len(storm.body)) == (AnnouncementKind.RAISED, Kind.STORM, 4)
    assert {part.subject for change in world.changes for part in change.audience} == {"t0", "t1", "t2", "t3"}
    assert world.tick(NOON + TICK, *many) == []
    [(kind, storm)] = world.tick(NOON + HOUR, *many[:1])
    assert (kind, [line[:10] for line in storm.body]) == (AnnouncementKind.UPDATED, ["t0 is wron", *["recovered:"] * 3])
    assert [kind for kind, _ in world.tick(NOON + 2 * HOUR)] == [AnnouncementKind.RECOVERED]
    assert world.tick(NOON + 3 * HOUR) == []
    assert [stands for _, stands in world.kept.values()] == [False] * 5


def test_a_storm_takes_in_what_comes_a_moment_later_and_not_what_comes_later(world):
    many = [wrong(f"t{number}") for number in range(5)]
    world.tick(NOON, *many[:4])
    assert [(kind, len(incident.body)) for kind, incident in world.tick(NOON + TICK, *many)] == [(AnnouncementKind.UPDATED, 5)]
    late = wrong("late", NOON + HOUR)
    assert world.words(NOON + HOUR, *many, late) == [("raised", "late is wrong")]


def test_a_storm_that_comes_drop_by_drop_is_one_too(world):
    many = [wrong(f"t{number}", NOON + number * TICK) for number in range(5)]
    ticks = [world.words(NOON + number * TICK, *many[: number + 1]) for number in range(5)]
    assert [[kind for kind, _ in tick] for tick in ticks] == [["raised"], ["raised"], ["raised"], ["raised"], ["updated"]]
    assert ticks[3][0][1] == "Many incidents at once: 1 in this summary"


def test_sprints_are_told_in_a_storm_too(world):
    many = [wrong(f"t{number}") for number in range(4)]
    announced = world.tick(NOON, *many, wrong("sprint", kind=Kind.SPRINT))
    assert sorted(incident.kind.value for _, incident in announced) == ["sprint", "storm"]


def test_unstable_data_is_collected_in_a_digest_a_day():
    world = World(Hours(quiet=None, digest=9))
    first, second = (wrong(name, stability="unstable", severity=Severity.INFO) for name in ("u1", "u2"))
    [(kind, digest)] = world.tick(NOON, first)
    assert (kind, digest.kind, digest.body) == (AnnouncementKind.RAISED, Kind.DIGEST, ("u1 is wrong (team:shop)",))
    assert world.tick(NOON + HOUR, second) == []
    nine = NOON.replace(hour=9) + 24 * HOUR
    assert world.tick(nine - TICK, second) == []
    [(_, digest)] = world.tick(nine, second)
    assert digest.body == ("u2 is wrong (team:shop)", "recovered: u1 is wrong (team:shop)")
    assert world.tick(nine + TICK) == []
    [(_, digest)] = world.tick(nine + 24 * HOUR)
    assert digest.body == ("recovered: u2 is wrong (team:shop)",)
    assert world.tick(nine + 48 * HOUR) == []


def test_unstable_data_that_recovers_before_its_digest_is_never_told():
    world = World(Hours(quiet=None, digest=9))
    world.tick(NOON, wrong("u1", stability="unstable"))
    world.tick(NOON + HOUR, wrong("u1", stability="unstable"), wrong("u2", stability="unstable"))
    [(_, digest)] = world.tick(NOON + 24 * HOUR, wrong("u1", stability="unstable"))
    assert digest.body == ("u1 is wrong (team:shop)",)


def test_the_same_incident_that_begins_again_goes_on_in_its_message_and_disturbs(world):
    sprint = wrong("sprint", kind=Kind.SPRINT)
    world.tick(NOON, sprint)
    world.tick(NOON + HOUR)
    [(first, again), (second, _)] = world.tick(NOON + 2 * HOUR, sprint)
    assert (first, second, again.key, again.open) == (AnnouncementKind.UPDATED, AnnouncementKind.REMINDED, sprint.key, True)
    assert world.kept[sprint.key][0].sequence == 4


@pytest.mark.parametrize("bad", [{"quiet": (22, 24)}, {"digest": -1}, {"storm": 0}, {"zone": "Nowhere/Else"}])
def test_hours_that_make_no_sense_are_refused(bad):
    with pytest.raises(ValueError):  # noqa: PT011  (four sentences)
        Hours(**bad)


def test_what_comes_back_within_the_hour_is_the_same_incident_and_later_another_one(world):
    world.tick(NOON, wrong())
    world.tick(NOON + TICK)
    again = NOON + 30 * TICK
    [(edit, _), (reminder, incident)] = world.tick(again, wrong(at=again))
    assert (edit, reminder) == (AnnouncementKind.UPDATED, AnnouncementKind.REMINDED)
    assert (incident.key, incident.opened_at) == (wrong().key, NOON)
    world.tick(again + TICK)
    later = again + TICK + HOUR
    [(kind, incident)] = world.tick(later, wrong(at=later))
    assert (kind, incident.opened_at) == (AnnouncementKind.RAISED, later)


def test_what_comes_and_goes_says_so_once_and_then_nothing_until_it_is_calm(world):
    ticks = [NOON + number * 2 * TICK for number in range(60)]
    messages = []
    for number, now in enumerate(ticks):
        messages += [kind.value for kind, _ in world.tick(now, *([wrong(at=now)] if number % 2 == 0 else []))]
    loud = [kind for kind in messages if kind in ("raised", "reminded")]
    assert loud == ["raised", "reminded", "reminded", "reminded"]  # the last one says that it flaps
    [record] = [record for record, _ in world.kept.values()]
    assert record.incident.title == "shop/things is wrong (it flaps)"
    assert (len(world.kept), record.incident.state) == (1, State.WATCHED)
    assert world.tick(ticks[-1] + HOUR - TICK) == []
    [(kind, _)] = world.tick(ticks[-1] + HOUR)
    assert kind is AnnouncementKind.RECOVERED


def test_what_flaps_and_then_stays_broken_is_announced_after_an_hour(world):
    for number in range(8):
        world.tick(NOON + number * TICK, *([wrong(at=NOON)] if number % 2 == 0 else []))
    stays = NOON + 8 * TICK
    assert world.tick(stays, wrong(at=stays)) == []
    assert world.tick(stays + HOUR - TICK, wrong(at=stays)) == []
    assert [kind.value for kind, _ in world.tick(stays + HOUR, wrong(at=stays))] == ["updated", "reminded"]
    assert [record.incident.title for record, _ in world.kept.values()] == ["shop/things is wrong"]


def test_what_becomes_a_page_while_it_flaps_is_said_at_once(world):
    for number in range(9):
        world.tick(NOON + number * TICK, *([wrong(at=NOON)] if number % 2 == 0 else []))
    page = wrong(at=NOON, severity=Severity.PAGE)
    assert [kind.value for kind, _ in world.tick(NOON + 9 * TICK, page)] == ["updated", "reminded"]


def test_numbers_that_change_all_the_time_edit_a_message_only_so_often(world):
    edits = []
    for number in range(240):
        now = NOON + number * TICK
        edits += [now for kind, _ in world.tick(now, wrong(body=(f"{number} of 1,000 bad",))) if kind is AnnouncementKind.UPDATED]
    assert len(edits) == 2 * MOST_EDITS_AN_HOUR
    [record] = [record for record, _ in world.kept.values()]
    assert record.incident.body[0].startswith("13")  # what is shown is what was announced, not more
    world.tick(NOON + 3 * HOUR, wrong(body=("240 of 1,000 bad",)))
    assert [record.incident.body for record, _ in world.kept.values()] == [("240 of 1,000 bad",)]


def test_a_ticket_that_comes_back_at_night_wakes_nobody():
    world = World(Hours(quiet=(22, 7)))
    evening = NOON.replace(hour=21, minute=50)
    world.tick(evening, wrong(at=evening))
    world.tick(evening + TICK)
    assert [kind.value for kind, _ in world.tick(evening + HOUR / 2, wrong(at=evening))] == ["updated"]


def test_a_pace_is_read_as_it_was_written():
    pace = MessagePace((NOON,), (NOON, NOON + TICK), NOON + TICK, NOON + 2 * TICK)
    assert pace_of(json.loads(json.dumps(pace_data(pace)))) == pace
    assert pace_of(pace_data(MessagePace())) == MessagePace()
