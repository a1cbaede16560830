"""The status page as a browser shows it: in both themes, on a phone, a tablet and a desk, with script and without."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from oso_dagster.domain.objectives.objectives import SERVICES
from oso_dagster.domain.status.page import StatusPage
from oso_dagster.domain.status.public_incidents import PublicAnnouncement
from oso_dagster.sources import catalogue
from oso_dagster.statuspage.publish import publish
from oso_dagster.statuspage.render import render
from oso_dagster.statuspage.words import age
from tests.statuspage.extremes import hostile
from tests.statuspage.pages import NOW, full, objective, of
from tests.statuspage.whole_catalogue import whole_catalogue
from tests.support.browser import ARTIFACTS, chromium

__all__ = ["chromium"]
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
EXAMINED = {"runOnly": AXE_RULES, "resultTypes": ["violations"]}  # what passes is not written down: a third of the time
pytestmark = pytest.mark.browser


def show(
    context: BrowserContext,
    page: StatusPage,
    folder: Path,
    *,
    later: timedelta = timedelta(minutes=1),
    name: str = "index.html",
) -> tuple[Page, list[str]]:
    """Open a published page at a time after it was made; the list fills with everything the browser complains of."""
    publish(render(page), folder)
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda request: None if request.url.startswith("file:") else complaints.append(request.url))
    tab.clock.set_fixed_time(NOW + later)
    tab.goto((folder / name).as_uri())
    return tab, complaints


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1440])
def test_it_fits_every_screen_in_both_themes(width: int, theme: str, chromium: Browser, tmp_path: Path) -> None:
    with chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=theme) as context:  # type: ignore[arg-type]
        tab, complaints = show(context, full(), tmp_path)
        ARTIFACTS.mkdir(exist_ok=True)
        tab.screenshot(path=ARTIFACTS / f"status-{width}-{theme}.png", full_page=True)
        assert complaints == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.get_by_role("heading", level=1).inner_text() == "2 of 5 objectives are breached"
        assert not tab.locator("#old").is_visible()


PAGES = [
    "index.html",
    "history.html",
    "how.html",
    "services/core_source_data.html",
    "data/oss_funding.html",
    "data/oss_funding/grants.html",
]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_axe_finds_no_violation_on_any_page(width: int, theme: str, chromium: Browser, tmp_path: Path) -> None:
    publish(render(full()), tmp_path)
    # The page's own policy would refuse the examiner's script.
    with chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, bypass_csp=True) as context:  # type: ignore[arg-type]
        tab = context.new_page()
        for name in PAGES:
            tab.goto((tmp_path / name).as_uri())
            for summary in tab.locator("summary:visible").all():
                summary.click()
            tab.screenshot(path=ARTIFACTS / f"{name.replace('/', '-')}-{width}-{theme}.png", full_page=True)
            report = Axe().run(tab, options=EXAMINED)
            assert report.violations_count == 0, f"{name}: {report.generate_report()}"
            assert tab.evaluate("document.documentElement.scrollWidth") <= width, name


@pytest.mark.parametrize(("width", "height"), [(390, 844), (360, 800)])
def test_on_a_phone_the_first_page_of_the_whole_catalogue_is_one_screen_with_a_line_each(
    width: int, height: int, chromium: Browser, tmp_path: Path
) -> None:
    with chromium.new_context(viewport={"width": width, "height": height}) as context:
        tab, complaints = show(context, whole_catalogue(), tmp_path)
        tab.screenshot(path=ARTIFACTS / "status-phone.png", full_page=True)
        main = tab.locator("main").bounding_box()
        assert main is not None
        assert main["y"] + main["height"] <= height
        for service in SERVICES.values():
            assert tab.get_by_role("link", name=service[0], exact=True).is_visible()
        for source in catalogue():
            assert tab.get_by_role("link", name=source.title, exact=True).is_visible(), source.title
        row = tab.locator("tr.group", has_text="npm download counts")
        assert row.inner_text().split("\n")[-1].strip() == "Stale"
        gone = tab.locator("tr.group", has_text="Gitcoin")
        assert gone.inner_text().split("\n")[-1].strip() == "Retired"
        assert not tab.locator("tr", has_text="npm/downloads").first.is_visible()
        assert complaints == []


def test_an_announcement_is_read_on_a_phone(chromium: Browser, tmp_path: Path) -> None:
    text = "On Monday the SQL endpoint moves."
    with chromium.new_context(viewport={"width": 360, "height": 800}) as context:
        tab, _ = show(context, replace(whole_catalogue(), announcements=(PublicAnnouncement(1, text, NOW),)), tmp_path)
        assert tab.get_by_text(text).is_visible()


def test_axe_would_find_one(chromium: Browser, tmp_path: Path) -> None:
    with chromium.new_context() as context:
        tab = context.new_page()
        tab.set_content("<html lang=en><title>t</title><main><h1>h</h1><img src='data:,'></main>")
        assert Axe().run(tab, options=EXAMINED).violations_count == 1


def test_a_bar_is_one_stop_of_the_keyboard_and_arrows_walk_its_days(chromium: Browser, tmp_path: Path) -> None:
    with chromium.new_context() as context:
        tab, complaints = show(context, of(objective()), tmp_path)
        dial = tab.get_by_role("slider", name="Days of: Core materializations that are good after retries")
        tab.get_by_role("link", name="Core source data").focus()
        tab.keyboard.press("Tab")
        assert dial.evaluate("dial => dial === document.activeElement")
        for key, words in [
            ("ArrowLeft", "20 Nov: Compliant, 719 of 720"),
            ("PageDown", "13 Nov: Compliant, 719 of 720"),
            ("ArrowUp", "14 Nov: Compliant, 719 of 720"),
            ("Home", "24 Aug: No data"),
            ("ArrowLeft", "24 Aug: No data"),
            ("End", "21 Nov: Compliant, 719 of 720"),
            ("ArrowRight", "21 Nov: Compliant, 719 of 720"),
        ]:
            tab.keyboard.press(key)
            assert dial.get_attribute("aria-valuetext") == words, key
            assert tab.locator(".chosen-day").inner_text() == words, key
            assert tab.locator(".days .on").inner_text() == words, key
        tab.keyboard.press("Tab")
        assert not dial.evaluate("dial => dial === document.activeElement")
        assert tab.locator(".days .on").count() == 0
        assert complaints == []


@pytest.mark.parametrize("name", ["index.html", "services/core_source_data.html"])
def test_enter_on_a_day_opens_it_and_so_does_a_click(name: str, chromium: Browser, tmp_path: Path) -> None:
    with chromium.new_context() as context:
        tab, complaints = show(context, of(objective()), tmp_path, name=name)
        row = tab.locator("tr:focus")
        tab.locator(".dial").focus()
        tab.keyboard.press("ArrowLeft")
        tab.keyboard.press("Enter")
        row.wait_for()
        assert row.inner_text().split()[:2] == ["2025-11-20", "Compliant"]
        tab.goto((tmp_path / name).as_uri())
        box = tab.locator(".dial").bounding_box()
        assert box is not None
        tab.mouse.click(box["x"] + box["width"] * 60.5 / 90, box["y"] + 5)
        tab.locator("tr:focus", has_text="2025-10-23").wait_for()
        assert complaints == []


def test_the_pointer_names_the_day_below_it(chromium: Browser, tmp_path: Path) -> None:
    with chromium.new_context() as context:
        tab, _ = show(context, of(objective()), tmp_path)
        box = tab.locator(".dial").bounding_box()
        assert box is not None
        tab.mouse.move(box["x"] + box["width"] * 60.5 / 90, box["y"] + 5)
        assert tab.locator(".chosen-day").inner_text() == "23 Oct: Breached, 711 of 720"


@pytest.mark.parametrize("name", PAGES)
def test_every_page_renders_without_complaint_with_script_and_without(name: str, chromium: Browser, tmp_path: Path) -> None:
    for script in (True, False):
        with chromium.new_context(java_script_enabled=script) as context:
            tab, complaints = show(context, full(), tmp_path, name=name)
            assert complaints == []
            assert tab.get_by_role("heading", level=1).is_visible()


@pytest.mark.parametrize("width", [360, 1440])
def test_hostile_names_are_inert(width: int, chromium: Browser, tmp_path: Path) -> None:
    with chromium.new_context(viewport={"width": width, "height": 900}) as context:
        tab, complaints = show(context, hostile(), tmp_path)
        assert complaints == []
        assert tab.evaluate("window.hacked") is None
        assert tab.locator("img").count() == 0
        links = tab.locator("main a").evaluate_all("links => links.map(link => link.protocol)")
        assert set(links) == {"file:"}
        assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_a_page_that_was_not_made_again_says_so(chromium: Browser, tmp_path: Path) -> None:
    with chromium.new_context() as context:
        tab, _ = show(context, full(), tmp_path, later=timedelta(hours=3))
        assert tab.locator("#old").is_visible()
        assert "made 3 hours ago" in tab.locator("#old").inner_text()


def test_script_tells_ages_as_the_page_itself_does(chromium: Browser, tmp_path: Path) -> None:
    since = full().incidents[0].since
    with chromium.new_context() as context:
        for later in (timedelta(0), timedelta(minutes=59), timedelta(hours=30), timedelta(hours=43), timedelta(days=3)):
            tab, _ = show(context, full(), tmp_path, later=later)
            assert tab.locator(".incident.open time:not([data-keep])").first.inner_text() == age(since, NOW + later)


def test_without_script_nothing_is_missing(chromium: Browser, tmp_path: Path) -> None:
    with chromium.new_context(java_script_enabled=False) as context:
        tab, complaints = show(context, full(), tmp_path)
        assert complaints == []
        text = tab.locator("body").inner_text()
        assert "7 hours ago" in text
        assert "36 hours" in text
        assert not tab.locator("#old").is_visible()


def test_a_style_that_was_slipped_in_is_refused_by_the_browser(chromium: Browser, tmp_path: Path) -> None:
    files = {name: text.replace("<main", "<style>main{display:none}</style><main") for name, text in render(full()).items()}
    publish(files, tmp_path)
    with chromium.new_context() as context:
        tab = context.new_page()
        tab.goto((tmp_path / "index.html").as_uri())
        assert tab.locator("main").is_visible()
