"""Bugs of the oldest supported Pythons, which tests on a newer one would not show."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("accounts", "billing", "generation", "platform", "storage", "webhooks")
POSSESSIVE_GROUP = re.compile(r"\)(?:[*+?]|\{[\d,]+\})\+|\(\?>")


def test_no_pattern_has_a_possessive_group():
    """Up to 3.11.4 such a group keeps its text after a partial failure (single runs do not)."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {text}"
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
        if POSSESSIVE_GROUP.search(text := repr(node.value))
    ]

    assert found == []
