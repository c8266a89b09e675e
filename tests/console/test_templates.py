"""Markup forbidden in templates: the policy blocks it, or a theme would break."""

import re

import pytest

from tests.stack.servers import ROOT

TEMPLATES = ROOT / "platform" / "console" / "templates"
FORBIDDEN = re.compile(
    r"\sstyle=|hx-on|js:|\bdark:|<script(?![^>]*\bsrc=)|\son[a-z]+="
    r"|-(?:slate|gray|zinc|neutral|stone|blue|red|green|indigo|amber)-\d"
)


@pytest.mark.parametrize(
    "text",
    ['<p style="x">', '<a hx-on:click="f()">', "<script>f()</script>", 'class="bg-red-500"'],
)
def test_forbidden_markup_is_recognised(text):
    assert FORBIDDEN.search(text)


def test_no_template_holds_what_is_forbidden():
    found = [
        f"{path.relative_to(TEMPLATES)}: {match.group()}"
        for path in sorted(TEMPLATES.rglob("*.html"))
        if path.parent.name != "email"  # mail programs load no style sheet
        for match in FORBIDDEN.finditer(path.read_text(encoding="utf-8"))
    ]

    assert found == []


def test_a_request_on_each_change_gives_way_to_the_next():
    """Otherwise a third change during one request is dropped, and the second's answer stays."""
    asked = re.compile(r'hx-trigger="(?:change|input)[^>]*')

    found = [
        f"{path.relative_to(TEMPLATES)}: {match.group()[:60]}"
        for path in sorted(TEMPLATES.rglob("*.html"))
        for match in asked.finditer(path.read_text(encoding="utf-8"))
        if 'hx-sync="this:replace"' not in match.group()
    ]

    assert found == []
