"""Views are short: at most 15 statements each.

A view is the target of a path in the URL map, without its decorators: a function of ours, or every
method of a class of ours; the probes' handlers count too. Each statement of its body counts, nested
ones too (an `if` with two lines in it is three; `else` and `except` are not counted); its docstring
does not.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from types import FunctionType

from django.urls import URLPattern, URLResolver, get_resolver

from pictor.web.probes import Probes

OURS = ("accounts.", "billing.", "console.", "generation.", "pictor.", "storage.", "webhooks.")


def routed(patterns: list[URLPattern | URLResolver]) -> Iterator[object]:
    """The targets of all paths; for a class, all of its attributes."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from routed(pattern.url_patterns)
            continue
        view = pattern.callback
        kind = getattr(view, "cls", None) or getattr(view, "view_class", None)
        kinds = () if kind is None else kind.__mro__
        yield from (one for base in kinds for one in vars(base).values()) if kinds else [view]


def statements_of(source: str) -> int:
    (function,) = ast.parse(textwrap.dedent(source)).body
    assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    inside = sum(isinstance(node, ast.stmt) for node in ast.walk(function)) - 1
    return inside - (ast.get_docstring(function) is not None)


def test_no_view_has_more_than_fifteen_statements():
    views = [*routed(get_resolver("pictor.urls").url_patterns), Probes.__call__]
    functions = {inspect.unwrap(view) for view in views if isinstance(view, FunctionType)}
    counted = {
        f"{one.__module__}.{one.__qualname__}": statements_of(inspect.getsource(one))
        for one in functions
        if one.__module__.startswith(OURS)
    }

    assert {name: count for name, count in counted.items() if count > 15} == {}
    assert len(counted) > 100
    assert {
        "console.workspace.home.overview",
        "accounts.api.keys.KeysView.post",
        "generation.api.create.create",
    } <= counted.keys()


def test_statements_are_counted_as_said():
    source = "def view(a):\n  '''No.'''\n  if a:\n    b = 1\n    return b\n  else:\n    return 2"

    assert statements_of(source) == 4
