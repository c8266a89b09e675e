"""Delivered, failed, running and waiting generations of two tenants, and members of staff."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from billing.upstream_cost import Cost, CostSource
from generation.channels.errors import AttemptClass
from generation.lifecycle.attempts import end_failed_call
from generation.lifecycle.outcome import TIMED_OUT, AttemptEnd, Failure
from generation.lifecycle.settlement import fail, settle_and_tell
from generation.models import Channel, Generation, Serves
from pictor.kit.bytes.spool import SpoolBudget, Spools
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.making.factories import (
    PayingCustomer,
    begun,
    make_channel,
    make_delivery,
    make_worker,
    stored_images,
    take,
)

BILLED = Cost(Micros(30_000), CostSource.FLAT)
Make = Callable[..., Generation]
SignIn = Callable[[str], Client]


@pytest.fixture(autouse=True)
def offer(sown: None) -> None:
    """Contracts and prices."""


@pytest.fixture
def channel(offer: None, db: None) -> Channel:
    """A channel with gpt-image-2-origin at 0.03 USD an image; tests have a channel of their own."""
    make_channel("sandbox", serves=Serves.TEST)
    return make_channel("acme-openai", cost_micros=30_000)


@pytest.fixture
def acme(channel: Channel) -> PayingCustomer:
    """A tenant with 10 USD and a key."""
    return PayingCustomer("acme")


@pytest.fixture
def other(channel: Channel) -> PayingCustomer:
    return PayingCustomer("other")


@pytest.fixture
def delivered(tmp_path: Path) -> Make:
    """Deliver a generation charged 0.05268 USD, cost 0.03: `delivered(acme, prompt="a fox")`."""
    return partial(deliver, Spools(tmp_path, SpoolBudget(1_000_000)))


@pytest.fixture
def running(channel: Channel) -> Make:
    """Make a generation that a worker has claimed and is calling the channel for."""
    return partial(run, channel)


@pytest.fixture
def failed(channel: Channel) -> Make:
    """Make a generation that timed out at a cost of 0.03 USD: `failed(acme, detail="no fox")`."""
    return partial(time_out, channel)


def deliver(spools: Spools, customer: PayingCustomer, **fields: Any) -> Generation:
    now = clock.now()
    made = customer.generation(now=now - timedelta(seconds=4), **fields)
    claim = take(generation_id=made.id, worker=make_worker())
    assert claim is not None
    delivery = make_delivery(claim, spools)
    stored = stored_images(claim, delivery)
    settle_and_tell(claim=claim, delivery=delivery, stored=stored, now=now)
    made.refresh_from_db()
    return made


def run(channel: Channel, customer: PayingCustomer, **fields: Any) -> Generation:
    made = customer.generation(**fields)
    claim = take(generation_id=made.id, worker=make_worker())
    assert claim is not None
    begun(claim, channel)
    made.refresh_from_db()
    return made


def time_out(
    channel: Channel,
    customer: PayingCustomer,
    *,
    detail: str = "timed out",
    cost: Cost = BILLED,
    **fields: Any,
) -> Generation:
    made, now = customer.generation(**fields), clock.now()
    claim = take(generation_id=made.id, worker=make_worker())
    assert claim is not None
    attempt = begun(claim, channel)
    assert attempt is not None
    end = AttemptEnd(
        attempt,
        AttemptClass.UNKNOWN,
        http_status=504,
        upstream_request_id="up-7",
        may_have_billed=True,
        cost=cost,
        detail=detail,
    )
    end_failed_call(end, generation=made, now=now)
    fail(claim=claim, failure=Failure(TIMED_OUT), now=now)
    made.refresh_from_db()
    return made


@pytest.fixture
def sign_in(settings: Settings) -> SignIn:
    """Sign in a member of staff with that role, without a second factor."""
    settings.STAFF_MFA = False

    def sign_in(role: str) -> Client:
        person = User.objects.create_user(f"{role}@pictor.example", staff_role=role)
        client = Client()
        client.force_login(person)
        return client

    return sign_in
