"""The lease as it is seen from outside."""

from datetime import timedelta

import pytest
from django.db.models import F

from generation import lease
from generation.models import Worker

pytestmark = pytest.mark.django_db


def test_workers_that_renew_their_lease_are_counted():
    first, second, third = (lease.enlist() for _ in range(3))
    lease.retire(worker=second)
    Worker.objects.filter(epoch=third).update(seen_at=F("seen_at") - timedelta(seconds=16))

    assert lease.alive() == 1

    lease.renew(worker=third)
    assert lease.alive() == 2
    lease.retire(worker=first)
    assert lease.alive() == 1
