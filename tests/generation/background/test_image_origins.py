"""Images are found by their bytes minutes after settlement, and not once they are forgotten."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from generation.background import image_origins
from generation.background.image_origins import fill_origins
from generation.lifecycle.settlement import settle_and_tell
from generation.models import Generation, Serves
from generation.selectors import made_here
from generation.tenants.forgetting import delete_rows, forget_words
from pictor.celery import SCHEDULE
from pictor.kit.words import clock
from storage.models import ImageOrigin, OriginsUntil, StoredImage
from tests.making.factories import make_channel, make_delivery, make_worker, stored_images, take

SOME, OTHER = "a" * 64, "b" * 64
pytestmark = pytest.mark.django_db


@pytest.fixture
def delivered(spools):
    """Deliver a generation of one image with that digest, now."""

    def deliver(made: Generation, sha256: str = SOME, label: str = "") -> StoredImage:
        claim = take(generation_id=made.id, worker=make_worker())
        assert claim is not None
        delivery = make_delivery(claim, spools)
        (image,) = stored_images(claim, delivery)
        image.sha256, image.manifest_label = sha256, label
        settle_and_tell(claim=claim, delivery=delivery, stored=[image], now=clock.now())
        return image

    return deliver


@pytest.fixture
def tester(acme):
    """acme by a test key, and a channel that serves tests."""
    make_channel("sandbox", serves=Serves.TEST)
    return acme.tester()


def found(sha256: str = SOME, label: str = "", **where: Any) -> list[tuple[UUID, bool]]:
    return [(one.generation.id, one.is_as_delivered) for one in made_here(sha256, label, **where)]


def mark() -> UUID:
    return OriginsUntil.objects.get().image_id


def test_the_table_is_filled_each_minute():
    assert SCHEDULE["generation.tasks.fill_origins"] == "*"


def test_an_image_is_found_by_digest_or_else_by_manifest(acme, tester, other, delivered):
    first = delivered(acme.generation(), label="urn:c2pa:1").generation_id
    second = delivered(acme.generation()).generation_id
    theirs = delivered(other.generation()).generation_id
    test = delivered(tester.generation()).generation_id

    fill_origins(now=clock.now())
    fill_origins(now=clock.now())

    assert ImageOrigin.objects.count() == 4
    assert found(tenant_id=acme.id, livemode=True) == [(first, True), (second, True)]
    assert found(tenant_id=acme.id, livemode=False) == [(test, True)]
    assert found(tenant_id=other.id, livemode=True) == [(theirs, True)]
    assert found() == [(first, True), (second, True), (theirs, True), (test, True)]
    assert found(OTHER, "urn:c2pa:1") == [(first, False)]
    assert found(OTHER, "urn:c2pa:2") == found(OTHER) == []


def test_an_image_that_is_committed_late_is_not_missed(acme, delivered, monkeypatch):
    monkeypatch.setattr(image_origins, "CLOCKS_APART", timedelta())
    running = acme.generation(now=clock.now() - timedelta(seconds=9))
    late = StoredImage().id  # its worker made it before the next image
    made = delivered(acme.generation(now=clock.now() - timedelta(seconds=5)))

    fill_origins(now=clock.now())
    begun = mark()
    image = delivered(running, OTHER)
    StoredImage.objects.filter(pk=image.pk).update(id=late)
    fill_origins(now=clock.now())

    assert begun < late < made.id
    assert found(OTHER) == [(running.id, True)]
    assert mark() == made.id


def test_a_run_goes_on_from_the_mark_and_in_parts(acme, delivered, monkeypatch):
    monkeypatch.setattr(image_origins, "CLOCKS_APART", timedelta())
    monkeypatch.setattr(image_origins, "AT_ONCE", 1)
    images = [delivered(acme.generation()) for _ in range(3)]
    OriginsUntil.objects.create(pk=1, image_id=images[0].id)

    fill_origins(now=clock.now())

    assert {*ImageOrigin.objects.values_list("image", flat=True)} == {one.id for one in images[1:]}
    assert mark() == images[2].id


def test_forgotten_words_take_digest_and_label_along(acme, delivered):
    before, after = (delivered(acme.generation(), label="urn:c2pa:1") for _ in range(2))
    StoredImage.objects.filter(pk=after.pk).delete()
    fill_origins(now=clock.now())
    StoredImage.objects.bulk_create([after])

    forget_words([before.generation_id, after.generation_id], now=clock.now())
    fill_origins(now=clock.now())

    assert not ImageOrigin.objects.exists()
    assert {*StoredImage.objects.values_list("sha256", "manifest_label")} == {("", "")}


def test_words_forgotten_by_the_release_before_lead_to_no_image(acme, delivered):
    filled, new = delivered(acme.generation()), delivered(acme.generation(), OTHER)
    StoredImage.objects.filter(pk=new.pk).update(sha256="")
    fill_origins(now=clock.now())
    StoredImage.objects.filter(pk=new.pk).update(sha256=OTHER)

    Generation.objects.update(words_forgotten_at=clock.now())
    fill_origins(now=clock.now())

    assert found() == found(OTHER) == []
    assert [one.image_id for one in ImageOrigin.objects.all()] == [filled.id]


def test_an_expired_image_is_found(acme, delivered):
    made = delivered(acme.generation())
    StoredImage.objects.update(expires_at=clock.now(), deleted_at=clock.now())

    fill_origins(now=clock.now())

    assert found() == [(made.generation_id, True)]


def test_rows_of_old_tests_are_deleted_with_their_images(tester, delivered):
    made = delivered(tester.generation())
    fill_origins(now=clock.now())
    StoredImage.objects.update(deleted_at=clock.now())

    delete_rows([made.generation_id])

    assert not ImageOrigin.objects.exists()
    assert not StoredImage.objects.exists()
