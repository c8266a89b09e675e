"""No SQL or query of one app in another's package, and no module or template too long to read.

A table is named, and its model's manager used, only by the app that owns it. Other apps' statements
may join the owner's named relations (accounts.selectors.API_KEYS, billing.selectors.HOLDS, …), and
other apps read and change rows by the owner's selectors and services. Migrations may name any
table; ORM relations follow foreign keys.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).resolve().parents[1]
OWNERS = ("accounts", "billing", "generation", "storage", "webhooks")
ROOMS = (*OWNERS, "platform")
TABLES = {
    model._meta.db_table: owner  # noqa: SLF001 - Django's documented API
    for owner in OWNERS
    for model in apps.get_app_config(owner).get_models(include_auto_created=True)
}
NAMED = re.compile(rf"\b({'|'.join(map(re.escape, sorted(TABLES)))})\b")


def tables_in(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of every table in the source's texts, f-strings and docstrings too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for name in NAMED.findall(node.value):
                yield node.lineno, name


def sources(room: str) -> Iterator[Path]:
    """A package's modules, migrations apart."""
    for path in sorted((ROOT / room).rglob("*.py")):
        if "migrations" not in path.parts:
            yield path


@pytest.mark.parametrize(
    ("room", "most_lines", "most_of_function"),
    [*((room, 400, 44) for room in ROOMS), ("tests", 500, 60)],
)
def test_no_file_or_function_is_too_long(room, most_lines, most_of_function):
    too_long = []
    for path in sources(room):
        text = path.read_text(encoding="utf-8")
        if (lines := text.count("\n")) > most_lines:
            too_long.append(f"{path.relative_to(ROOT)}: {lines} lines")
        too_long += [
            f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {length} lines"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (length := (node.end_lineno or 0) - node.lineno + 1) > most_of_function
        ]

    assert too_long == []


def test_no_line_of_a_template_is_too_long():
    too_long = [
        f"{path.relative_to(ROOT)}:{number}: {len(line)} characters"
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.html"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if len(line) > 160  # an attribute and a template tag cannot be broken
    ]

    assert too_long == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_table_is_named_outside_its_app(room):
    strangers = [
        f"{path.relative_to(ROOT)}:{line} names {table}"
        for path in sources(room)
        for line, table in tables_in(path.read_text(encoding="utf-8"))
        if TABLES[table] != room
    ]

    assert strangers == []


def managers_in(source: str) -> Iterator[tuple[int, str]]:
    """Line, app and model of every manager of an imported model, such as `billing.Transfer`."""
    tree = ast.parse(source)
    models = {
        alias.asname or alias.name: f"{(node.module or '').partition('.')[0]}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr="objects") if name in models:
                yield node.lineno, models[name]


@pytest.mark.parametrize("room", ROOMS)
def test_no_app_uses_the_manager_of_anothers_model(room):
    strangers = [
        f"{path.relative_to(ROOT)}:{line} uses {model}.objects"
        for path in sources(room)
        for line, model in managers_in(path.read_text(encoding="utf-8"))
        if (owner := model.partition(".")[0]) in OWNERS and owner != room
    ]

    assert strangers == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from billing.models import Transfer\nTransfer.objects.get()", [(2, "billing.Transfer")]),
        (
            "from billing.models import Transfer as Moved\nrows = Moved.objects",
            [(2, "billing.Transfer")],
        ),
        ("def read():\n  from accounts.models import User\n  User.objects", [(3, "accounts.User")]),
        ("from billing.models import Transfer\nTransfer.Kind.HOLD", []),
        ("from generation.api import objects\nobjects.Rendered", []),
    ],
)
def test_managers_are_known_as_said(source, found):
    assert list(managers_in(source)) == found


BELOW = re.compile(rf"({'|'.join(OWNERS)})\.(?:selectors|services)\.(?!office\b)\w+")
"""A module below an app's selectors or services; the office's are imported from theirs."""


@pytest.mark.parametrize("room", ROOMS)
def test_other_apps_import_selectors_and_services_from_their_package(room):
    past_the_door = [
        f"{path.relative_to(ROOT)}:{node.lineno} imports from {node.module}"
        for path in sources(room)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        and (below := BELOW.fullmatch(node.module or ""))
        and below[1] != room
    ]

    assert past_the_door == []


def test_tests_share_names_by_modules_beside_them():
    borrowed = [
        f"{path.relative_to(ROOT)}:{node.lineno} imports from {node.module}"
        for path in sources("tests")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").rpartition(".")[2].startswith("test_")
    ]

    assert borrowed == []


def test_every_owners_own_sql_is_seen():
    owners = {
        TABLES[table]
        for room in ROOMS
        for path in sources(room)
        for _, table in tables_in(path.read_text(encoding="utf-8"))
    }

    assert owners == {"accounts", "billing", "generation", "storage", "webhooks"}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('"SELECT 1 FROM billing_transfer t"', [(1, "billing_transfer")]),
        ('x = 1\nf"FROM accounts_apikey WHERE {x}"', [(2, "accounts_apikey")]),
        ('"billing_transfers, a_storage_storedimage and generation_id are no tables"', []),
        ("billing_transfer = 1  # accounts_apikey", []),
    ],
)
def test_a_table_is_known_wherever_it_is_written(source, found):
    assert list(tables_in(source)) == found
