"""A machine without Chromium: a person is told how to get it, CI is not let through."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import browser


@pytest.fixture(autouse=True)
def no_chromium(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))


def test_a_person_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install chromium"):
        browser.executable()


def test_ci_fails_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install chromium"):
        browser.executable()
