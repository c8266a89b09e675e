"""Reads by tenant, and the snapshot of the configuration."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from cryptography.fernet import Fernet, InvalidToken

from accounts.selectors import config_revision
from billing.models import Price
from billing.seed_prices import SeedRow
from billing.services import draft_price_book, publish_price_book
from generation import selectors
from generation.catalogue import Catalogue
from generation.models import Channel, Contract, Generation, Route
from generation.settlement import TIMED_OUT, Failure, fail, settle
from pictor.kit import clock
from pictor.kit.ids import new_uuid
from pictor.kit.money import Micros
from storage.models import StoredImage
from tests.factories import ORIGIN, Customer, make_delivery, stored_images

pytestmark = pytest.mark.django_db


@pytest.fixture
def finished(claim, spools):
    """acme's generation with two images, stored in the wrong order."""
    claim.generation.n = 2
    delivery = make_delivery(claim, spools, sizes=[(1024, 1024), (1024, 768)])
    rows = stored_images(claim, delivery)
    settle(claim=claim, delivery=delivery, stored=rows[::-1], now=clock.now())
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


def test_those_that_are_final_are_found_in_two_queries(acme, finished, django_assert_num_queries):
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


# --- the snapshot -----------------------------------------------------------------------------


def test_a_snapshot_is_read_once_for_a_revision(acme, django_assert_num_queries):
    revision = config_revision()
    first = selectors.catalogue_at(revision)

    with django_assert_num_queries(0):
        assert selectors.catalogue_at(revision) is first


CHANGES = {
    "contract": lambda: Contract.objects.filter(model=ORIGIN).update(max_n=3),
    "channel": lambda: Channel.objects.update(is_enabled=False),
    "route": lambda: Route.objects.update(cost_micros=1),
    "route gone": lambda: Route.objects.all().delete(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_the_configuration_is_seen_by_the_next_request(acme, change):
    before = selectors.catalogue_at(acme.caller().revision)

    change()

    after = selectors.catalogue_at(acme.caller().revision)
    assert after.revision != before.revision
    assert after.revision == config_revision()
    assert (after.contracts, after.routes) != (before.contracts, before.routes)


def test_a_change_of_generations_or_tenants_is_no_change_of_the_configuration(acme):
    before = config_revision()

    acme.generation()

    assert config_revision() == before


def test_a_disabled_channel_serves_nothing(acme, channel):
    assert [route.channel_name for route in catalogue().routes[ORIGIN]] == ["one"]

    Channel.objects.filter(id=channel.id).update(is_enabled=False)

    assert ORIGIN not in catalogue().routes


def test_a_routes_own_sizes_win_over_its_channels(channel):
    Channel.objects.update(sizes=["1024x1024"])
    assert catalogue().routes[ORIGIN][0].native_sizes == frozenset({"1024x1024"})

    Route.objects.update(sizes=["2048x2048", "1024x768"])

    assert catalogue().routes[ORIGIN][0].native_sizes == frozenset({"2048x2048", "1024x768"})


def test_a_route_knows_its_channel(channel):
    Channel.objects.update(
        credentials=selectors.encrypted("sk-upstream"),
        class_overrides={"429": "unknown"},
        ignored_fields=["style"],
        max_concurrency=4,
    )

    (route,) = catalogue().routes[ORIGIN]

    assert (route.channel_id, route.api_key, route.max_concurrency) == (
        channel.id,
        "sk-upstream",
        4,
    )
    assert route.class_overrides == {429: "unknown"}
    assert route.ignored_fields == frozenset({"style"})
    assert "sk-upstream" not in repr(route)


def catalogue() -> Catalogue:
    return selectors.current_catalogue()


# --- prices -----------------------------------------------------------------------------------


def publish(
    micros: int, *, tenant_id: UUID | None = None, effective_from: datetime | None = None
) -> None:
    row = SeedRow(ORIGIN, "1024x1024", "medium", Micros(micros), 1024, 1024)
    now = clock.now()
    book = draft_price_book(
        name="special", rows=[row], effective_from=effective_from or now, tenant_id=tenant_id
    )
    publish_price_book(book=book, actor="test", now=now)


def price_of(customer: Customer) -> int:
    revision = customer.caller().revision
    table = selectors.prices_at(revision, customer.id, now=clock.now())
    return table.rows[(ORIGIN, "1024x1024", "medium")].unit


def test_prices_are_read_once_for_a_revision(acme, django_assert_num_queries):
    revision, now = config_revision(), clock.now()
    first = selectors.prices_at(revision, acme.id, now=now)

    with django_assert_num_queries(0):
        assert selectors.prices_at(revision, acme.id, now=now) is first


def test_a_published_book_is_seen_by_the_next_request_of_its_tenant_alone(acme, other):
    assert price_of(acme) == 52_680

    publish(40_000, tenant_id=acme.id)

    assert price_of(acme) == 40_000
    assert price_of(other) == 52_680


def test_a_draft_changes_no_price(acme):
    draft_price_book(
        name="special",
        rows=[SeedRow(ORIGIN, "1024x1024", "medium", Micros(1), 1024, 1024)],
        effective_from=clock.now(),
        tenant_id=acme.id,
    )

    assert Price.objects.filter(micros=1).exists()
    assert price_of(acme) == 52_680


def test_prices_known_to_change_are_not_kept_beyond_that_moment(acme, django_assert_num_queries):
    tomorrow = clock.now() + timedelta(days=1)
    publish(40_000, tenant_id=acme.id, effective_from=tomorrow)
    revision = config_revision()
    table = selectors.prices_at(revision, acme.id, now=clock.now())

    assert table.valid_until == tomorrow
    with django_assert_num_queries(0):
        selectors.prices_at(revision, acme.id, now=tomorrow - timedelta(seconds=1))
    with django_assert_num_queries(2):
        selectors.prices_at(revision, acme.id, now=tomorrow)


# --- credentials and ids ----------------------------------------------------------------------


def test_a_credential_is_stored_encrypted_and_read_back(settings):
    stored = selectors.encrypted("sk-upstream")

    assert "sk-upstream" not in stored
    assert selectors.decrypted(stored) == "sk-upstream"
    assert (selectors.encrypted(""), selectors.decrypted("")) == ("", "")


def test_the_newest_key_encrypts_and_older_ones_still_decrypt(settings):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [old]
    stored = selectors.encrypted("sk-upstream")

    settings.ENCRYPTION_KEYS = [new, old]
    assert selectors.decrypted(stored) == "sk-upstream"
    again = selectors.encrypted("sk-upstream")

    settings.ENCRYPTION_KEYS = [new]
    assert selectors.decrypted(again) == "sk-upstream"
    with pytest.raises(InvalidToken):
        selectors.decrypted(stored)


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
