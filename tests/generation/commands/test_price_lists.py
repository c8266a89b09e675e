"""`manage.py price lists|list-create|list-rename|assign`, and books of a shared list."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import AuditEvent, Tenant
from billing.models import PriceBook, PriceList, PriceListAssignment
from billing.selectors import current_table
from billing.selectors.office.price_lists import list_of
from pictor.kit.words import clock
from tests.making.factories import PayingCustomer

pytestmark = pytest.mark.django_db

HEADER = "model,size,quality,usd,kind,width,height\n"
CELL = ("dall-e-2", "256x256", "standard")


@pytest.fixture
def acme(price):
    return PayingCustomer("acme")


@pytest.fixture
def resellers(price, tmp_path):
    """A shared list whose book sells one cell for 0.015 dollars."""
    price("list-create", "Resellers")
    file = tmp_path / "resellers.csv"
    file.write_text(f"{HEADER}dall-e-2,256x256,standard,0.015000,fixed,256,256\n")
    price("import", str(file), "--name", "resellers", "--list", "resellers")
    price("publish", "resellers:1", "--yes")
    return PriceList.objects.get()


def test_a_list_gets_prices_and_a_tenant_and_says_so(price, acme, resellers):
    said = price("assign", "acme", "Resellers", typed="y\n")

    assert said == (
        "dall-e-2 256x256 standard: 0.016000 USD -> 0.015000 USD\n"
        "Charge acme these prices from now on? [y/N] "
        "acme has Resellers; changed prices: 1\n"
    )
    assert current_table(acme.id, clock.now()).rows[CELL].unit == 15_000
    assert price("lists") == "Resellers  1 tenants  resellers:1  1 prices\n"
    assert "resellers:1  Resellers  x1" in price("list")
    assert price("diff", "resellers:1").startswith(
        "It changes no price.\ntenants on Resellers: 1\n"
    )


def test_none_takes_it_away_and_a_second_time_changes_nothing(price, acme, resellers):
    price("assign", "acme", "resellers", "--yes")

    first, second = (price("assign", "acme", "None", "--yes") for _ in range(2))

    assert first == "acme has no shared list; changed prices: 1\n"
    assert second == "acme has no shared list already; changed prices: 0\n"
    assert list_of(acme.id) is None
    assert PriceListAssignment.objects.count() == 2


def test_a_no_assigns_nothing(price, acme, resellers):
    with pytest.raises(CommandError, match=r"Nothing was changed\."):
        price("assign", "acme", "Resellers", typed="n\n")

    assert list_of(acme.id) is None


def test_a_list_is_called_otherwise(price, resellers):
    said = price("list-rename", "resellers", "Partners")
    told = json.loads(price("list-rename", "Partners", "Friends", "--json"))

    assert said == "Resellers is now called Partners\n"
    assert told == {"was": "Partners", "list": "Friends"}
    assert price("lists") == "Friends  0 tenants  resellers:1  1 prices\n"


def test_importing_only_the_header_empties_a_list(price, acme, resellers):
    price("assign", "acme", "resellers", "--yes")

    price("import", "-", "--name", "resellers", "--list", "Resellers", typed=HEADER)
    price("publish", "resellers:2", "--yes")
    with pytest.raises(CommandError, match="- has no prices"):
        price("import", "-", "--name", "list", typed=HEADER)

    assert current_table(acme.id, clock.now()).rows[CELL].unit == 16_000


def test_price_list_commands_print_json_on_request(price, acme, resellers):
    made = json.loads(price("assign", acme.tenant.public_id, "Resellers", "--yes", "--json"))
    (listed,) = json.loads(price("lists", "--json"))
    (book,) = [one for one in json.loads(price("list", "--json")) if one["list"]]

    assert made == {
        "tenant": acme.tenant.public_id,
        "list": "Resellers",
        "changed_prices": 1,
        "since": PriceListAssignment.objects.get().since.isoformat(),
    }
    assert listed == {
        "list": "Resellers",
        "tenants": 1,
        "book": "resellers:1",
        "cells": 1,
        "scheduled": 0,
    }
    assert (book["book"], book["list"], book["tenant"]) == ("resellers:1", "Resellers", None)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("assign", "acme", "Partners"), "there is no shared list 'Partners'"),
        (("assign", "nobody", "Resellers"), "nobody"),
        (("list-create", "rESELLERS"), "a list named 'rESELLERS' exists already"),
        (("list-create", "None"), "'none' means no list"),
        (("list-create", " "), "cannot be blank"),
        (("list-rename", "Partners", "x"), "there is no shared list 'Partners'"),
        (("list-rename", "none", "x"), "'none' is not a shared list"),
        (("list-rename", "Resellers", "NONE"), "'none' means no list"),
        (
            ("import", "-", "--name", "x", "--list", "Partners"),
            "there is no shared list 'Partners'",
        ),
        (("import", "-", "--name", "x", "--list", "none"), "'none' is not a shared list"),
        (
            ("import", "-", "--name", "x", "--list", "Resellers", "--tenant", "acme"),
            "not allowed with",
        ),
    ],
)
@pytest.mark.usefixtures("acme", "resellers")
def test_each_mistake_is_named_and_nothing_is_done(price, tmp_path, arguments, why):
    file = tmp_path / "one.csv"
    file.write_text(f"{HEADER}dall-e-2,256x256,standard,0.015000,fixed,256,256\n")
    arguments = [str(file) if argument == "-" else argument for argument in arguments]
    events = AuditEvent.objects.count()

    with pytest.raises(CommandError, match=why):
        price(*arguments)

    assert (PriceList.objects.count(), PriceBook.objects.count()) == (1, 2)
    assert not PriceListAssignment.objects.exists()
    assert AuditEvent.objects.count() == events


def test_a_new_tenant_begins_with_a_list_or_is_not_made(resellers):
    call_command("tenant", "create", "new", "--price-list", " resellers", stdout=StringIO())
    with pytest.raises(CommandError, match="there is no shared list 'Partners'"):
        call_command("tenant", "create", "other", "--price-list", "Partners")

    new = Tenant.objects.get(name="new")
    assert list_of(new.id) == resellers
    assert not Tenant.objects.filter(name="other").exists()
