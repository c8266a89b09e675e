"""Views are short, at most 15 statements each, and leave the database to selectors and services.

A view is the target of a path in the URL map, without its decorators: a function of ours, or every
method of a class of ours; the probes' handlers count too. Each statement of its body counts, nested
ones too (an `if` with two lines in it is three; `else` and `except` are not counted); its docstring
does not.

No module of the console or of an API imports `django.db`, names a manager or a look-up by Django's
shortcuts, or narrows a query. Pages may hand a selector's query set to a form or a template.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from pictor.web.probes import Probes

ROOT = Path(__file__).resolve().parents[1]
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


MANAGERS = {"objects", "_default_manager", "_base_manager"}
SHORTCUTS = {"get_object_or_404", "get_list_or_404"}
QUERIES = {"aggregate", "annotate", "exclude", "in_bulk", "order_by", "select_related"} | {
    "prefetch_related", "select_for_update", "values_list"
}  # fmt: skip


def database_words(source: str) -> Iterator[tuple[int, str]]:
    """Line and word of everything that only selectors and services may use."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(module=str(module)) if module.split(".")[:2] == ["django", "db"]:
                yield node.lineno, module
            case ast.alias(name=name) if name in SHORTCUTS or name.startswith("django.db"):
                yield node.lineno, name
            case ast.Attribute(attr=name) if name in MANAGERS | SHORTCUTS | QUERIES:
                yield node.lineno, name
            case ast.Call(func=ast.Attribute(attr="filter"), keywords=[_, *_]):
                yield node.lineno, "filter"


def test_no_view_asks_the_database_itself():
    rooms = [ROOT / "platform/console", *ROOT.glob("*/api")]
    paths = [path for room in rooms for path in sorted(room.rglob("*.py"))]

    found = [
        f"{path.relative_to(ROOT)}:{line} {word}"
        for path in paths
        for line, word in database_words(path.read_text(encoding="utf-8"))
    ]

    assert found == []
    assert len(paths) > 200


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("Channel.objects.filter(pk=1)", ["filter", "objects"]),
        ("from django.db import transaction", ["django.db"]),
        ("import django.db.models", ["django.db.models"]),
        ("from django.shortcuts import get_object_or_404 as got", ["get_object_or_404"]),
        ("channel.routes.order_by('pk')", ["order_by"]),
        ("bill.lines.filter(decision='')", ["filter"]),
        ("register.filter('price', amounts.price)", []),
        ("from generation.api.objects import GenerationObject", []),
        ("'Channel.objects'  # django.db", []),
    ],
)
def test_database_words_are_known_as_said(source, words):
    assert [word for _, word in database_words(source)] == words
