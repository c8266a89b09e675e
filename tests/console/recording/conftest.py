"""The recordings' rows, written once, with short pages and a clock that stands still."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import DjangoDbBlocker, Settings

from accounts.models import User
from generation.management.history import story
from tests.console.recording.frozen import frozen
from tests.console.recording.rows import PAGE_ROWS, rows
from tests.making.seeds import sow
from tests.stack.databases import written_once

OUT = Path(os.environ.get("RECORD", "recorded"))


@pytest.fixture(scope="module")
def named(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, object]]:
    """What addresses name, by their words."""
    with ExitStack() as patches:
        patches.enter_context(frozen())
        patches.enter_context(mock.patch.object(story, "GENERATIONS", 60))
        for module in [one for name, one in sys.modules.items() if name.startswith("console.")]:
            if hasattr(module, "PAGE_ROWS"):
                patches.enter_context(mock.patch.object(module, "PAGE_ROWS", PAGE_ROWS))
        folder = tmp_path_factory.mktemp("spool")

        def write() -> dict[str, object]:
            sow()
            return rows(folder)

        yield from written_once(django_db_blocker, write)


@pytest.fixture(autouse=True)
def pages(
    named: dict[str, object],
    db: None,
    settings: Settings,
    plain_static_files: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.STAFF_MFA = False
    monkeypatch.setattr("accounts.rates.buckets.PAGES_OF_PERSON", 10_000)
    cache.clear()


def staff_of(role: str) -> Client:
    client = Client()
    client.force_login(User.objects.create_user(f"{role}@pictor.example", staff_role=role))
    return client


@contextmanager
def record(name: str) -> Iterator[list[str]]:
    """Write these lines into the recording's file of that name, once they are complete."""
    OUT.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    yield lines
    (OUT / f"{name}.txt").write_text("\n".join(lines) + "\n")
