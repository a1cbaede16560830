"""The files of the page: what they say, what they refuse to carry, and that everybody can read them."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

import oso_dagster.statuspage
from oso_dagster.domain.objectives.freshness import Freshness
from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.domain.status.data_sets import DataGroup
from oso_dagster.statuspage.render import render
from oso_dagster.statuspage.words import web_address
from tests.statuspage.extremes import hostile, many
from tests.statuspage.pages import NOW, data_set, full, objective, of, page

STYLE = (Path(oso_dagster.statuspage.__file__).parent / "templates" / "page.css").read_text()
OWN_LINK = re.compile(r"((\.\./)*[a-z0-9/_-]+\.(html|atom|json|svg))?(#[\w-]+)?\Z")
VOID = {"meta", "link", "br", "img", "input"}


class Reader(HTMLParser):
    """Collects tags and attributes, and holds the page to closing what it opens."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def values(self, tag: str, attribute: str) -> list[str]:
        return [attributes[attribute] or "" for name, attributes in self.tags if name == tag and attribute in attributes]


def html_of(*, world: str = "sandbox") -> str:
    return render(full(world))["index.html"]


def test_every_tag_that_is_opened_is_closed() -> None:
    assert Reader(html_of()).open == []


def test_the_same_page_gives_the_same_bytes() -> None:
    assert render(full()) == render(full())


def test_the_first_page_is_small() -> None:
    assert len(html_of().encode()) < 100_000


def test_nothing_is_fetched_from_anywhere() -> None:
    reader = Reader(html_of())
    assert reader.values("script", "src") == []
    assert reader.values("link", "href") == ["data:,", "feed.atom"]
    assert not {"img", "iframe", "object", "embed"} & {tag for tag, _ in reader.tags}
    assert "url(" not in STYLE
    assert "@import" not in STYLE


def test_a_state_is_told_by_a_shape_and_a_word_beside_its_colour() -> None:
    html = re.sub(r"\s+", " ", html_of())
    states = re.findall(
        r'<span class="state (\w+)"><svg class="icon" aria-hidden="true"><use href="#(\w+)"/></svg>([^<]+)<', html
    )
    assert states
    assert all(colour == shape for colour, shape, _ in states)
    words = {shape: {word for _, other, word in states if other == shape} for _, shape, _ in states}
    assert words == {
        "good": {"Compliant", "Fresh"},
        "warn": {"At risk", "Met again, being watched"},
        "bad": {"Breached", "Stale"},
        "none": {"No data", "No promise", "Not due yet"},
        "work": {"Planned", "Under way"},
    }


def test_a_page_of_another_world_says_so_and_a_live_one_does_not() -> None:
    assert "Sandbox world." in html_of(world="sandbox")
    assert "world." not in html_of(world="live")


def test_missing_data_is_shown_as_such_and_not_as_a_percentage() -> None:
    html = render(of(objective(Verdict.NO_DATA, good=0, valid=0, summary="no data")))["index.html"]
    assert "<dt>Indicator</dt><dd>\u2013</dd>" in html
    assert "100.00" not in html


def test_a_verdict_that_was_not_renewed_says_so_on_a_new_page() -> None:
    old, new = (render(of(objective(evaluated_at=NOW - timedelta(hours=age))))["index.html"] for age in (5, 0))
    assert "this may no longer hold" in old
    assert "5 hours ago" in old
    assert "this may no longer hold" not in new.split("<script>")[0]


def test_a_page_without_anything_is_still_a_page() -> None:
    html = render(page())["index.html"]
    assert "Nothing has been measured yet" in html
    assert "No data set is declared" in html


def test_hostile_text_adds_no_tag_attribute_or_link_to_any_page() -> None:
    pages = {name: Reader(text) for name, text in render(hostile()).items() if name.endswith(".html")}
    assert len(pages) == 6
    for name, reader in pages.items():
        assert reader.open == [], name
        assert [tag for tag, _ in reader.tags if tag in {"img", "iframe"}] == [], name
        assert sum(tag == "script" for tag, _ in reader.tags) == 1, name
        assert not [attribute for _, attributes in reader.tags for attribute in attributes if attribute.startswith("on")], name
        assert not [link for link in reader.values("a", "href") if not OWN_LINK.match(link)], name


def test_hostile_names_become_plain_file_names() -> None:
    assert [name for name in render(hostile()) if not re.fullmatch(r"[a-z0-9/_.-]+", name) or ".." in name] == []


def test_every_link_of_the_page_leads_to_one_of_its_files() -> None:
    files = render(full())
    for name, text in files.items():
        if name.endswith(".html"):
            reader = Reader(text)
            for target in (link for link in reader.values("a", "href") if OWN_LINK.match(link)):
                path, _, anchor = target.partition("#")
                linked = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name
                assert linked in files, (name, target)
                assert not anchor or f'id="{anchor}"' in files[linked], (name, target)


@pytest.mark.parametrize(("sets", "whole"), [(40, True), (500, False)])
def test_the_first_page_stays_small_and_names_every_data_set_while_it_can(sets: int, whole: bool) -> None:
    html = render(many(sets))["index.html"]
    assert len(html.encode()) < 100_000
    assert ("source_3/table_0" in html) is whole
    assert "Source 3" in html


