"""Contrast of every text with what is behind it, in both themes, by the formula of WCAG 2.2."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import oso_dagster.statuspage

STYLE = (Path(oso_dagster.statuspage.__file__).parent / "templates" / "page.css").read_text()


def themes() -> list[tuple[str, dict[str, str]]]:
    """The colours of each theme by name."""
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    return list(zip(("light", "dark"), (dict(re.findall(r"--([\w-]+): (#\w{6})", block)) for block in blocks), strict=True))


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(colour: str, other: str) -> float:
    """Contrast ratio as WCAG 2.2 defines it: 1 to 21."""
    dark, light = sorted((luminance(colour), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_contrast_formula_gives_the_figures_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(("theme", "colours"), themes())
def test_every_text_stands_out_from_what_is_behind_it(theme: str, colours: dict[str, str]) -> None:
    pairs = [
        (ink, ground) for ink in ("ink", "soft", "link", "good", "warn", "bad", "none", "work") for ground in ("ground", "paper")
    ]
    faint = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in [*pairs, ("banner-ink", "banner")]}
    assert {pair: ratio for pair, ratio in faint.items() if ratio < 4.5} == {}


@pytest.mark.parametrize(("theme", "colours"), themes())
def test_every_day_of_a_bar_that_was_measured_stands_out_from_the_card(theme: str, colours: dict[str, str]) -> None:
    faint = {name: contrast(colours[f"{name}-bar"], colours["paper"]) for name in ("good", "warn", "bad")}
    assert {name: ratio for name, ratio in faint.items() if ratio < 3} == {}
