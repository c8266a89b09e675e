"""Books with a row in every table that money hangs on."""

import pytest

from accounts.services import link_events
from billing.services import credit
from generation.claims import take
from generation.management import seeding
from generation.management.seeding import Wishes
from generation.settlement import settle
from pictor.kit import clock
from pictor.kit.money import Micros
from pictor.kit.spool import SpoolBudget, Spools
from tests.factories import Customer, make_channel, make_delivery, make_worker, stored_images


@pytest.fixture
def books(db, tmp_path):
    """A customer with a top-up, a credit, a settled generation that cost us, and one under way."""
    seeding.seed(Wishes())
    make_channel(cost_micros=30_000)
    acme = Customer("acme")
    Customer("other")
    credit(tenant_id=acme.id, amount=Micros(1_000_000), reason="gift", actor="test")
    claim = take(generation_id=acme.generation().id, worker=make_worker())
    assert claim is not None
    delivery = make_delivery(claim, Spools(tmp_path, SpoolBudget(max_bytes=1_000_000)))
    settle(claim=claim, delivery=delivery, stored=stored_images(claim, delivery), now=clock.now())
    acme.generation(idempotency_key="once")
    link_events()
    return acme