def test_a_brief_first_page_still_names_what_is_amiss() -> None:
    large = many()
    sick = DataGroup(
        "sick", "Sick", "", (data_set("sick/table", freshness=Freshness.STALE), data_set("sick/holes", holes=("a",)))
    )
    html = render(replace(large, groups=(*large.groups, sick)))["index.html"]
    assert "sick/table" in html
    assert "sick/holes" in html
    assert "1 of 0 partitions missing" in html


def text_of(html: str) -> str:
    """What a person reads, on one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.split("<main")[1].split("</main>", maxsplit=1)[0]))


def test_a_budget_is_told_in_whole_events_and_what_is_sampled_in_minutes_too() -> None:
    html = text_of(html_of())
    assert "Budget left 6 of 7 failures Burn 0.13" in html
    assert "Budget left 2,160 over the 432 allowed 2,160 minutes of outage too many Burn 6.00" in html


def test_a_missed_objective_says_when_it_will_be_met_again() -> None:
    assert "Met again 3 Dec 2025, 12:05 UTC (in 12 days), if nothing else fails." in text_of(html_of()).replace(" (", " (")
    assert "Met again" not in text_of(render(of(objective()))["index.html"])


def test_maintenance_that_runs_or_is_planned_is_on_the_first_page_and_what_is_over_in_the_history() -> None:
    files = render(full())
    first, history = text_of(files["index.html"]), text_of(files["history.html"])
    for phrase in ("Maintenance: Data models Under way A new disk.", "Planned A new header.", "(1 hour), in 3 days"):
        assert phrase in first
    assert "New nodes." not in first
    assert "Maintenance: Kubernetes Done New nodes." in history
    assert "A new disk." in text_of(files["services/sqlmesh.html"])
    assert "A new header." in text_of(files["data/oss_funding/grants.html"])


def test_a_sprint_is_told_with_its_timeline_on_the_first_page_its_service_and_the_history() -> None:
    files = render(full())
    for name in ("index.html", "services/consumer_trino.html", "history.html"):
        text = text_of(files[name])
        assert "Remedial sprint since 19 Nov 2025, 04:05 UTC" in text, name
        assert text.index("We watch whether") < text.index("We move the endpoint") < text.index("Opened: the objective"), name


def test_a_data_set_tells_its_holes_by_name_and_how_long_it_was_fresh() -> None:
    text = text_of(render(full())["data/oss_funding/grants.html"])
    assert "408 of 412 due are there Missing: 2025-11-03 , 2025-11-04 , 2025-11-18 , 2025-11-19" in text
    assert "98.20 % of the time: 29 days 11 hours of 30 days" in text


def test_a_data_set_tells_the_age_of_its_newest_event_where_that_is_promised() -> None:
    files = render(full())
    phrase = "Newest event in it 4 days ago , 17 Nov 2025, 09:05 UTC ; promised not older than 3 days"
    assert phrase in text_of(files["data/oss_funding/grants.html"])
    assert "Newest event in it" not in text_of(files["data/oss_directory/projects.html"])


def test_a_day_names_what_was_open_then() -> None:
    html = render(full())["services/core_source_data.html"]
    open_days = re.findall(
        r'id="core_source_data-materialization_reliability-([\d-]+)".*?<td>(<a href="#[^"]+">Breach of 23 Oct</a>)', html
    )
    assert [day for day, _ in open_days] == ["2025-10-25", "2025-10-24", "2025-10-23"]


def test_a_notice_is_said_on_every_page() -> None:
    assert [name for name, text in render(full()).items() if name.endswith(".html") and "not delivered now" not in text] == []


def test_every_day_of_a_bar_is_named_without_script() -> None:
    days = re.findall(r"<li(?: class=\"(\w)\")?>(\d+ \w+: [^<]+)</li>", render(of(objective()))["index.html"])
    assert len(days) == 90
    assert days[0] == ("n", "24 Aug: No data")
    assert days[-30] == ("b", "23 Oct: Breached, 711 of 720")
    assert days[-1] == ("", "21 Nov: Compliant, 719 of 720")


def test_hostile_text_is_shown_as_it_is_and_not_evaluated() -> None:
    html = render(hostile())["index.html"]
    assert "{{ 7*7 }}" in html
    assert "&lt;script&gt;window.hacked=1&lt;/script&gt;" in html


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        " https://example.org",
        "data:text/html,x",
        "//example.org",
        "https:example.org",
        "https://",
        "https:\\\\example.org",
        "https://bank.example@evil.example/",
        "https://[::1",
        "file:///etc/passwd",
        "",
    ],
)
def test_an_address_that_is_not_plainly_of_the_web_is_no_link(address: str) -> None:
    assert web_address(address) == ""


@pytest.mark.parametrize("address", ["https://example.org/a?b=c#d", "http://[::1]:3000/", "HTTPS://example.org/ü"])
def test_an_address_of_the_web_is_a_link(address: str) -> None:
    assert web_address(address) == address


def test_a_link_hands_nothing_to_where_it_leads() -> None:
    tags = Reader(render(full())["data/oss_directory.html"] + html_of()).tags
    links = [attributes for tag, attributes in tags if tag == "a" and not OWN_LINK.match(attributes["href"] or "")]
    assert links
    assert {attributes["rel"] for attributes in links} == {"noopener noreferrer nofollow"}


def test_a_row_count_that_is_not_known_is_not_zero() -> None:
    groups = full().groups
    only = type(groups[0])("s", "S", "", (data_set(rows=None), data_set("s/empty", rows=0)))
    html = re.sub(r"<[^>]+>", "|", render(page(groups=(only,)))["index.html"])
    assert "|unknown|" in html
    assert "|0|" in html
