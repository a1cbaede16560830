"""A real browser for tests: headless Chromium from the machine, driven by playwright, which downloads nothing here.

Use: `from tests.support.browser import chromium` in a test module, mark the tests `browser`, and take `chromium` as an argument.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

ARTIFACTS = Path(__file__).parents[1] / "artifacts"
"""Pictures for people to look at; never committed."""

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
_MISSING = "Chromium is not on PATH; the tests of the pages need it (Debian: apt-get install chromium)"


def executable() -> str:
    """Where Chromium is. Without it a test is skipped with the remedy, but in CI (`CI=true`) it fails."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is not None:
        return path
    if os.environ.get("CI") == "true":
        pytest.fail(_MISSING, pytrace=False)
    pytest.skip(_MISSING)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the tests of a module."""
    path = executable()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()
