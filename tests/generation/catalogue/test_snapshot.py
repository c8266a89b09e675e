"""The snapshot of the configuration, and the prices at each revision of it."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from accounts.selectors import config_revision
from billing.models import Price
from billing.price_rows import BookRow
from billing.services.office.prices import draft_price_book, publish_price_book
from generation.catalogue import snapshot
from generation.catalogue.contracts import Catalogue
from generation.catalogue.credentials import encrypted
from generation.catalogue.plans import plan
from generation.channels.declaration import Abilities
from generation.models import Channel, Contract, Route
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.making.factories import ORIGIN, PayingCustomer, contract_of

pytestmark = pytest.mark.django_db


def test_a_snapshot_is_read_once_for_a_revision(acme, django_assert_num_queries):
    revision = config_revision()
    first = snapshot.catalogue_at(revision)

    with django_assert_num_queries(0):
        assert snapshot.catalogue_at(revision) is first


CHANGES = {
    "contract": lambda: Contract.objects.filter(model=ORIGIN).update(max_n=3),
    "channel": lambda: Channel.objects.update(is_enabled=False),
    "route": lambda: Route.objects.update(cost_micros=1),
    "route gone": lambda: Route.objects.all().delete(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_the_configuration_is_seen_by_the_next_request(acme, change):
    before = snapshot.catalogue_at(acme.caller().revision)

    change()

    after = snapshot.catalogue_at(acme.caller().revision)
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
    assert catalogue().routes[ORIGIN][0].abilities.sizes == frozenset({"1024x1024"})

    Route.objects.update(sizes=["2048x2048", "1024x768"])

    assert catalogue().routes[ORIGIN][0].abilities.sizes == frozenset({"2048x2048", "1024x768"})


def test_a_route_makes_the_sizes_of_its_vendors_model(channel):
    Channel.objects.update(kind="gemini", sizes=["1024x1024", "1264x848", "1536x1024"])
    Route.objects.update(upstream_model="gemini-3-pro-image")

    [route] = catalogue().routes[ORIGIN]

    assert route.abilities.sizes == frozenset({"1024x1024", "1264x848"})


def test_a_size_that_the_vendors_model_does_not_make_is_the_closest_of_its_own(channel):
    Channel.objects.update(kind="gemini")
    Route.objects.update(upstream_model="gemini-3-pro-image")

    known = catalogue()
    contract = replace(known.contracts[ORIGIN], is_exact=False)
    planned = [
        plan(known.routes[ORIGIN][0], contract=contract, size=size)
        for size in ("1024x1024", "1536x1024")
    ]

    assert [(each.plan, each.upstream_size) for each in planned if each] == [
        ("native", "1024x1024"),
        ("closest", "1264x848"),
    ]


def test_a_route_knows_its_channel(channel):
    Channel.objects.update(
        credentials=encrypted("sk-upstream"),
        class_overrides={"429": "unknown"},
        ignored_fields=["style", "partial_images"],
        max_concurrency=4,
        queue_seconds=30,
    )

    (route,) = catalogue().routes[ORIGIN]

    assert (route.channel_id, route.api_key, route.max_concurrency) == (
        channel.id,
        "sk-upstream",
        4,
    )
    assert route.queue_seconds == 30
    assert route.class_overrides == {429: "unknown"}
    assert not route.abilities.streams
    assert "style" not in route.abilities.fields
    assert {"background", "image"} <= route.abilities.fields
    assert "sk-upstream" not in repr(route)


def test_a_kind_of_channel_that_is_not_here_any_more_is_sent_nothing(channel):
    Channel.objects.update(kind="smoke-signals")

    (route,) = catalogue().routes[ORIGIN]

    assert route.abilities == Abilities()
    assert plan(route, contract=contract_of(ORIGIN), size="1024x1024") is None


def catalogue() -> Catalogue:
    return snapshot.current_catalogue()


# --- prices -----------------------------------------------------------------------------------


def publish(
    micros: int, *, tenant_id: UUID | None = None, effective_from: datetime | None = None
) -> None:
    row = BookRow(ORIGIN, "1024x1024", "medium", Micros(micros), 1024, 1024)
    now = clock.now()
    book = draft_price_book(
        name="special",
        rows=[row],
        effective_from=effective_from or now,
        tenant_id=tenant_id,
        actor="test",
    )
    publish_price_book(book=book, actor="test", now=now)


def price_of(customer: PayingCustomer) -> int:
    revision = customer.caller().revision
    table = snapshot.prices_at(revision, customer.id, now=clock.now())
    return table.rows[(ORIGIN, "1024x1024", "medium")].unit


def test_prices_are_read_once_for_a_revision(acme, django_assert_num_queries):
    revision, now = config_revision(), clock.now()
    first = snapshot.prices_at(revision, acme.id, now=now)

    with django_assert_num_queries(0):
        assert snapshot.prices_at(revision, acme.id, now=now) is first


def test_a_published_book_prices_only_its_tenants_next_request(acme, other):
    assert price_of(acme) == 52_680

    publish(40_000, tenant_id=acme.id)

    assert price_of(acme) == 40_000
    assert price_of(other) == 52_680


def test_a_draft_changes_no_price(acme):
    draft_price_book(
        name="special",
        rows=[BookRow(ORIGIN, "1024x1024", "medium", Micros(1), 1024, 1024)],
        effective_from=clock.now(),
        tenant_id=acme.id,
        actor="test",
    )

    assert Price.objects.filter(micros=1).exists()
    assert price_of(acme) == 52_680


def test_prices_known_to_change_are_not_kept_beyond_that_moment(acme, django_assert_num_queries):
    tomorrow = clock.now() + timedelta(days=1)
    publish(40_000, tenant_id=acme.id, effective_from=tomorrow)
    revision = config_revision()
    table = snapshot.prices_at(revision, acme.id, now=clock.now())

    assert table.valid_until == tomorrow
    with django_assert_num_queries(0):
        snapshot.prices_at(revision, acme.id, now=tomorrow - timedelta(seconds=1))
    with django_assert_num_queries(2):
        snapshot.prices_at(revision, acme.id, now=tomorrow)
