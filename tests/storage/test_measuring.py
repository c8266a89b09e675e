"""Each tenant's stored bytes are counted hourly, and tenants above their limit are known."""

from datetime import datetime
from uuid import UUID

import pytest
from django.db import connection

from accounts.models import Tenant
from accounts.services.office.storage import stored_together
from accounts.services.office.tenants import create_tenant
from pictor.kit.words import clock, ids
from storage.models import StoredImage
from storage.tasks import measure_images

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def most(settings):
    settings.STORED_BYTES_PER_TENANT = 1_000


@pytest.fixture
def acme():
    return create_tenant(name="acme", actor="test").id


@pytest.fixture
def other():
    return create_tenant(name="other", actor="test").id


def store(tenant_id: UUID, size_bytes: int) -> StoredImage:
    return StoredImage.objects.create(
        tenant_id=tenant_id,
        generation_id=ids.new_uuid(),
        index=0,
        object_key=f"20261125/{ids.new_uuid()}.png",
        size_bytes=size_bytes,
        width=1024,
        height=1024,
        expires_at=clock.now(),
    )


def stored(tenant_id: UUID) -> tuple[int, datetime | None]:
    return Tenant.objects.values_list("stored_bytes", "storage_full_at").get(id=tenant_id)


def is_full(tenant_id: UUID) -> bool:
    return stored(tenant_id)[1] is not None


def test_images_that_are_there_are_summed_by_tenant(acme, other):
    for size_bytes in (300, 200):
        store(acme, size_bytes)
    store(other, 7)
    store(acme, 5_000)
    StoredImage.objects.filter(size_bytes=5_000).update(deleted_at=clock.now())

    measure_images()

    assert [stored(acme), stored(other)] == [(500, None), (7, None)]
    assert (stored_together().size_bytes, stored_together().full) == (507, 0)


def test_a_tenant_at_the_limit_is_full_until_something_is_deleted(acme, other):
    image, _ = store(acme, 400), store(acme, 600)
    measure_images()
    since = stored(acme)[1]
    measure_images()

    assert (is_full(acme), is_full(other)) == (True, False)
    assert stored(acme) == (1_000, since)
    assert stored_together().full == 1
    StoredImage.objects.filter(id=image.id).update(deleted_at=clock.now())
    measure_images()
    assert stored(acme) == (600, None)


def test_a_higher_limit_counts_from_the_next_hour(acme, settings):
    store(acme, 1_500)
    measure_images()
    settings.STORED_BYTES_PER_TENANT = 2_000

    measure_images()

    assert stored(acme) == (1_500, None)


def test_nothing_is_written_of_a_tenant_whose_images_are_the_same(acme, other):
    store(acme, 400)
    measure_images()
    before = versions()
    store(other, 5)

    measure_images()

    assert before[acme] == versions()[acme]
    assert before[other] != versions()[other]


def versions() -> dict[UUID, str]:
    """Row versions of the tenants."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, ctid::text FROM accounts_tenant")
        return dict(cursor.fetchall())


def test_the_sum_is_read_from_an_index(acme):
    store(acme, 1)

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute("DROP INDEX stored_image_by_tenant")  # for one row it reads as little
        cursor.execute(
            "EXPLAIN SELECT tenant_id, SUM(size_bytes) FROM storage_storedimage"
            " WHERE deleted_at IS NULL GROUP BY tenant_id"
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert "Index Only Scan using stored_image_to_expire" in plan
