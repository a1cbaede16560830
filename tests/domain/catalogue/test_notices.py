"""What changes upstream without a word is a notice for a month: versions, ETags, the share of unchanged answers."""

from datetime import UTC, datetime, timedelta

from oso_dagster.domain.catalogue.notices import UpstreamNotes

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def load(before, at, version=None, tagged=0, plain=0, unchanged=0, changed=0):
    """The facts of a load that heard so many answers, after a load with the facts `before`."""
    notes = UpstreamNotes()
    notes.remember(before, at)
    if version:
        notes.version("api.example", "X-API-Version", version)
    for count, answer in ((tagged, (True, False, False)), (plain, (False, False, False)),
                          (unchanged, (True, True, True)), (changed, (True, True, False))):  # fmt: skip
        for _ in range(count):
            notes.answered("api.example", tagged=answer[0], conditional=answer[1], unchanged=answer[2])
    return notes.facts()


def noticed(facts):
    return facts.get("upstream_notices", [])


def test_another_version_is_a_notice_with_its_date_for_a_month_and_then_the_usual_one():
    first = load({}, NOW, "v1")
    second = load(first, NOW + DAY, "v2")
    assert noticed(first) == []
    assert noticed(second) == ["api.example: X-API-Version is v2, was v1, since 2026-11-02"]
    third = load(second, NOW + 20 * DAY, "v2")
    assert noticed(third) == noticed(second)
    assert noticed(load(third, NOW + 22 * DAY, "v1")) == []
    assert noticed(load(third, NOW + 40 * DAY, "v2")) == []


def test_a_load_that_asks_nobody_keeps_what_is_usual():
    assert load(load({}, NOW, "v1"), NOW + DAY) == load({}, NOW, "v1")


def test_answers_that_have_lost_their_etags_are_a_notice():
    first = load({}, NOW, tagged=3)
    assert noticed(load(first, NOW + DAY, plain=3)) == ["api.example: answers have no ETag any more since 2026-11-02"]
    assert noticed(load(first, NOW + DAY, plain=1, tagged=2)) == []


def test_etags_that_change_though_they_did_not_and_answers_that_freeze_are_notices():
    calm = load({}, NOW, unchanged=60, changed=40)
    assert noticed(load(calm, NOW + DAY, unchanged=1, changed=99)) == [
        "api.example: ETags change though they did not: 1% of answers are unchanged, 60% were, since 2026-11-02"
    ]
    busy = load({}, NOW, unchanged=10, changed=90)
    assert noticed(load(busy, NOW + DAY, unchanged=100)) == ["api.example: every answer is unchanged, 10% were, since 2026-11-02"]


def test_a_few_answers_and_an_ordinary_day_say_nothing():
    calm = load({}, NOW, unchanged=60, changed=40)
    assert noticed(load(calm, NOW + DAY, unchanged=30, changed=70)) == []
    assert noticed(load(calm, NOW + DAY, changed=10)) == []
    assert noticed(load(load({}, NOW, unchanged=2, changed=3), NOW + DAY, changed=100)) == []
