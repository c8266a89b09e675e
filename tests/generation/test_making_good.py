"""Refunds and credits of generations, as a page's forms send them."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError

from accounts.models import User
from billing.models import Transfer
from billing.selectors import given_for
from billing.services import refund
from generation import interventions, making_good
from generation.models import Generation
from generation.settlement import settle_and_tell
from pictor.kit import clock
from pictor.kit.ids import new_uuid
from pictor.kit.money import Micros
from pictor.kit.spool import SpoolBudget, Spools
from tests.factories import Customer, make_channel, make_delivery, make_worker, stored_images, take

pytestmark = pytest.mark.django_db
MOST = Micros(100_000)


@pytest.fixture
def ann():
    return User.objects.create_user("ann@example.com", "correct horse battery")


@pytest.fixture
def orderer(seeded):
    make_channel(cost_micros=30_000)
    return Customer("orderer")


def delivered(customer: Customer, tmp_path: Path) -> Generation:
    """It was charged 0.05268 USD."""
    claim = take(generation_id=customer.generation().id, worker=make_worker())
    assert claim is not None
    delivery = make_delivery(claim, Spools(tmp_path, SpoolBudget(1_000_000)))
    stored = stored_images(claim, delivery)
    settle_and_tell(claim=claim, delivery=delivery, stored=stored, now=clock.now())
    return claim.generation


def failed(customer: Customer) -> Generation:
    made = customer.generation()
    interventions.end_as_failed(generation=made, reason="stuck", actor="test", now=clock.now())
    return Generation.objects.get(id=made.id)


def moved(kind: str) -> list[int]:
    return list(Transfer.objects.filter(kind=kind).order_by("id").values_list("amount", flat=True))


def test_a_form_that_is_sent_twice_refunds_once(orderer, ann, tmp_path):
    made, once = delivered(orderer, tmp_path), new_uuid()

    first, again = (
        making_good.refund(generation=made, reason="too dark", actor=ann, once=once)
        for _ in range(2)
    )

    assert first.id == again.id
    assert moved("refund") == [52_680]


def test_a_form_that_is_sent_twice_credits_once(orderer, ann):
    made, once, amount = failed(orderer), new_uuid(), Micros(40_000)

    for _ in range(2):
        making_good.credit(generation=made, amount=amount, reason="sorry", actor=ann, once=once)

    assert moved("credit") == [40_000]
    given = given_for([made.id], tenants=[orderer.id])[made.id]
    assert (given.captured, given.refunded, given.credited) == (0, 0, 40_000)


def test_a_form_of_one_tenant_moves_no_money_of_another(orderer, ann, tmp_path):
    other, once = Customer("other"), new_uuid()
    making_good.refund(generation=delivered(orderer, tmp_path), reason="dark", actor=ann, once=once)

    with pytest.raises(ValidationError, match="has moved other money"):
        making_good.refund(
            generation=delivered(other, tmp_path), reason="dark", actor=ann, once=once
        )

    assert moved("refund") == [52_680]


def test_who_may_give_so_much_a_day_gives_no_more(orderer, ann, tmp_path, monkeypatch):
    first, second = delivered(orderer, tmp_path), failed(orderer)
    once = new_uuid()
    making_good.refund(generation=first, reason="dark", actor=ann, once=once, most_a_day=MOST)

    with pytest.raises(
        ValidationError, match=r"0\.100000 USD a day, and this would make it 0\.1026"
    ):
        making_good.credit(
            generation=second, amount=Micros(50_000), reason="no", actor=ann, most_a_day=MOST
        )
    again = making_good.refund(
        generation=first, reason="dark", actor=ann, once=once, most_a_day=MOST
    )

    assert again.amount == 52_680
    assert moved("credit") == []
    tomorrow = clock.now() + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: tomorrow)
    making_good.credit(
        generation=second, amount=Micros(50_000), reason="no", actor=ann, most_a_day=MOST
    )
    assert moved("credit") == [50_000]


def test_a_generation_of_another_tenant_is_not_refunded(orderer, tmp_path):
    made = delivered(orderer, tmp_path)

    with pytest.raises(ValidationError, match=r"only 0\.000000 USD"):
        refund(tenant_id=Customer("other").id, generation_id=made.id, reason="", actor="test")


def test_what_was_delivered_is_refunded_and_not_credited(orderer, ann, tmp_path):
    made = delivered(orderer, tmp_path)
    made.refresh_from_db()

    with pytest.raises(ValidationError, match="others are refunded"):
        making_good.credit(generation=made, amount=Micros(1), reason="no", actor=ann)
    with pytest.raises(ValidationError, match=r"only 0\.052680 USD"):
        making_good.refund(generation=made, amount=Micros(52_681), reason="no", actor=ann)
