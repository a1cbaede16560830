"""The judge of the delivery campaign condemns each thing that must not happen, and acquits what is in order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from oso_dagster.domain.alerts.incident import Incident, Kind, Severity
from tests.alerting.judging import Course, judge

KILLS = 3


def _message(number: int, *versions: tuple[int, bool], reminder: bool = False) -> dict[str, Any]:
    """A message as the judge sees it: (sequence, marked) for each of its versions."""
    shown = []
    for count, (sequence, marked) in enumerate(versions):
        footer = {"text": f"key a@1#{sequence}{' · sent again' if marked else ''}"}
        shown.append({"at": f"{number}.{count}", "embeds": [{"footer": footer} | ({} if reminder else {"title": "t"})]})
    return {"id": str(number), "mention_everyone": False, "versions": shown}


CONDEMNED = {
    "lost": [],
    "back to an older state": [_message(1, (2, False), (1, False), (3, False))],
    "without its recovery": [_message(1, (1, False), (2, False))],
    "a reminder after the end": [_message(1, (3, False)), _message(2, (3, False), reminder=True)],
    "a duplicate that is not marked": [_message(1, (1, False)), _message(2, (1, False), (3, False))],
    "a reminder twice that is not marked": [
        _message(1, (1, False)),
        _message(2, (2, False), reminder=True),
        _message(3, (2, False), reminder=True),
        _message(4, (3, True)),
    ],
    "more duplicates than kills": [_message(number, (1, number > 1)) for number in range(1, KILLS + 3)]
    + [_message(9, (3, True))],
}


@pytest.mark.parametrize("messages", CONDEMNED.values(), ids=CONDEMNED)
def test_the_judge_condemns(messages: list[dict[str, Any]]) -> None:
    now = datetime.now(UTC)
    course = Course(Incident("a", Kind.TEST, Severity.INFO, "", "", "o", "t", now, now), "discord", sequence=3)
    key = course.incident.key
    for version in (version for message in messages for version in message["versions"]):
        version["embeds"][0]["footer"]["text"] = version["embeds"][0]["footer"]["text"].replace("a@1", key)
    with pytest.raises(AssertionError):
        judge([course], messages, {}, KILLS)
    course.unheard = True
    with pytest.raises(AssertionError):
        judge([course], [_message(1, (1, False))], {}, KILLS)


def test_the_judge_acquits_what_is_in_order() -> None:
    now = datetime.now(UTC)
    course = Course(Incident("a", Kind.TEST, Severity.INFO, "", "", "o", "t", now, now), "discord", sequence=3)
    messages = [_message(1, (1, False)), _message(2, (1, True), (3, False))]
    for version in (version for message in messages for version in message["versions"]):
        version["embeds"][0]["footer"]["text"] = version["embeds"][0]["footer"]["text"].replace("a@1", course.incident.key)
    assert "1 said twice" in judge([course], messages, {}, KILLS)
