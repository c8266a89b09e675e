"""Commands that list or book print one JSON value with `--json`, and prompt elsewhere."""

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from billing.services import Usage, record_usage
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.generation.commands.conftest import CommandCustomer
from tests.making.factories import make_channel

pytestmark = pytest.mark.django_db

CELL = {"model": "dall-e-2", "size": "256x256", "quality": "standard"}
WAS, BECOMES = ({"usd": usd, "kind": "fixed"} for usd in ("0.016000", "0.007000"))

JsonOf = Callable[..., Any]


@pytest.fixture
def json_of(monkeypatch: pytest.MonkeyPatch) -> JsonOf:
    """Run a command and return its one JSON value; `typed` is its standard input."""

    def run(*words: str, typed: str = "") -> Any:
        monkeypatch.setattr("sys.stdin", StringIO(typed))
        out = StringIO()
        call_command(*words, "--json", stdout=out, stderr=StringIO())
        return json.loads(out.getvalue())

    return run


def test_each_way_to_move_money_says_what_was_moved_and_what_there_is(json_of, acme):
    tenant = acme.tenant.public_id
    why = ("--reason", "why")

    booked = json_of("tenant", "top-up", "acme", "2000", "--reference", "INV-1", typed="y\n")
    credited = json_of("tenant", "credit", "acme", "1", *why)

    assert [booked, credited] == [
        {"tenant": tenant, "booked": "2000.000000", "available": "2010.000000"},
        {"tenant": tenant, "credited": "1.000000", "available": "2011.000000"},
    ]


def test_a_revoked_key_is_named(json_of, acme):
    assert json_of("key", "revoke", acme.key.public_id) == {
        "key_id": acme.key.public_id, "tenant": acme.tenant.public_id, "status": "revoked",
    }  # fmt: skip


@pytest.fixture
def dearer(json_of: JsonOf, exported: Any, acme: CommandCustomer) -> Any:
    """list:2 is a draft for 2099 in which a model that sold costs ten times as much."""
    record_usage(
        Usage(
            tenant_id=acme.tenant.id,
            key_id=acme.key.id,
            model="dall-e-2",
            tier="Base",
            channel="one",
            status="succeeded",
            at=clock.now(),
            images=1,
            captured=Micros(16_000),
            took=None,
        )
    )
    exported.write_text(exported.read_text().replace("d,0.016000,", "d,0.007000,"))
    later = ("--from", "2099-12-01T00:00:00Z")
    return json_of("price", "import", str(exported), "--name", "list", *later)


def test_a_draft_and_its_difference_name_each_change_and_what_has_to_be_typed(json_of, dearer):
    make_channel("dear", "dall-e-2", cost_micros=170_000)

    found = json_of("price", "diff", "list:2")

    book = {
        "book": "list:2", "tenant": None, "list": None, "markup": "1",
        "effective_from": "2099-12-01T00:00:00+00:00",
    }  # fmt: skip
    changes = [{**CELL, "was": WAS, "becomes": BECOMES}]
    assert dearer == {
        **book, "prices": 259, "changes": changes,
        "stops": {
            "changes": 1, "below_cost": None, "later": [], "prices_below_cost": [],
            "unknown_cost": [],
        },
    }  # fmt: skip
    assert (found["state"], found["changes"]) == ("draft", changes)
    assert (found["stops"]["changes"], found["stops"]["below_cost"]) == (1, 1)
    assert found["stops"]["prices_below_cost"] == [
        "dall-e-2 256x256 standard: 0.007000 USD, costs 0.170000 USD at dear"
    ]


def test_publishing_restoring_and_withdrawing_report_the_books_that_follow(json_of, dearer):
    published = json_of("price", "publish", "list:2", typed="y\nwhy\n1\n")
    again = json_of("price", "restore", "list:1", typed="y\n")
    listed = json_of("price", "list")
    withdrawn = json_of("price", "withdraw", "list:2", "--yes")

    assert (published["book"], published["then"]) == ("list:2", [])
    assert (again["book"], [one["book"] for one in again["then"]]) == ("list:3", ["list:2"])
    assert {one["book"]: one["state"] for one in listed} == {
        "list:1": "past", "list:2": "scheduled", "list:3": "current",
    }  # fmt: skip
    assert (withdrawn["book"], withdrawn["in_force"], withdrawn["then"]) == (
        *("list:2", "list:3"),
        [],
    )
