"""The weekly digest: when it is due, and what it says."""

from datetime import UTC, date, datetime, timedelta

import pytest

from oso_dagster.alerting import embeds
from oso_dagster.domain.alerts.alert_links import AlertLinks
from oso_dagster.domain.alerts.announcement import Announcement, AnnouncementKind
from oso_dagster.domain.alerts.hours import Hours
from oso_dagster.domain.alerts.weekly import ObjectiveWeek, Remark, RetiredSource, Week, lines_of, weekly_of
from oso_dagster.domain.coverage.comparison import Comparison
from oso_dagster.domain.objectives.over_time.history import Spell
from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.sandbox.discord.limits import refusal

MONDAY = datetime(2026, 11, 30, 9, tzinfo=UTC)
BEGAN = MONDAY - timedelta(days=40)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LINKS = AlertLinks("http://dagster", "http://status", "team:platform")


@pytest.mark.parametrize(
    ("last", "now", "due"),
    [
        (MONDAY - 7 * DAY, MONDAY - HOUR, False),
        (MONDAY - 7 * DAY, MONDAY, True),
        (MONDAY, MONDAY + 6 * DAY, False),
        (MONDAY - 7 * DAY, MONDAY + 3 * DAY, True),
        (MONDAY - 7 * DAY, MONDAY + 14 * HOUR, False),
        (None, MONDAY + HOUR, True),
    ],
    ids=["too early", "at its hour", "only once", "later after an outage", "not in quiet hours", "the first one"],
)
def test_the_digest_comes_on_mondays_and_never_twice(last, now, due):
    assert Hours().weekly_due(last, BEGAN, now) is due


def test_a_platform_that_began_today_has_no_week_to_speak_of():
    assert not Hours().weekly_due(None, MONDAY - HOUR, MONDAY + HOUR)
    assert Hours().weekly_due(None, MONDAY - HOUR, MONDAY + 7 * DAY)


def test_the_hour_is_that_of_the_zone_also_where_the_clock_changes():
    hours = Hours(zone="America/New_York", quiet=None)
    spring = datetime(2026, 3, 9, 13, tzinfo=UTC)  # 9 o'clock, the Monday after the change
    assert hours.weekly_due(spring - 7 * DAY, BEGAN, spring)
    assert not hours.weekly_due(spring - 7 * DAY + HOUR, BEGAN, spring - HOUR)


def test_a_week_without_anything_says_so():
    lines = list(lines_of(Week(MONDAY, [])))
    assert lines == [
        "No sprint was open",
        "Upstream announces nothing",
        "Nothing is set aside",
        "Coverage was not measured (our extension)",
    ]


def full_week(**more):
    met, silent = ObjectiveWeek("c.d", Verdict.COMPLIANT, "4 of 4", ""), ObjectiveWeek("e.f", Verdict.NO_DATA, "", "")
    missed = ObjectiveWeek("a.b", Verdict.BREACHED, "3 of 4", "no failure allowed", [Spell(MONDAY - 30 * DAY, MONDAY - 6 * DAY)])
    return Week(
        **{
            "until": MONDAY,
            "objectives": [met, missed, silent],
            "notices": [Remark("l2beat/tvs", "l2beat.com: will not answer after 2027-01-01", MONDAY - 9 * DAY)],
            "set_aside": [Remark("defillama/fees", "2 items are set aside: one, two", MONDAY)],
            "coverage": [Comparison("github/events", "WatchEvent", MONDAY, 1, 100, 100, 9_500)],
            "retired": [RetiredSource("gitcoin", date(2025, 5, 31), "Grants Lab has closed")],
        }
        | more
    )


def test_everything_of_a_week_stands_in_it_the_worst_first_and_only_the_week_counts():
    incident = weekly_of(full_week(), LINKS)
    assert incident.title == "The week to 2026-11-30: 1 of 2 objectives met, 0 sprints open"
    assert incident.body == (
        "a.b: breached: 3 of 4; no failure allowed; missed for 1 d of the week",
        "c.d: compliant: 4 of 4",
        "No data: e.f",
        "No sprint was open",
        "Upstream announces: l2beat.com: will not answer after 2027-01-01 (since 2026-11-21)",
        "Set aside: 2 items are set aside: one, two (since 2026-11-30)",
        "Coverage: 0 of 1 second counts of core sources are reached (our extension)",
        "Coverage of github/events: WatchEvent 1.00 % of 100 (target 95.00 %)",
        "Retired: gitcoin since 2025-05-31: Grants Lab has closed",
    )


def test_second_counts_that_no_objective_counts_are_counted_apart():
    counted = [Comparison(f"{source}/x", "", MONDAY, held, 100, 100, 9_500) for source, held in (("a", 100), ("b", 1), ("b", 99))]
    (line, *_) = [line for line in lines_of(full_week(coverage=counted, unstable={"b"})) if line.startswith("Coverage: ")]
    apart = "and 1 of 2 of unstable ones, which no objective counts"
    assert line == f"Coverage: 1 of 1 second counts of core sources are reached, {apart} (our extension)"


def test_a_very_full_week_is_a_message_that_discord_takes_and_counts_what_it_leaves_out():
    many = [Remark(f"shop/t{number}", "text " * 200, MONDAY) for number in range(40)]
    incident = weekly_of(full_week(notices=many, set_aside=many), LINKS)
    assert "Upstream announces: and 30 more tables" in incident.body
    payload = embeds.message(Announcement(AnnouncementKind.RAISED, 1, incident, "live", MONDAY))
    assert refusal(payload) is None
    assert "more lines" in payload["embeds"][-1]["description"]
