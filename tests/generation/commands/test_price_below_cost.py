"""A price below its dearest channel's cost needs the number of such prices typed."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management.base import CommandError

from accounts.models import AuditEvent
from billing.models import PriceBook
from generation.catalogue.offer import served
from generation.models import Attempt, Channel, Contract, CostTable
from pictor.kit.words import clock
from tests.making.factories import PayingCustomer, make_channel

pytestmark = pytest.mark.django_db

D2 = "dall-e-2"
CELL = (D2, "256x256", "standard")
BELOW = "dall-e-2 256x256 standard: 0.015000 USD, costs 0.017000 USD at dear"


def channel(name: str, micros: int | None, **columns: Any) -> Channel:
    made = make_channel(name, D2, **columns)
    if micros is not None:
        costs(made, ["256x256", "standard", "fixed", micros])
    return made


def costs(channel: Channel, *rows: list[object], days: int = 0) -> None:
    begins = clock.now() + timedelta(days=days)
    CostTable.objects.create(
        channel=channel,
        rows=[[D2, *row] for row in rows],
        effective_from=begins,
        created_at=min(begins, clock.now()),
    )


@pytest.fixture
def again(price, exported):
    """Make list:2, a draft with one lower price."""
    exported.write_text(exported.read_text().replace("d,0.016000,", "d,0.015000,"))
    price("import", str(exported), "--name", "list")
    return "list:2"


def test_a_channel_whose_route_is_not_tested_serves_nothing_at_a_loss(price, again):
    channel("dear", 17_000).routes.update(is_approved=False)

    price("publish", again, "--yes")

    assert PriceBook.objects.get(version=2).published_at is not None


def test_the_dearest_channel_stops_it_and_the_number_lets_it_pass(price, again):
    channel("cheap", 1)
    channel("dear", 17_000)

    with pytest.raises(CommandError, match=f"1 new below cost, {BELOW}[.] It needs a reason"):
        price("publish", again, "--yes")
    with pytest.raises(CommandError, match="2 is not the number of new prices below cost"):
        price("publish", again, "--yes", "--reason", "why", "--below-cost", "2")
    assert PriceBook.objects.get(version=2).published_at is None
    said = price("publish", again, typed="y\na promotion\n1\n")

    assert said.startswith(
        f"dall-e-2 256x256 standard: 0.016000 USD -> 0.015000 USD\n{BELOW}\n"
        "1 new below cost\n"
        "unknown cost: 2 prices, as dall-e-2 1024x1024 standard\n"
        "Charge these prices? [y/N] Reason: Number of new prices below cost: list:2 is published"
    )
    assert AuditEvent.objects.get(action="price_book.confirm").after == {
        "reason": "a promotion", "changes": 0, "large": 0, "below_cost": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    "columns",
    [{"is_enabled": False}, {"serves": "test"}, {"sizes": ["512x512"]}],
    ids=str,
)
def test_a_channel_that_would_not_serve_it_counts_for_nothing(price, again, columns):
    channel("dear", 17_000, **columns)
    Contract.objects.filter(model=D2).update(is_exact=True)

    assert "list:2 is published" in price("publish", again, "--yes")


def test_a_model_not_offered_needs_no_confirmation(price, again):
    channel("dear", 17_000)
    Contract.objects.filter(model=D2).update(is_enabled=False)

    assert "list:2 is published" in price("publish", again, "--yes")


def test_costs_of_a_later_day_count_for_a_book_that_begins_then(price, exported, again):
    costs(channel("dear", None), ["256x256", "standard", "fixed", 17_000], days=2)
    price("import", str(exported), "--name", "list", "--from", "2099-12-01T00:00:00Z")

    with pytest.raises(CommandError, match="1 new below cost"):
        price("publish", "list:3", "--yes")

    assert "list:2 is published" in price("publish", again, "--yes")


def test_tokens_cost_the_mean_of_what_was_made(price, again):
    dear = channel("dear", None)
    costs(dear, ["tokens", "output", "tokens", 10_000_000], ["any", "any", "fixed", 1])
    make_channel("another")
    made = PayingCustomer("acme").generation()
    for number, tokens in ((1, 1_500), (2, 1_900)):
        Attempt.objects.create(
            generation=made, dispatch=1, number=number, channel=dear, upstream_model=D2,
            upstream_size="256x256", upstream_quality="standard", images_received=1,
            output_tokens=tokens,
        )  # fmt: skip

    now = clock.now()
    found = {one.key: one.cost.micros for one in served([now])[now]}

    assert (found[CELL], found[D2, "512x512", "standard"]) == (17_000, 1)
    with pytest.raises(CommandError, match=BELOW):
        price("publish", again, "--yes")


def test_a_tenants_own_prices_and_a_book_put_back_are_held_against_it_too(price, exported):
    PayingCustomer("acme")
    channel("dear", 17_000)
    exported.write_text(exported.read_text().replace("d,0.016000,", "d,0.018000,"))
    price("import", str(exported), "--name", "list")
    price("publish", "list:2", "--yes")
    own = "model,size,quality,usd\ndall-e-2,256x256,standard,0.0169\n"
    price("import", "-", "--name", "acme", "--tenant", "acme", typed=own)

    with pytest.raises(CommandError, match=r"1 new below cost, .* 0[.]016900 USD, costs"):
        price("publish", "acme:1", "--yes")
    with pytest.raises(CommandError, match="1 new below cost"):
        price("restore", "list:1", "--yes")

    given = ("--yes", "--reason", "why", "--below-cost", "1")
    assert "acme:1 is published" in price("publish", "acme:1", *given)
    assert "list:1 is in force again" in price("restore", "list:1", *given)


def test_withdrawing_a_book_that_covers_a_cost_needs_a_confirmation(price, exported):
    costs(channel("dear", None), ["256x256", "standard", "fixed", 17_000], days=2)
    exported.write_text(exported.read_text().replace("d,0.016000,", "d,0.018000,"))
    price("import", str(exported), "--name", "list", "--from", "2099-12-01T00:00:00Z")
    price("publish", "list:2", "--yes")

    with pytest.raises(CommandError, match="1 new below cost"):
        price("withdraw", "list:2", "--yes")
    said = price("withdraw", "list:2", typed="y\nthe vendor gave way\n1\n")

    assert "list:2 is withdrawn" in said
