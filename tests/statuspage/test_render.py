"""The files of the page: what they say, what they refuse to carry, and that everybody can read them."""

from __future__ import annotations

import posixpath
import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

import oso_dagster.statuspage
from oso_dagster.domain.slo import Verdict
from oso_dagster.statuspage.render import render
from oso_dagster.statuspage.words import web_address
from tests.statuspage.pages import NOW, data_set, full, hostile, many, objective, of, page

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
        "warn": {"At risk"},
        "bad": {"Breached", "Stale"},
        "none": {"No data", "Not due yet"},
    }


def test_a_page_of_another_world_says_so_and_a_live_one_does_not() -> None:
    assert "Sandbox world." in html_of(world="sandbox")
    assert "world." not in html_of(world="live")


def test_missing_data_is_shown_as_such_and_not_as_a_percentage() -> None:
    html = render(of(objective(Verdict.NO_DATA, good=0, valid=0, summary="no data", budget="")))["index.html"]
    assert "<b>\u2013</b>" in html
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
        assert not [one for _, attributes in reader.tags for one in attributes if one.startswith("on")], name
        assert not [one for one in reader.values("a", "href") if not OWN_LINK.match(one)], name


def test_hostile_names_become_plain_file_names() -> None:
    assert [name for name in render(hostile()) if not re.fullmatch(r"[a-z0-9/_.-]+", name) or ".." in name] == []


def test_every_link_of_the_page_leads_to_one_of_its_files() -> None:
    files = render(full())
    for name, text in files.items():
        if name.endswith(".html"):
            reader = Reader(text)
            for target in (one for one in reader.values("a", "href") if OWN_LINK.match(one)):
                path, _, anchor = target.partition("#")
                found = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name
                assert found in files, (name, target)
                assert not anchor or f'id="{anchor}"' in files[found], (name, target)


def test_the_first_page_stays_small_with_hundreds_of_data_sets() -> None:
    assert len(render(many())["index.html"].encode()) < 100_000


def test_every_day_of_a_bar_is_named_without_script() -> None:
    days = re.findall(r"<li(?: class=\"(\w)\")?>(\d+ \w+: [^<]+)</li>", render(of(objective()))["index.html"])
    assert len(days) == 90
    assert days[0] == ("", "24 Aug: No data")
    assert days[-30] == ("b", "23 Oct: Breached, 711 of 720")
    assert days[-1] == ("g", "21 Nov: Compliant, 719 of 720")


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
    found = Reader(render(full())["data/oss_directory.html"] + html_of()).tags
    links = [attributes for tag, attributes in found if tag == "a" and not OWN_LINK.match(attributes["href"] or "")]
    assert links
    assert {attributes["rel"] for attributes in links} == {"noopener noreferrer nofollow"}


def themes() -> list[tuple[str, dict[str, str]]]:
    """The colours of each theme by name."""
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    return list(zip(("light", "dark"), (dict(re.findall(r"--([\w-]+): (#\w{6})", block)) for block in blocks), strict=True))


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio as WCAG 2.2 defines it: 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_contrast_formula_gives_the_figures_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(("theme", "colours"), themes())
def test_every_text_stands_out_from_what_is_behind_it(theme: str, colours: dict[str, str]) -> None:
    pairs = [(ink, ground) for ink in ("ink", "soft", "link", "good", "warn", "bad", "none") for ground in ("ground", "paper")]
    faint = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in [*pairs, ("banner-ink", "banner")]}
    assert {pair: ratio for pair, ratio in faint.items() if ratio < 4.5} == {}


def test_a_row_count_that_is_not_known_is_not_zero() -> None:
    groups = full().groups
    only = type(groups[0])("s", "S", "", (data_set(rows=None), data_set("s/empty", rows=0)))
    html = re.sub(r"<[^>]+>", "|", render(page(groups=(only,)))["index.html"])
    assert "|unknown|" in html
    assert "|0|" in html
