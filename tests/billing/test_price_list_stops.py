"""Confirmations typed before a tenant gets a shared list, or a list gets other prices."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError

from accounts.models import AuditEvent
from billing.models import PriceBook, PriceList, PriceListAssignment
from billing.price_rows import BookRow
from billing.price_stops import UNCONFIRMED, CellCost, Confirmed
from billing.selectors.office.price_lists import list_of
from billing.services import Usage, record_usage
from billing.services.office.price_lists import assign_price_list, create_price_list
from billing.services.office.prices import draft_price_book, publish_price_book
from billing.upstream_cost import Cost, CostSource
from generation.catalogue import offer
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.billing.conftest import LedgerCustomer

pytestmark = pytest.mark.django_db

MODEL = "gpt-image-2"
KEY = (MODEL, "1024x1024", "low")


def publish(
    low: int, *, owner: UUID | None = None, said: Confirmed = UNCONFIRMED, days: int = 0
) -> PriceBook:
    now = clock.now()
    draft = draft_price_book(
        name="everyones" if owner is None else "shared",
        rows=[BookRow(*KEY, Micros(low), 1024, 1024)],
        effective_from=now + timedelta(days=days),
        markup=Decimal(1),
        tenant_id=owner,
        actor="test",
    )
    return publish_price_book(book=draft, actor="test", now=now, confirmed=said)


def sell(customer: LedgerCustomer, *, days_ago: int = 3) -> None:
    record_usage(
        Usage(
            tenant_id=customer.id,
            key_id=customer.key.id,
            model=MODEL,
            tier="1K",
            channel="one",
            status="succeeded",
            at=clock.now() - timedelta(days=days_ago),
            images=1,
            captured=Micros(1_000),
            took=None,
        )
    )


def assign(
    customer: LedgerCustomer, to: PriceList | None, said: Confirmed = UNCONFIRMED
) -> PriceListAssignment | None:
    return assign_price_list(
        tenant_id=customer.id, price_list=to, actor="test", now=clock.now(), confirmed=said
    )


@pytest.fixture
def resellers(acme):
    """Everyone pays 1,000; tenants with the list pay 400."""
    publish(1_000)
    shared = create_price_list(name="Resellers", actor="test")
    publish(400, owner=shared.id)
    return shared


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (UNCONFIRMED, "It needs a reason, and the number of changed prices"),
        (Confirmed("a deal"), "It needs a reason"),
        (Confirmed(" ", changes=1), "It needs a reason"),
        (Confirmed("a deal", changes=2), "2 is not the number of changed prices"),
    ],
)
def test_a_far_change_of_what_the_tenant_bought_is_stopped(acme, resellers, said, why):
    sell(acme)

    with pytest.raises(ValidationError, match=why):
        assign(acme, resellers, said)

    assert list_of(acme.id) is None


def test_with_a_reason_and_the_number_it_is_assigned_and_the_reason_is_staffs(acme, resellers):
    sell(acme)

    assign(acme, resellers, Confirmed("a deal", changes=1))

    assert list_of(acme.id) == resellers
    event = AuditEvent.objects.get(action="price_list.confirm")
    assert (event.tenant, event.object_id) == (None, str(resellers.id))
    assert event.after == {"reason": "a deal", "changes": 1, "large": 1, "below_cost": 0}


def test_removing_a_list_needs_a_confirmation_too(acme, resellers):
    assign(acme, resellers)
    sell(acme)

    with pytest.raises(ValidationError, match=r"0\.000400 USD -> 0\.001000 USD"):
        assign(acme, None)

    assert list_of(acme.id) == resellers


def test_sales_to_others_stop_nothing(acme, other, resellers):
    sell(other)

    assert assign(acme, resellers) is not None


def test_sales_of_more_than_30_days_ago_stop_nothing(acme, resellers):
    sell(acme, days_ago=40)

    assert assign(acme, resellers) is not None


def test_a_price_that_falls_below_cost_is_typed(acme, resellers, monkeypatch):
    cost = Cost(Micros(401), CostSource.TABLE)
    monkeypatch.setattr(
        offer, "served", lambda moments: {at: [CellCost(KEY, "one", cost)] for at in moments}
    )

    with pytest.raises(ValidationError, match="1 new below cost"):
        assign(acme, resellers)
    assign(acme, resellers, Confirmed("a deal", below_cost=1))

    assert list_of(acme.id) == resellers


def test_a_scheduled_change_of_a_list_is_confirmed_before_it_is_assigned(acme, resellers):
    publish(4_000, owner=resellers.id, days=2)  # no tenant has the list: nothing stops it
    sell(acme)
    far = "shared:2 at .* by more than 50 % .*: 1, .* 0.001000 USD -> 0.004000 USD"

    with pytest.raises(ValidationError, match=far):
        assign(acme, resellers, Confirmed("a deal", changes=1))
    assign(acme, resellers, Confirmed("a deal", changes=2))

    assert list_of(acme.id) == resellers


def test_a_scheduled_price_below_cost_is_confirmed_before_a_list_is_assigned(
    acme, resellers, monkeypatch
):
    publish(390, owner=resellers.id, days=2)
    cost = Cost(Micros(399), CostSource.TABLE)
    monkeypatch.setattr(
        offer, "served", lambda moments: {at: [CellCost(KEY, "one", cost)] for at in moments}
    )

    with pytest.raises(ValidationError, match=r"1 new below cost, .* 0\.000390 USD"):
        assign(acme, resellers)

    assert list_of(acme.id) is None


def test_a_lists_book_is_held_against_what_its_tenants_bought(acme, other, resellers):
    assign(acme, resellers)
    sell(other)
    publish(100, owner=resellers.id)

    sell(acme)
    with pytest.raises(ValidationError, match="by more than 50 %"):
        publish(400, owner=resellers.id)
