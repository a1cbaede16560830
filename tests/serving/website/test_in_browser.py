"""The pages as a browser shows them: phone to desk, both themes, by keyboard, without script."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.serving.website.small_site import small_site
from tests.support.browser import ARTIFACTS, chromium

__all__ = ["chromium"]
pytestmark = pytest.mark.browser
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGES = ["/", "/?q=alpha", "/collections", "/collections/first", "/metrics", "/projects/alpha", "/projects/beta",
         "/projects/alpha/GITHUB_commits_weekly", "/projects/alpha/GITHUB_comments_weekly", "/compare?project=alpha,beta",
         "/query?sql=SELECT+*+FROM+metrics_v0"]  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with small_site(tmp_path_factory.mktemp("site")) as address:
        yield address


@pytest.mark.parametrize(("width", "theme"), [(360, "dark"), (768, "light"), (1440, "light")])
def test_every_page_fits_complains_of_nothing_and_is_accessible(width: int, theme: str, site: str, chromium: Browser) -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    # The page's own policy would refuse the examiner's script.
    with chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, bypass_csp=True) as context:  # type: ignore[arg-type]
        tab = context.new_page()
        complaints: list[str] = []
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("request", lambda request: None if request.url.startswith((site, "data:")) else complaints.append(request.url))
        for path in PAGES:
            tab.goto(f"{site}{path}")
            for summary in tab.locator("summary:visible").all():
                summary.click()
            report = Axe().run(tab, options={"runOnly": RULES, "resultTypes": ["violations"]})
            assert report.violations_count == 0, f"{path}: {report.generate_report()}"
            assert tab.evaluate("document.documentElement.scrollWidth") <= width, path
            tab.screenshot(path=ARTIFACTS / f"door{path.replace('/', '-').replace('?', '-')}-{width}-{theme}.png", full_page=True)
        assert complaints == []


def test_a_unit_is_not_broken_within_its_word_on_a_phone(site: str, chromium: Browser) -> None:
    with chromium.new_context(viewport={"width": 360, "height": 900}, bypass_csp=True) as context:
        tab = context.new_page()
        tab.goto(f"{site}/metrics")
        units = tab.get_by_role("cell", name="commits", exact=True)
        lines = "cell => { const r = document.createRange(); r.selectNodeContents(cell); return r.getClientRects().length }"
        assert units.first.evaluate(lines) == 1


def test_a_project_is_found_by_keyboard_alone_and_without_script(site: str, chromium: Browser) -> None:
    with chromium.new_context(java_script_enabled=False) as context:
        tab = context.new_page()
        tab.goto(site)
        for _ in range(8):  # skip link, brand, five pages, the field
            tab.keyboard.press("Tab")
        tab.keyboard.type("alpha/app")
        tab.keyboard.press("Enter")
        tab.wait_for_url("**/?q=*")
        tab.get_by_role("link", name="github/alpha/app").press("Enter")
        tab.wait_for_url("**/projects/alpha")
        assert tab.get_by_role("heading", level=1).inner_text() == "Alpha"
        tab.get_by_role("link", name="Commits").first.click()
        assert tab.locator("svg.chart").is_visible()
