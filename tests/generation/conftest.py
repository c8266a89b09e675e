"""Contracts and prices, a channel, a customer with 10 USD, a worker, and room for spools."""

from pathlib import Path

import pytest
import redis
from django.conf import settings

from generation.lifecycle.claims import Claim
from generation.lifecycle.lease import WorkerEpoch
from generation.models import Channel, Generation
from pictor.kit.bytes.spool import SpoolBudget, Spools
from tests.making.factories import PayingCustomer, make_channel, make_worker, take
from tests.making.seeds import sow


@pytest.fixture
def seeded(db: None) -> None:
    """Contracts and prices."""
    sow()


@pytest.fixture
def channel(seeded: None) -> Channel:
    """The only channel: it serves gpt-image-2-origin at every size for 0.03 USD an image."""
    return make_channel(cost_micros=30_000)


@pytest.fixture
def acme(channel: Channel) -> PayingCustomer:
    return PayingCustomer("acme")


@pytest.fixture
def other(channel: Channel) -> PayingCustomer:
    return PayingCustomer("other")


@pytest.fixture
def worker(db: None) -> WorkerEpoch:
    return make_worker()


@pytest.fixture
def queued(acme: PayingCustomer) -> Generation:
    """A queued generation of acme's: one image in medium, 0.05268 USD on hold."""
    return acme.generation()


@pytest.fixture
def claim(queued: Generation, worker: WorkerEpoch) -> Claim:
    """The same, claimed by the worker."""
    found = take(generation_id=queued.id, worker=worker)
    assert found is not None
    return found


@pytest.fixture
def spools(tmp_path: Path) -> Spools:
    return Spools(tmp_path / "spool", SpoolBudget(1_000_000))


@pytest.fixture
def doorbell():
    """The number of rings in the images' queue since the test began."""
    with redis.Redis.from_url(settings.CELERY_BROKER_URL) as broker:
        broker.delete("images")
        yield lambda: broker.llen("images")
        broker.delete("images")
