"""The status page as a browser shows it: in both themes, on a phone, a tablet and a desk, with script and without."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from oso_dagster.domain.status import StatusPage
from oso_dagster.statuspage.publish import publish
from oso_dagster.statuspage.render import render
from oso_dagster.statuspage.words import age
from tests.browser import ARTIFACTS, chromium
from tests.statuspage.pages import NOW, full, hostile

__all__ = ["chromium"]
pytestmark = pytest.mark.browser


def show(
    context: BrowserContext, page: StatusPage, folder: Path, *, later: timedelta = timedelta(minutes=1)
) -> tuple[Page, list[str]]:
    """Open a published page at a time after it was made; the list fills with everything the browser complains of."""
    publish(render(page), folder)
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda request: None if request.url.startswith("file:") else complaints.append(request.url))
    tab.clock.set_fixed_time(NOW + later)
    tab.goto((folder / "index.html").as_uri())
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
        assert tab.get_by_role("heading", level=1).inner_text() == "1 of 4 objectives is breached"
        assert not tab.locator("#old").is_visible()


@pytest.mark.parametrize("width", [360, 1440])
def test_hostile_names_are_inert(width: int, chromium: Browser, tmp_path: Path) -> None:
    with chromium.new_context(viewport={"width": width, "height": 900}) as context:
        tab, complaints = show(context, hostile(), tmp_path)
        assert complaints == []
        assert tab.evaluate("window.hacked") is None
        assert tab.locator("img").count() == 0
        assert tab.locator("main a").count() == 0
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
            assert tab.locator(".incident time").last.inner_text() == age(since, NOW + later)


def test_without_script_nothing_is_missing(chromium: Browser, tmp_path: Path) -> None:
    with chromium.new_context(java_script_enabled=False) as context:
        tab, complaints = show(context, full(), tmp_path)
        assert complaints == []
        text = tab.locator("body").inner_text()
        assert "7 hours ago" in text
        assert "within 36 hours" in text
        assert not tab.locator("#old").is_visible()


def test_a_style_that_was_slipped_in_is_refused_by_the_browser(chromium: Browser, tmp_path: Path) -> None:
    files = {name: text.replace("<main", "<style>main{display:none}</style><main") for name, text in render(full()).items()}
    publish(files, tmp_path)
    with chromium.new_context() as context:
        tab = context.new_page()
        tab.goto((tmp_path / "index.html").as_uri())
        assert tab.locator("main").is_visible()
