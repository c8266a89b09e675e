"""A worker's lease as other processes see it."""

from datetime import timedelta

import pytest
from django.db.models import F

from generation.catalogue.traffic import open_breakers
from generation.catalogue.traffic.open_breakers import BreakerKey
from generation.lifecycle import lease
from generation.models import Worker
from tests.making.factories import make_channel

pytestmark = pytest.mark.django_db


def test_workers_that_renew_their_lease_are_counted():
    first, second, third = (lease.enlist() for _ in range(3))
    lease.retire(worker=second)
    Worker.objects.filter(epoch=third).update(seen_at=F("seen_at") - timedelta(seconds=16))

    assert lease.live_workers() == lease.LiveWorkers(workers=1, can_store=0)

    lease.renew(worker=third)
    assert lease.live_workers() == lease.LiveWorkers(workers=2, can_store=1)
    lease.retire(worker=first)
    assert lease.live_workers() == lease.LiveWorkers(workers=1, can_store=1)


def test_storage_works_where_each_worker_there_is_can_store():
    nobody = lease.live_workers().storage
    first, second = lease.enlist(), lease.enlist()
    lease.renew(worker=first)

    lease.renew(worker=second, trouble="PutObject: AccessDenied" + "!" * 200)
    one_cannot = lease.live_workers().storage
    lease.renew(worker=second)

    assert (nobody, one_cannot, lease.live_workers().storage) == (None, False, True)


def test_a_renewal_says_which_breakers_are_open(seeded, django_assert_num_queries):
    channel, worker = make_channel("acme"), lease.enlist()
    open_breakers.write({BreakerKey(channel.id, 0, "dall-e-3"): 20.0})

    with django_assert_num_queries(1):
        (found,) = lease.renew(worker=worker) or []

    assert (found.key, found.channel, found.pause) == ((channel.id, 0, "dall-e-3"), "acme", 20)
    assert 15 < found.seconds <= 20
