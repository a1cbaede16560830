"""The outbox by itself: order, dropping what was overtaken, leases, channels. Sending is tested with `alerting`."""

import multiprocessing
from datetime import UTC, datetime, timedelta

import pytest

from oso_dagster.domain.alerts.announcement import Announcement, AnnouncementKind, Route, addressed
from oso_dagster.domain.alerts.incident import Incident, Kind, Severity, State
from oso_dagster.domain.alerts.incident_data import as_data, incident_of
from oso_dagster.reliability.alerts.outbox import LEASE
from oso_dagster.reliability.store import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'reliability.db'}"


@pytest.fixture
def store(url):
    with Store.open(url, "sandbox") as opened:
        yield opened


def announced(kind, sequence=1, subject="stale_asset:shop/things", at=NOON):
    over = kind is AnnouncementKind.RECOVERED
    incident = Incident(
        subject=subject,
        kind=Kind.STALE_ASSET,
        severity=Severity.PAGE,
        service="core_source_data",
        stability="core",
        owner="team:shop",
        title=f"shop/things is stale, as of {sequence}",
        opened_at=NOON,
        updated_at=at,
        state=State.RECOVERED if over else State.OPEN,
        closed_at=at if over else None,
    )
    return Announcement(kind, sequence, incident, "sandbox", at)


def write(store, *kinds, names=("discord",), **extra):
    for number, kind in enumerate(kinds, start=1):
        store.outbox.enqueue(announced(kind, number, **extra), names)


def sequences(store, now=NOON):
    """Everything that can be taken now, in order; each is delivered at once."""
    sent = []
    while (taken := store.outbox.claim(now)) is not None:
        sent.append((taken.announcement.kind, taken.announcement.sequence, taken.message_id))
        store.outbox.sent(taken, "m1", now)
    return sent


def test_a_raised_incident_has_no_message_and_its_later_states_edit_the_one_it_got(store):
    write(store, AnnouncementKind.RAISED)
    assert sequences(store) == [(AnnouncementKind.RAISED, 1, None)]
    store.outbox.enqueue(announced(AnnouncementKind.UPDATED, 2), ())
    store.outbox.enqueue(announced(AnnouncementKind.REMINDED, 3), ())
    store.outbox.enqueue(announced(AnnouncementKind.RECOVERED, 4), ())
    assert sequences(store) == [(AnnouncementKind.RECOVERED, 4, "m1")]
    assert sequences(store) == []


def test_only_the_newest_of_several_states_is_said_and_a_reminder_keeps_its_place(store):
    write(
        store,
        AnnouncementKind.RAISED,
        AnnouncementKind.UPDATED,
        AnnouncementKind.UPDATED,
        AnnouncementKind.REMINDED,
        AnnouncementKind.UPDATED,
    )
    assert sequences(store) == [
        (AnnouncementKind.UPDATED, 3, None),
        (AnnouncementKind.REMINDED, 4, "m1"),
        (AnnouncementKind.UPDATED, 5, "m1"),
    ]


def test_the_message_of_a_reminder_does_not_become_the_incidents_message(store):
    write(store, AnnouncementKind.RAISED, AnnouncementKind.REMINDED, AnnouncementKind.UPDATED)
    for message in ("m1", "m2"):
        store.outbox.sent(store.outbox.claim(NOON), message, NOON)
    assert store.outbox.claim(NOON).message_id == "m1"


def test_what_ended_before_it_was_announced_is_never_announced(store):
    write(store, AnnouncementKind.RAISED, AnnouncementKind.UPDATED, AnnouncementKind.RECOVERED)
    assert sequences(store) == []
    assert store.outbox.counts() == {("discord", "dropped"): 3}


def test_a_recovery_is_said_when_the_incident_was_perhaps_announced(store):
    write(store, AnnouncementKind.RAISED)
    taken = store.outbox.claim(NOON)
    store.outbox.retry_later(taken, NOON + MINUTE, "timed out", refused=False)
    store.outbox.enqueue(announced(AnnouncementKind.RECOVERED, 2), ())
    assert store.outbox.claim(NOON) is None  # it still waits, whatever has come since
    again = store.outbox.claim(NOON + MINUTE)
    assert (again.announcement.kind, again.message_id, again.perhaps_sent) == (AnnouncementKind.RECOVERED, None, True)


