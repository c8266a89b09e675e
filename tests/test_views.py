"""Views are short, at most 15 statements each, and leave the database to selectors and services.

So are the functions beside them: every function counts in the modules of the console and of the
APIs, and in any other module to which a path of the URL map leads; the probes' handlers too. Each
statement of a body counts, nested ones too (an `if` with two lines in it is three; `else` and
`except` are not counted). A docstring does not count, and an inner function counts by itself.

None of these modules imports `django.db`, names a manager or a look-up by Django's shortcuts,
narrows a query, or reads or saves a row, but for a few that say why. Pages may hand a selector's
query set to a form or a template.
"""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from pictor.web.probes import Probes

ROOT = Path(__file__).resolve().parents[1]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
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
        yield from (var for base in kinds for var in vars(base).values()) if kinds else [view]


def modules_of_rooms() -> list[Path]:
    """The modules of the console and of the APIs."""
    rooms = [ROOT / "platform/console", *ROOT.glob("*/api")]
    return [path for room in rooms for path in sorted(room.rglob("*.py"))]


def modules_of_views() -> set[Path]:
    """Our modules to which a path leads."""
    views = [*routed(get_resolver("pictor.urls").url_patterns), Probes.__call__]
    functions = [inspect.unwrap(view) for view in views if isinstance(view, FunctionType)]
    return {
        Path(inspect.getfile(function))
        for function in functions
        if function.__module__.startswith(OURS)
    }


def statements_in(node: ast.AST) -> int:
    """The statements inside; those of an inner function are not counted."""
    return sum(
        isinstance(child, ast.stmt) + (0 if isinstance(child, FUNCTIONS) else statements_in(child))
        for child in ast.iter_child_nodes(node)
    )


def counted(source: str) -> dict[str, int]:
    """The number of statements of each function, by line and name."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, FUNCTIONS)]
    return {
        f"{function.lineno} {function.name}": statements_in(function)
        - (ast.get_docstring(function) is not None)
        for function in functions
    }


def test_no_function_of_a_view_module_has_more_than_fifteen_statements():
    found = {
        f"{path.relative_to(ROOT)}:{name}": count
        for path in {*modules_of_rooms(), *modules_of_views()}
        for name, count in counted(path.read_text(encoding="utf-8")).items()
    }

    assert {name: count for name, count in found.items() if count > 15} == {}
    assert len(found) > 1_000


def test_the_modules_of_views_are_known():
    names = {str(path.relative_to(ROOT)) for path in modules_of_views()}

    assert len(names) > 50
    assert {
        "platform/console/workspace/home.py",
        "platform/pictor/web/probes.py",
        "accounts/api/keys.py",
        "generation/api/create.py",
    } <= names


@pytest.mark.parametrize(
    ("source", "counts"),
    [
        (
            "def view(a):\n  '''No.'''\n  if a:\n    b = 1\n    return b\n  else:\n    return 2",
            {"1 view": 4},
        ),
        (
            "def outer():\n  async def inner():\n    a = 1\n    return a\n  return inner",
            {"1 outer": 2, "2 inner": 2},
        ),
    ],
)
def test_statements_are_counted_as_said(source, counts):
    assert counted(source) == counts


MANAGERS = {"objects", "_default_manager", "_base_manager"}
SHORTCUTS = {"get_object_or_404", "get_list_or_404"}
QUERIES = {"aggregate", "annotate", "exclude", "in_bulk", "order_by", "select_related"} | {
    "prefetch_related", "select_for_update", "values_list"
}  # fmt: skip
CALLS = {"bulk_create", "exists", "first", "refresh_from_db", "save"}
"""Words that are a query only when called."""


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
            case ast.Call(func=ast.Attribute(attr=name)) if name in CALLS:
                yield node.lineno, name
            case ast.Call(func=ast.Attribute(attr="filter"), keywords=[_, *_]):
                yield node.lineno, "filter"


ASK_THEMSELVES = {
    "accounts/sign_in/pages.py": "the library's pages do their work themselves, in a transaction",
    "platform/console/site/openapi.py": "answers with an error if the database is away",
    "platform/pictor/web/probes.py": "tells whether the database answers",
}


def test_no_view_asks_the_database_itself():
    paths = {*modules_of_rooms(), *modules_of_views()}

    found = {
        str(path.relative_to(ROOT)): words
        for path in paths
        if (words := list(database_words(path.read_text(encoding="utf-8"))))
    }

    assert {name: words for name, words in found.items() if name not in ASK_THEMSELVES} == {}
    assert set(ASK_THEMSELVES) - set(found) == set()
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
        ("key.refresh_from_db()", ["refresh_from_db"]),
        ("bill.lines.first()", ["first"]),
        ("period.first", []),
        ("register.filter('price', amounts.price)", []),
        ("from generation.api.objects import GenerationObject", []),
        ("'Channel.objects'  # django.db", []),
    ],
)
def test_database_words_are_known_as_said(source, words):
    assert [word for _, word in database_words(source)] == words
