"""An operator's typed mistake: a scheduled book is withdrawn, and large changes are stopped."""

import pytest
from django.core.management.base import CommandError

from billing.models import PriceBook
from billing.services import Usage, record_usage
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.making.factories import PayingCustomer

pytestmark = pytest.mark.django_db

CHANGE = "dall-e-2 256x256 standard: 0.016000 USD -> 0.160000 USD\n"


@pytest.fixture
def dearer(price, exported):
    """list:2, one price ten times as high, is published for 2099; dall-e-2 has not sold."""
    exported.write_text(exported.read_text().replace("d,0.016000,", "d,0.160000,"))
    price("import", str(exported), "--name", "list", "--from", "2099-12-01T00:00:00Z")
    price("publish", "list:2", "--yes")


@pytest.fixture
def sold(seeded):
    """A sale of one dall-e-2 image."""
    acme = PayingCustomer("acme")
    record_usage(
        Usage(
            tenant_id=acme.id,
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


def test_the_list_and_the_difference_say_what_a_book_is(price, dearer):
    price("restore", "list:1", "--yes")
    price("import", "-", "--name", "list", typed="model,size,quality,usd\nm,1x1,low,1\n")

    rows = [line.split("  ") for line in price("list").splitlines()]
    said = {row[0]: price("diff", row[0]).splitlines()[-1].partition(",")[0] for row in rows}

    assert {row[0]: row[-1] for row in rows} == {
        "list:1": "past", "list:2": "scheduled", "list:3": "current", "list:4": "draft",
    }  # fmt: skip
    assert said == {
        "list:1": "list:1 is past",
        "list:2": "list:2 is scheduled",
        "list:3": "list:3 is current",
        "list:4": "list:4 is draft",
    }


def test_a_scheduled_books_difference_is_its_future_change(price, dearer):
    assert price("diff", "list:2") == (
        f"{CHANGE}Nothing was sold in the last 30 days.\n"
        "list:2 is scheduled, to take over at 2099-12-01T00:00:00+00:00\n"
    )


def test_restoring_names_what_takes_over_later(price, dearer):
    named = (
        "list:2 takes over at 2099-12-01T00:00:00+00:00."
        " To keep it from that: manage.py price withdraw list:2\n"
    )

    said = price("restore", "list:1", typed="y\n")

    assert said == (
        f"It changes no price.\n{named}Charge these prices? [y/N] "
        f"list:1 is in force again, as list:3\n{named}"
    )


def test_a_scheduled_book_is_withdrawn_once_asked(price, dearer):
    with pytest.raises(CommandError, match=r"Nothing was changed\."):
        price("withdraw", "list:2", typed="n\n")

    said = price("withdraw", "list:2", typed="y\n")

    assert said == (
        f"{CHANGE}Withdraw these prices, due to begin at 2099-12-01T00:00:00+00:00? [y/N] "
        "list:2 is withdrawn, and never takes effect\nlist:1 stays in force\n"
    )
    assert price("list").splitlines()[0].endswith("  withdrawn")
    assert price("diff", "list:2").endswith(
        "list:2 is withdrawn, so it will not begin at 2099-12-01T00:00:00+00:00\n"
    )


def test_withdrawing_a_tenants_only_book_leaves_none_in_force(price, exported):
    PayingCustomer("acme")
    own = ("--tenant", "acme", "--from", "2099-12-01T00:00:00Z")
    price("import", str(exported), "--name", "acme", *own)
    price("publish", "acme:1", "--yes")

    assert price("withdraw", "acme:1", "--yes") == ("acme:1 is withdrawn, and never takes effect\n")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("withdraw", "list:1"), "the book has begun"),
        (("withdraw", "list:2", "--yes"), "the book is withdrawn already"),
        (("restore", "list:2", "--yes"), "the book was withdrawn"),
        (("publish", "list:2", "--yes"), "published already"),
    ],
)
def test_an_impossible_or_late_withdrawal_is_refused_with_a_reason(price, dearer, arguments, why):
    price("withdraw", "list:2", "--yes")

    with pytest.raises(CommandError, match=why):
        price(*arguments)


@pytest.fixture
def large(price, exported, sold):
    """Make list:2, a draft in which a model that sold costs ten times as much."""
    exported.write_text(exported.read_text().replace("d,0.016000,", "d,0.160000,"))
    return price("import", str(exported), "--name", "list")


STOP = "changed prices: 1; by more than 50 % on models that sold in the last 30 days: 1"


def test_a_large_change_is_said_when_it_is_drafted(large):
    assert large.startswith(f"{CHANGE}{STOP}\nlist:2 is a draft")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--yes"], "It needs a reason, and the number of changed prices"),
        (["--yes"], "[.] [(]--reason TEXT, --changes N, --below-cost N[)]$"),
        (["--yes", "--reason", "why"], "It needs a reason, and the number of changed prices"),
        (["--yes", "--reason", "why", "--changes", "2"], "2 is not the number of changed prices"),
        (["--yes", "--reason", "why", "--changes", "all"], "'all' is not a whole number"),
    ],
)
def test_yes_does_not_cover_a_large_change(price, large, options, why):
    with pytest.raises(CommandError, match=why):
        price("publish", "list:2", *options)

    assert PriceBook.objects.get(version=2).published_at is None


def test_a_reason_and_the_number_are_typed(price, large):
    said = price("publish", "list:2", typed="y\nthe vendor's new list\n1\n")

    assert said.startswith(
        f"{CHANGE}{STOP}\nCharge these prices? [y/N] "
        "Reason: Number of changed prices: list:2 is published"
    )


def test_confirmations_may_be_given_as_options(price, large):
    given = ("--yes", "--reason", "the vendor's new list", "--changes", "1")

    assert "list:2 is published" in price("publish", "list:2", *given)
    with pytest.raises(CommandError, match=r"0\.160000 USD -> 0\.016000 USD"):
        price("restore", "list:1", "--yes")
    assert "list:1 is in force again, as list:3" in price("restore", "list:1", *given)
