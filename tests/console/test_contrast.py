"""Contrast, computed from the tokens: each text on each ground that it may stand on, both themes.

Templates use no colour but tokens (`test_templates.py`), so pages need no browser for this.
"""

import re
from collections.abc import Mapping

import pytest

from tests.stack.servers import ROOT

CSS = (ROOT / "platform/console/assets/app.css").read_text(encoding="utf-8")
GROUNDS = ("canvas", "surface", "sunken", "raised")
STATES = ("ok", "warn", "bad", "info", "idle")
ON_GROUNDS = ("ink", "muted", "faint", "accent", *STATES)
PAIRS = (
    *((text, ground) for text in ON_GROUNDS for ground in GROUNDS),
    *((state, f"{state}-soft") for state in STATES),
    *(("ink", f"{state}-soft") for state in STATES),
    *((text, "accent-soft") for text in ("ink", "accent")),
    *(("on-primary", ground) for ground in ("primary", "primary-hover")),
)
EDGES = (("line-strong", "surface"), ("focus", "canvas"), ("focus", "surface"))
"""Borders of controls and the ring around what has the focus: 3 is enough."""


def tokens(block: str) -> dict[str, str]:
    """The colours of a theme, `#rrggbb` by name."""
    start = CSS.index(block)
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})", CSS[start : CSS.index("}", start)]))


THEMES = {"light": tokens(":root {"), "dark": tokens("@utility theme-dark")}


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.2, from 0 to 1."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(theme: Mapping[str, str], text: str, ground: str) -> float:
    low, high = sorted(luminance(theme[name]) for name in (text, ground))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_each_text_is_read_on_each_of_its_grounds(theme):
    found = {pair: round(ratio(THEMES[theme], *pair), 2) for pair in PAIRS}

    assert {pair: value for pair, value in found.items() if value < 4.5} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_edges_of_controls_are_seen(theme):
    found = {pair: round(ratio(THEMES[theme], *pair), 2) for pair in EDGES}

    assert {pair: value for pair, value in found.items() if value < 3} == {}


def test_contrast_is_that_of_the_standard():
    assert ratio({"a": "#000", "b": "#ffffff"}, "a", "b") == pytest.approx(21)
    assert ratio({"a": "#777777", "b": "#fff"}, "a", "b") == pytest.approx(4.48, abs=0.01)