def test_a_recovery_is_dropped_when_every_try_to_announce_the_incident_was_refused(store):
    write(store, AnnouncementKind.RAISED)
    store.outbox.retry_later(store.outbox.claim(NOON), NOON + MINUTE, "429", refused=True)
    store.outbox.enqueue(announced(AnnouncementKind.RECOVERED, 2), ())
    assert store.outbox.claim(NOON + MINUTE) is None
    assert store.outbox.next_due() is None


def test_a_delivery_under_way_is_not_given_out_twice_until_its_lease_is_over(store):
    write(store, AnnouncementKind.RAISED)
    store.outbox.claim(NOON)
    assert store.outbox.claim(NOON + LEASE - MINUTE) is None
    assert store.outbox.claim(NOON + LEASE).perhaps_sent


def claim_and_die(url):
    with Store.open(url, "sandbox") as store:
        assert store.outbox.claim(NOON) is not None


def test_a_process_that_died_gives_back_what_it_held_at_once(store, url):
    write(store, AnnouncementKind.RAISED)
    process = multiprocessing.get_context("spawn").Process(target=claim_and_die, args=(url,))
    process.start()
    process.join()
    assert process.exitcode == 0
    taken = store.outbox.claim(NOON)
    assert (taken.attempts, taken.perhaps_sent) == (1, True)


def test_a_channel_that_is_disabled_keeps_its_deliveries_until_its_address_changes(store):
    store.channels.open("discord", "a", NOON)
    write(store, AnnouncementKind.RAISED, names=("discord", "log"))
    store.channels.disable("discord", "404: the webhook is gone", NOON)
    store.channels.open("discord", "a", NOON)
    assert sequences(store) == [(AnnouncementKind.RAISED, 1, None)]  # the log's
    assert store.channels.all()[0].disabled
    store.channels.open("discord", "b", NOON)
    assert sequences(store) == [(AnnouncementKind.RAISED, 1, None)]
    assert store.channels.all()[0].last_sent_at == NOON


def test_a_blocked_channel_is_left_alone_until_its_time(store):
    store.channels.open("discord", "a", NOON)
    write(store, AnnouncementKind.RAISED)
    store.channels.block("discord", NOON + MINUTE)
    assert sequences(store) == []
    assert sequences(store, NOON + MINUTE) == [(AnnouncementKind.RAISED, 1, None)]


def test_what_can_never_be_accepted_is_kept_as_dead_with_the_reason(store):
    write(store, AnnouncementKind.RAISED)
    store.outbox.give_up(store.outbox.claim(NOON), "400: too long", NOON)
    assert store.outbox.counts() == {("discord", "dead"): 1}
    assert store.outbox.claim(NOON + LEASE) is None


def test_a_message_that_was_deleted_is_written_anew(store):
    write(store, AnnouncementKind.RAISED)
    assert sequences(store) == [(AnnouncementKind.RAISED, 1, None)]
    store.outbox.enqueue(announced(AnnouncementKind.UPDATED, 2), ())
    store.outbox.forget_message(store.outbox.claim(NOON), NOON, "the message is gone")
    assert sequences(store) == [(AnnouncementKind.UPDATED, 2, None)]


def test_the_same_announcement_twice_is_kept_once_and_incidents_do_not_wait_for_each_other(store):
    write(store, AnnouncementKind.RAISED)
    write(store, AnnouncementKind.RAISED)
    write(store, AnnouncementKind.RAISED, subject="stale_asset:shop/other")
    first = store.outbox.claim(NOON)
    store.outbox.retry_later(first, NOON + MINUTE, "500", refused=False)
    assert store.outbox.claim(NOON).announcement.incident.subject != first.announcement.incident.subject
    assert store.outbox.claim(NOON) is None


def test_an_incident_is_told_to_the_channels_of_its_severity_and_service_and_to_the_log():
    incident = announced(AnnouncementKind.RAISED).incident
    routes = [Route("all"), Route("loud", Severity.PAGE), Route("others", services=frozenset({"sqlmesh"}))]
    assert addressed(incident, routes) == ("log", "all", "loud")


def test_an_incident_survives_its_way_through_json():
    incident = announced(AnnouncementKind.RECOVERED).incident
    assert incident_of(as_data(incident)) == incident
