"""What a message looks like, and that every limit of Discord is kept whatever the texts are: the sandbox's Discord judges."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oso_dagster.alerting import embeds
from oso_dagster.alerting.severity_signs import sign_of
from oso_dagster.alerting.splitting import DESCRIPTION, TOTAL, clip, inert, lines_that_fit, units
from oso_dagster.domain.alerts.announcement import AnnouncementKind
from oso_dagster.domain.alerts.incident import Incident, IncidentField, Kind, Link, Severity, State
from oso_dagster.sandbox.discord.limits import characters, refusal
from oso_dagster.sandbox.discord.markdown import to_html
from oso_dagster.sandbox.discord.mentions import mentioned
from tests.support.incidents import NOON, announcement, incident, over

TEXT = st.text(st.characters(codec=None), max_size=300) | st.text("*_`~|<>@#[]()\\:/ -\n\u0301\U0001f9ea", max_size=3_000)
LONG = st.builds(lambda text, times: text * times, TEXT, st.integers(1, 40))
SOME = LONG.filter(bool)


@st.composite
def incidents(draw: st.DrawFn) -> Incident:
    opened = NOON - timedelta(seconds=draw(st.integers(0, 10**8)))
    state = draw(st.sampled_from(State))
    return Incident(
        subject=draw(SOME),
        kind=draw(st.sampled_from(Kind)),
        severity=draw(st.sampled_from(Severity)),
        service=draw(LONG),
        stability="core",
        owner=draw(SOME),
        title=draw(SOME),
        opened_at=opened,
        updated_at=NOON,
        state=state,
        closed_at=NOON if state is State.RECOVERED else None,
        body=tuple(draw(st.lists(LONG, max_size=12))),
        fields=tuple(IncidentField(draw(LONG), draw(LONG)) for _ in range(draw(st.integers(0, 4))))
        * draw(st.sampled_from([1, 9])),
        links=tuple(
            Link(draw(LONG), draw(st.sampled_from(["https://x.org/", "http://[", "javascript:"])) + draw(TEXT)) for _ in range(2)
        ),
        next_step=draw(LONG),
    )


@given(incidents(), st.booleans(), SOME)
@settings(max_examples=150, deadline=None)
def test_any_incident_with_any_text_is_a_message_that_discord_takes(about: Incident, again: bool, world: str) -> None:
    event = announcement(AnnouncementKind.RECOVERED if not about.open else AnnouncementKind.UPDATED, about=about, world=world)
    payloads = [embeds.message(event, repeated=again) | {"thread_name": embeds.thread_name(event)}]
    if about.open:
        where = "https://discord.com/channels/1/2/3"
        payloads.append(embeds.reminder(announcement(AnnouncementKind.REMINDED, about=about, world=world), where, repeated=again))
    for payload in payloads:
        assert refusal(payload) is None
        assert mentioned(payload) == {"mention_everyone": False, "mentions": [], "mention_roles": []}
        assert embeds.key_of(event) in payload["embeds"][0]["footer"]["text"]


@pytest.mark.parametrize("letter", ["x", "\U0001f9ea", "*", "é"])
@pytest.mark.parametrize("size", [254, 255, 256, 257, 1_023, 1_024, 1_025, 2_047, 2_049, 4_095, 4_096, 4_097, 5_999, 6_001])
def test_every_limit_is_kept_at_it_below_it_and_above_it(letter: str, size: int) -> None:
    text = letter * size
    for changes in (
        {"title": text},
        {"owner": text},
        {"service": text},
        {"next_step": text},
        {"subject": text},
        {"body": (text,)},
    ):
        assert refusal(embeds.message(announcement(about=incident(**changes)))) is None
    whole = incident(
        title=text,
        owner=text,
        service=text,
        subject=text,
        next_step=text,
        body=(text,) * 20,
        fields=(IncidentField(text, text),) * 26,
    )
    payload = embeds.message(announcement(about=whole))
    assert refusal(payload) is None
    assert characters(payload["embeds"]) <= TOTAL


@pytest.mark.parametrize("count", [24, 25, 26, 40])
def test_more_facts_than_discord_takes_are_counted(count: int) -> None:
    payload = embeds.message(announcement(about=incident(fields=tuple(IncidentField(f"f{n}", "v") for n in range(count)))))
    shown = len([field for field in payload["embeds"][0]["fields"] if field["name"].startswith("f")])
    text = payload["embeds"][-1]["description"]
    assert shown == min(count, 19)
    assert (f"{count - shown} more facts" in text) == (count > shown)


def test_what_does_not_fit_into_one_embed_goes_on_in_a_second_and_the_rest_is_counted() -> None:
    few = embeds.message(announcement(about=incident(body=tuple(f"line {n} {'x' * 80}" for n in range(50)))))
    assert [len(few["embeds"]), "more lines" in few["embeds"][1]["description"]] == [2, False]
    many = embeds.message(announcement(about=incident(body=tuple(f"line {n} {'x' * 80}" for n in range(500)))))
    shown = sum(embed["description"].count("line ") for embed in many["embeds"])
    assert f"… and {501 - shown} more lines" in many["embeds"][1]["description"]
    assert TOTAL - characters(many["embeds"]) < 250
    assert units(many["embeds"][0]["description"]) <= DESCRIPTION


def test_a_hostile_text_is_shown_as_it_is() -> None:
    hostile = "[you won](https://evil.example) <@5> @everyone **bold** `code` https://evil.example <t:1:R> ||spoiler|| # big"
    hostile += "\n- list\n> quote, __underlined__ ~~gone~~ a_b_c"
    shown = str(to_html(inert(hostile)))
    assert not re.search("<(?!br>)", shown)
    assert unescape(shown.replace("<br>", "\n")) == hostile
    assert mentioned({"content": inert("@everyone")})["mention_everyone"] is False


def test_only_addresses_of_the_web_without_a_password_become_links() -> None:
    links = tuple(
        Link("x", url)
        for url in ("javascript:alert(1)", "file:///etc", "https://me:pw@x.org", "http://[", "https://x.org/a b(c)")
    )
    payload = embeds.message(announcement(about=incident(links=links)))
    [field] = [field for field in payload["embeds"][0]["fields"] if field["name"] == "Look at"]
    assert field["value"] == "[x](https://x.org/a%20b%28c%29)"


def test_an_address_cannot_be_smuggled_in_by_a_label() -> None:
    payload = embeds.message(announcement(about=incident(links=(Link("run](http://evil.example) [", "https://x.org/"),))))
    [field] = [field for field in payload["embeds"][0]["fields"] if field["name"] == "Look at"]
    assert str(to_html(field["value"])).count("<a ") == 1
    assert 'href="https://x.org/"' in str(to_html(field["value"]))


def test_each_state_has_a_colour_a_shape_and_a_word_of_its_own() -> None:
    states = [incident(severity=severity) for severity in Severity] + [
        incident(state=State.ACKNOWLEDGED),
        incident(state=State.WATCHED),
        over(),
    ]
    signs = [sign_of(state) for state in states]
    for part in ("color", "shape", "word"):
        assert len({getattr(sign, part) for sign in signs}) == len(states)


def test_a_recovery_says_so_first_and_for_how_long_it_lasted() -> None:
    payload = embeds.message(announcement(AnnouncementKind.RECOVERED))
    assert payload["content"].startswith("✔ RECOVERED: ")
    fields = {field["name"]: field["value"] for field in payload["embeds"][0]["fields"]}
    assert fields["Evidence of"] == "the time before it recovered", "its figures are not of now"
    [field] = [field for field in payload["embeds"][0]["fields"] if field["name"] == "Recovered"]
    assert "after 2 h" in field["value"]
    assert "Next:" not in str(payload)


def test_the_footer_says_that_the_world_is_invented_and_which_message_may_stand_twice() -> None:
    assert "invented" not in str(embeds.message(announcement()))
    footer = embeds.message(announcement(world="sandbox"), repeated=True)["embeds"][0]["footer"]["text"]
    assert "sandbox world: everything here is invented" in footer
    assert "an earlier message with this key may stand above" in footer


def test_two_very_long_keys_stay_two() -> None:
    keys = {embeds.key_of(announcement(about=incident(subject="x" * 900 + end))) for end in "ab"}
    assert len(keys) == 2


def test_a_cut_tears_nothing_apart() -> None:
    assert clip("ab" + "e\u0301" * 5, 6) == "abe\u0301…"
    assert clip(inert("****"), 4) == "\\*…"
    assert clip("\U0001f9ea" * 3, 4) == "\U0001f9ea…"
    assert lines_that_fit(["ab", "cd", "e"], 5) == (["ab", "cd"], ["e"])


def test_a_reminder_is_short_and_leads_to_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    reminder = replace(announcement(AnnouncementKind.REMINDED, 3), at=NOON + timedelta(days=2, hours=1))
    payload: dict[str, Any] = embeds.reminder(reminder, "https://discord.com/channels/1/2/3")
    assert payload["content"] == "▲ still PAGE after 2 d 1 h: shop/things is stale"
    assert "](https://discord.com/channels/1/2/3)" in payload["embeds"][0]["description"]
    assert "full message" not in str(embeds.reminder(reminder, None))
