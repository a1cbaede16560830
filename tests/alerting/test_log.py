import logging

import pytest

from oso_dagster.alerting.log import LogSender
from oso_dagster.domain.alerts.announcement import AnnouncementKind
from oso_dagster.domain.alerts.incident import Severity
from tests.support.incidents import Task, announcement, incident


@pytest.fixture
def say(caplog):
    def _say(event, **task):
        with caplog.at_level(logging.DEBUG):
            LogSender(logging.getLogger("channel")).send(Task(event, **task), 1)
        return caplog.records[-1].levelname, caplog.records[-1].getMessage()

    return _say


def test_an_alert_is_one_line_with_key_owner_and_next_step(say):
    event = announcement(about=incident(body=("two of\nthree bad", "50 %")))
    level, line = say(event)
    assert level == "ERROR"
    assert "\n" not in line
    for part in (
        "RAISED",
        "shop/things is stale",
        f"key={event.key}",
        "owner=team:shop",
        "two of three bad; 50 %",
        "next: Look at",
    ):
        assert part in line


@pytest.mark.parametrize(("severity", "level"), [("page", "ERROR"), ("ticket", "WARNING"), ("info", "INFO")])
def test_the_louder_the_incident_the_higher_the_level(say, severity, level):
    assert say(announcement(about=incident(severity=Severity(severity))))[0] == level


def test_a_recovery_leaves_nothing_to_do(say):
    level, line = say(announcement(AnnouncementKind.RECOVERED))
    assert (level, "RECOVERED" in line, line.endswith("next: nothing")) == ("WARNING", True, True)


def test_what_may_be_a_second_line_says_so(say):
    assert "(sent again)" in say(announcement(), perhaps_sent=True)[1]
