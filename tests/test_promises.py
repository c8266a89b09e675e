"""docs/security.md names tests that exist: a promise without its test is noticed."""

import ast
import re

import pytest

from tests.stack.servers import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)
PROMISES = {*range(1, 34)}


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_test_that_is_named_exists(path, name):
    tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))

    assert name in {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_promise_names_a_test():
    rows = dict(re.findall(r"^\| P(\d+) \|(.*)$", PAGE, re.MULTILINE))

    assert {int(number) for number in rows} == PROMISES
    assert all("::" in row for row in rows.values())
