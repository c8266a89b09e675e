"""Every list by one ladder: who reads it, page by page, and the same rows at every door."""

import csv
import json
from collections.abc import Mapping
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console.ops.declared import LISTS
from tests.console.answers import csv_of, lines_of, said_by
from tests.console.ops.ladder.list_samples import SAMPLES, Listed
from tests.console.ops.ladder.world import ROLES, World

UNDERSTOOD = [name for name, sample in SAMPLES.items() if sample.wrong]


def test_every_list_has_its_sample():
    assert SAMPLES.keys() == LISTS.keys()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_list_opens_for_its_roles_in_few_queries(world, owner, name):
    sample = SAMPLES[name]
    sample.rows(world)
    owner.get(sample.path)

    with CaptureQueriesContext(connection) as queries:
        owner.get(sample.path)
    opened = {role: world.client(role).get(sample.path).status_code for role in ROLES}

    assert opened == {role: 200 if role in sample.roles else 404 for role in ROLES}
    assert len(queries) <= sample.queries


@pytest.mark.parametrize("name", SAMPLES)
def test_a_list_goes_on_where_its_page_ends(world, owner, name, monkeypatch):
    sample = SAMPLES[name]
    sample.rows(world)
    whole, file = cells_of(owner.get(sample.path)), file_of(owner, sample)
    monkeypatch.setattr("console.parts.listing.PAGE_ROWS", 2)
    monkeypatch.setattr("console.parts.listing.ROWS_AT_ONCE", 2)

    pages, addresses = [], [sample.path]
    for address in addresses:
        page = owner.get(address)
        pages.append(cells_of(page))
        addresses += [sample.path + page.context["older"]] if page.context["older"] else []

    assert [row for page in pages for row in page] == whole
    assert [len(page) for page in pages[:-1]] == [2] * (len(pages) - 1)
    assert len(pages) > 1 or not sample.is_paged
    assert file_of(owner, sample) == file
    assert len(file) == len(whole) > 1


def file_of(client: Client, sample: Listed) -> list[dict[str, str]]:
    return lines_of(client.get(sample.path, {"format": "csv"}))


def cells_of(answer: Any) -> list[list[str]]:
    return [[str(cell) for _, cell in row.cells] for row in answer.context["rows"]]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_list_has_the_same_rows_at_every_door(world, owner, name):
    sample = SAMPLES[name]
    sample.rows(world)

    file = csv_of(owner.get(sample.path, {"format": "csv"}))
    page = list(csv.DictReader(StringIO(file)))
    shell = [texts_of(json.loads(line)) for line in listed(name, "--json").splitlines()]
    door = program(world, f"{name}?limit=200")

    assert listed(name, "--csv").removeprefix("\ufeff") == file
    assert {len(line) for line in page} == {sample.columns}
    assert page == shell == [texts_of(row) for row in door.json()["data"]]


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_a_list_says_at_every_door_what_it_does_not_understand(world, owner, name):
    sample = SAMPLES[name]
    sample.rows(world)
    (word, value), = sample.wrong.items()  # fmt: skip

    file = owner.get(sample.path, {**sample.wrong, "format": "csv"})
    answer = program(world, f"{name}?{word}={value}")

    page = said_by(owner.get(sample.path, sample.wrong))
    assert f"Not understood, so not applied: {sample.sentence}" in page
    assert (file.status_code, sample.sentence in said_by(file)) == (400, True)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, sample.sentence)
    with pytest.raises(CommandError, match=sample.sentence.replace("?", r"\?")):
        listed(name, f"--{word}", value)


def listed(*words: str) -> str:
    out = StringIO()
    call_command("list", *words, stdout=out)
    return out.getvalue()


def program(world: World, path: str) -> Any:
    headers = {"Authorization": f"Bearer {world.program}"}
    return Client().get(f"/ops/v1/lists/{path}", headers=headers)


def texts_of(row: Mapping[str, Any]) -> dict[str, str]:
    """A row's values as a CSV has them."""
    return {name: "" if value is None else str(value) for name, value in row.items()}
