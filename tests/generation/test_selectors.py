"""Reads by tenant."""

from datetime import timedelta
from uuid import UUID

import pytest

from generation import selectors
from generation.lifecycle.outcome import TIMED_OUT, Failure
from generation.lifecycle.settlement import fail, settle_and_tell
from generation.models import Attempt, Generation
from generation.selectors import Calls
from pictor.kit.words import clock, ids
from pictor.kit.words.ids import new_uuid
from storage.models import StoredImage
from tests.making.factories import make_channel, make_delivery, stored_images, take
from tests.making.seeds import sow

pytestmark = pytest.mark.django_db


@pytest.fixture
def finished(claim, spools):
    """acme's generation with two images, stored in the wrong order."""
    claim.generation.n = 2
    delivery = make_delivery(claim, spools, sizes=[(1024, 1024), (1024, 768)])
    rows = stored_images(claim, delivery)
    settle_and_tell(claim=claim, delivery=delivery, stored=rows[::-1], now=clock.now())
    return claim.generation


# --- by tenant --------------------------------------------------------------------------------


def test_a_tenant_sees_its_own_generations_newest_first(acme, other):
    mine = [acme.generation() for _ in range(3)]
    other.generation()

    assert [row.id for row in selectors.generations_of(acme.id)] == [row.id for row in mine[::-1]]
    assert selectors.generations_of(other.id).count() == 1


def test_another_tenants_generation_is_as_unknown_as_none(acme, other, queued):
    assert selectors.generation_of(acme.id, queued.id) is not None
    assert selectors.generation_of(other.id, queued.id) is None
    assert selectors.generation_of(acme.id, new_uuid()) is None


def test_a_finished_generation_comes_with_its_images_in_order(acme, finished):
    found = selectors.generation_of(acme.id, finished.id)

    assert found is not None
    assert [(image.index, image.size) for image in found.images] == [
        (0, "1024x1024"),
        (1, "1024x768"),
    ]


def test_a_deleted_image_is_gone(acme, finished):
    StoredImage.objects.filter(index=0).update(deleted_at=clock.now())

    found = selectors.generation_of(acme.id, finished.id)

    assert found is not None
    assert [image.index for image in found.images] == [1]
    assert len(found.sizes) == 2


def test_a_deleted_generation_has_sizes_and_no_images_though_their_objects_are_still_there(
    acme, finished
):
    Generation.objects.filter(id=finished.id).update(deleted_at=clock.now())

    found = selectors.generation_of(acme.id, finished.id)

    assert found is not None
    assert (found.images, len(found.sizes)) == ((), 2)


def test_final_generations_are_found_in_two_queries(acme, finished, django_assert_num_queries):
    queued = acme.generation()

    with django_assert_num_queries(2):
        found = selectors.finished_among([finished.id, queued.id, new_uuid()])

    assert [one.generation.id for one in found] == [finished.id]
    assert len(found[0].images) == 2


def test_a_failed_generation_needs_no_look_at_images(claim, django_assert_num_queries):
    fail(claim=claim, failure=Failure(TIMED_OUT), now=clock.now())

    with django_assert_num_queries(1):
        (found,) = selectors.finished_among([claim.generation.id])

    assert (found.generation.state, found.images) == ("failed", ())


# --- ids --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("gen_00000000000000000000000001", UUID(int=1)),
        ("00000000-0000-0000-0000-000000000001", UUID(int=1)),
        ("img_00000000000000000000000001", None),
        ("one", None),
        ("", None),
    ],
)
def test_an_operator_may_type_either_form_of_an_id(text, found):
    assert selectors.generation_id_of(text) == found


def test_a_generation_shows_its_public_id(queued):
    assert selectors.generation_id_of(queued.public_id) == queued.id
    assert str(Generation.objects.get()) == queued.public_id


# --- of all tenants ---------------------------------------------------------------------------


def test_a_queue_is_what_is_under_way_of_a_model_and_since_when(acme, other, worker):
    running, *waiting = [customer.generation() for customer in (acme, acme, other)]
    assert take(generation_id=running.id, worker=worker)
    asked_at = clock.now() - timedelta(seconds=90)
    Generation.objects.filter(id=waiting[0].id).update(created_at=asked_at)

    (queue,) = selectors.queues()

    assert (queue.model, queue.queued, queue.running) == ("gpt-image-2-origin", 2, 1)
    assert 90 <= queue.oldest_seconds < 120


def test_an_ended_generation_is_in_no_queue(finished):
    assert selectors.queues() == []


# --- by operators' references -------------------------------------------------------------------


def test_a_generation_is_found_by_its_request_where_their_ids_are_near(acme):
    asked = [clock.now() - timedelta(minutes=minutes) for minutes in (0, 14, 16, -2)]
    requests = [ids.public(ids.REQUEST, ids.new_uuid_of(at)) for at in asked]
    made = [acme.generation() for _ in requests]
    for row, request in zip(made, requests, strict=True):
        Generation.objects.filter(id=row.id).update(request_id=request)

    found = [selectors.generation_for_operator(request) for request in requests]

    assert [row and row.id for row in found] == [made[0].id, made[1].id, None, None]
    assert selectors.generation_for_operator(ids.public(ids.REQUEST, new_uuid())) is None


def test_recent_calls_are_summed_by_channel_and_outcome(acme, worker, channel):
    for attempt_class, minutes, cost in (
        ("delivered", 5, 30_000), ("delivered", 59, 10_000), ("refused", 1, 0), ("refused", 61, 7),
    ):  # fmt: skip
        at = clock.now() - timedelta(minutes=minutes)
        Attempt.objects.create(
            id=ids.new_uuid_of(at), generation=acme.generation(), dispatch=1, number=1,
            channel=channel, upstream_model="m", started_at=at, attempt_class=attempt_class,
            finished_at=at + timedelta(seconds=minutes), cost_micros=cost,
        )  # fmt: skip

    found = selectors.attempts_since(clock.now() - timedelta(hours=1))

    assert found == [
        Calls(channel.name, "m", "delivered", 2, 32.0, 40_000, 0),
        Calls(channel.name, "m", "refused", 1, 1.0, 0, 0),
    ]


def test_channels_in_use_stand_before_archived_ones(db):
    sow()
    now = clock.now()
    make_channel("a", archived_at=now)
    make_channel("d")
    make_channel("b", archived_at=now - timedelta(days=1))
    make_channel("c")

    assert [selector.name for selector in selectors.every_channel()] == ["c", "d", "b", "a"]
