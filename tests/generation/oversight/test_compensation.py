"""Refunds and credits of generations, as a page's forms send them."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from accounts.models import User
from billing.models import Transfer
from billing.selectors.office.refunds_given import charge_sums_of, compensated_by
from billing.services.office import accounts
from generation.lifecycle.settlement import settle_and_tell
from generation.models import Generation
from generation.oversight import compensation, interventions
from generation.oversight.compensation import Gift, Giver, credit, refund
from pictor.kit.bytes.spool import SpoolBudget, Spools
from pictor.kit.words import clock
from pictor.kit.words.ids import new_uuid
from pictor.kit.words.money import Micros
from tests.making.factories import (
    PayingCustomer,
    make_channel,
    make_delivery,
    make_worker,
    stored_images,
    take,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    return User.objects.create_user("ann@example.com", "correct horse battery")


@pytest.fixture
def orderer(seeded):
    make_channel(cost_micros=30_000)
    return PayingCustomer("orderer")


def delivered(customer: PayingCustomer, tmp_path: Path) -> Generation:
    """A delivered generation, charged 0.05268 USD."""
    claim = take(generation_id=customer.generation().id, worker=make_worker())
    assert claim is not None
    delivery = make_delivery(claim, Spools(tmp_path, SpoolBudget(1_000_000)))
    stored = stored_images(claim, delivery)
    settle_and_tell(claim=claim, delivery=delivery, stored=stored, now=clock.now())
    return claim.generation


def failed(customer: PayingCustomer) -> Generation:
    made = customer.generation()
    interventions.end_as_failed(generation=made, reason="stuck", actor="test", now=clock.now())
    return Generation.objects.get(id=made.id)


def moved(kind: str) -> list[int]:
    return list(Transfer.objects.filter(kind=kind).order_by("id").values_list("amount", flat=True))


def gift_of(amount: int) -> Gift:
    return Gift(Micros(amount), words="sorry", note="too dark")


def test_a_form_that_is_sent_twice_refunds_once(orderer, ann, tmp_path):
    made, once = delivered(orderer, tmp_path), new_uuid()

    first, again = (
        refund(once=once, generation=made, gift=gift_of(52_680), giver=Giver(ann), now=clock.now())
        for _ in range(2)
    )

    assert first.transfer_id == again.transfer_id
    assert moved("refund") == [52_680]


def test_a_form_that_is_sent_twice_credits_once(orderer, ann):
    made, once = failed(orderer), new_uuid()

    for _ in range(2):
        credit(once=once, generation=made, gift=gift_of(40_000), giver=Giver(ann), now=clock.now())

    assert moved("credit") == [40_000]
    of_it = charge_sums_of([made.id], tenants=[orderer.id])[made.id]
    assert (of_it.captured, of_it.refunded, of_it.credited) == (0, 0, 40_000)
    assert Transfer.objects.get(kind="credit").reason == "sorry"


def test_a_failed_generation_is_credited_once(orderer, ann):
    made, now = failed(orderer), clock.now()
    credit(once=new_uuid(), generation=made, gift=gift_of(40_000), giver=Giver(ann), now=now)

    with pytest.raises(ValidationError, match=r"\$0\.04 was already credited for it"):
        credit(once=new_uuid(), generation=made, gift=gift_of(50_000), giver=Giver("bob"), now=now)
    seq = Transfer.objects.get(kind="credit").seq or 0
    accounts.reverse(tenant_id=orderer.id, seq=seq, reason="", note="too little", actor=ann)
    credit(once=new_uuid(), generation=made, gift=gift_of(50_000), giver=Giver("bob"), now=now)

    assert moved("credit") == [40_000, 50_000]


def test_a_daily_limit_on_gifts_is_not_exceeded(orderer, ann, tmp_path):
    first, second, now = delivered(orderer, tmp_path), failed(orderer), clock.now()
    giver, once = Giver(ann, max_per_day=Micros(100_000)), new_uuid()
    refund(once=once, generation=first, gift=gift_of(52_680), giver=giver, now=now)
    more: dict[str, Any] = {"generation": second, "gift": gift_of(50_000), "giver": giver}

    with pytest.raises(ValidationError, match=r"\$0\.10 a day, and this would bring it to"):
        credit(once=new_uuid(), now=now, **more)
    again = refund(once=once, generation=first, gift=gift_of(52_680), giver=giver, now=now)

    assert again.amount == 52_680
    assert moved("credit") == []
    credit(once=new_uuid(), now=now + timedelta(days=1), **more)
    assert moved("credit") == [50_000]


def test_a_generation_of_another_tenant_is_not_refunded(orderer, tmp_path):
    made = delivered(orderer, tmp_path)

    with pytest.raises(ValidationError, match=r"only \$0\.00 of"):
        accounts.refund(
            tenant_id=PayingCustomer("other").id, generation_id=made.id, reason="", actor="test"
        )


def test_a_delivered_generation_is_refunded_and_not_credited(orderer, ann, tmp_path):
    made = delivered(orderer, tmp_path)
    made.refresh_from_db()

    with pytest.raises(ValidationError, match="others are refunded"):
        credit(once=new_uuid(), generation=made, gift=gift_of(1), giver=Giver(ann), now=clock.now())
    with pytest.raises(ValidationError, match=r"only \$0\.05268 of"):
        refund(
            once=new_uuid(),
            generation=made,
            gift=gift_of(52_681),
            giver=Giver(ann),
            now=clock.now(),
        )


@pytest.mark.django_db(transaction=True)
def test_two_gifts_at_once_do_not_both_find_the_day_empty(orderer, ann, tmp_path, monkeypatch):
    made = [delivered(orderer, tmp_path), delivered(PayingCustomer("other"), tmp_path)]
    giver, both = Giver(ann, max_per_day=Micros(60_000)), Barrier(2, timeout=0.5)

    def looked(person: User, *, since: datetime) -> Micros:
        with suppress(BrokenBarrierError):  # the other one waits for its turn
            both.wait()
        return compensated_by(person, since=since)

    monkeypatch.setattr(compensation, "compensated_by", looked)

    def give(generation: Generation) -> str:
        try:
            refund(
                once=new_uuid(),
                generation=generation,
                gift=gift_of(50_000),
                giver=giver,
                now=clock.now(),
            )
        except ValidationError as error:
            return str(error.messages[0])
        finally:
            connection.close()
        return "given"

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(give, made))

    assert said[0] == "given"
    assert said[1].startswith("you may give $0.06 a day")
    assert moved("refund") == [50_000]
