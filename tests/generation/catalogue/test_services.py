"""Rules shared by every way to change a channel: refusals and partial changes."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from accounts.models import AuditEvent
from billing.price_rows import BookRow
from billing.selectors import book_in_force, rows_of
from billing.services.office.prices import draft_price_book, publish_price_book
from generation.catalogue import services
from generation.catalogue.services import ChannelOptions, ContractColumns, RouteTerms
from generation.models import Channel, Contract, Route
from pictor.kit.words import clock
from pictor.kit.words.money import Micros

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]

D3 = RouteTerms(model="dall-e-3", upstream_model="d3")
NEW = ChannelOptions(base_url="https://api.example.com/v1", api_key="sk-1", routes=[D3])
DRAFT = ContractColumns(
    sizes=[{"size": "1024x1024", "tier": "base"}],
    qualities=["standard"],
    quality_default="standard",
    prompt_max_chars=1000,
)


@pytest.fixture
def vendor() -> Channel:
    channel, _ = services.set_channel(name="vendor", options=NEW, actor="test")
    return channel


@pytest.mark.parametrize(
    ("routes", "message"),
    [
        ([D3, D3], "a model is served by one route of a channel"),
        ([RouteTerms(model="gpt-9", upstream_model="x")], "no such model: gpt-9"),
        ([RouteTerms(model="dall-e-3", upstream_model=" ")], "must have 1 to 128 characters"),
    ],
)
def test_routes_that_cannot_be_leave_everything_as_it_was(vendor, routes, message):
    options = ChannelOptions(priority=3, routes=routes)

    with pytest.raises(ValidationError, match=message):
        services.set_channel(name="vendor", options=options, actor="test")

    assert Channel.objects.get().priority == 10
    assert Route.objects.get().upstream_model == "d3"


def test_a_channel_can_be_made_to_serve_nothing(vendor):
    services.set_channel(name="vendor", options=ChannelOptions(routes=[]), actor="test")

    assert Route.objects.count() == 0


def test_unchanged_values_are_not_checked_again(vendor):
    Route.objects.update(cost_micros=-1)
    Channel.objects.update(ignored_fields=["stile"])

    services.set_channel(name="vendor", options=ChannelOptions(priority=3), actor="test")

    assert Channel.objects.get().priority == 3


def test_every_column_at_fault_is_named(vendor):
    options = ChannelOptions(weight=0, sizes=["big"], ignored_fields=["stile"])

    with pytest.raises(ValidationError) as refused:
        services.set_channel(name="vendor", options=options, actor="test")

    assert set(refused.value.message_dict) == {"weight", "sizes", "ignored_fields"}


def test_a_contract_is_made_and_then_changed_in_part():
    made, was_new = services.set_contract(model="fox-1", columns=DRAFT, actor="test")
    changed, is_new = services.set_contract(
        model="fox-1", columns=ContractColumns(max_n=2), actor="test"
    )

    assert (made.model, was_new, changed.model, is_new) == ("fox-1", True, "fox-1", False)
    assert not made.is_enabled
    assert Contract.objects.get(model="fox-1").qualities == ["standard"]
    first, second = AuditEvent.objects.filter(action="contract.set", actor_name="test").order_by(
        "id"
    )
    assert first.before is None
    assert ((second.before or {})["max_n"], (second.after or {})["max_n"]) == (10, 2)


def with_price_of_fox(*, days: int) -> None:
    """Publish the price book with a price of fox-1, in force in some days."""
    now = clock.now()
    rows = rows_of(book_in_force(None, now))
    rows.append(BookRow("fox-1", "1024x1024", "standard", Micros(5), 1024, 1024))
    draft = draft_price_book(
        name="list", rows=rows, effective_from=now + timedelta(days=days), actor="test"
    )
    publish_price_book(book=draft, actor="test", now=now)


def test_a_contract_with_prices_in_force_can_be_enabled():
    with_price_of_fox(days=0)
    columns = ContractColumns(**DRAFT, is_enabled=True)

    made, _ = services.set_contract(model="fox-1", columns=columns, actor="test")

    assert made.is_enabled


def test_a_contract_needs_prices_before_it_is_enabled():
    with_price_of_fox(days=7)
    columns = ContractColumns(**DRAFT, is_enabled=True)

    with pytest.raises(ValidationError, match="needs a published price first for fox-1 1024"):
        services.set_contract(model="fox-1", columns=columns, actor="test")


def test_a_contract_needs_prices_in_scheduled_books_too():
    now = clock.now()
    next_week = now + timedelta(days=7)
    dropped = [row for row in rows_of(book_in_force(None, now)) if row.quality != "hd"]
    Contract.objects.filter(model="dall-e-3").update(is_enabled=False)
    draft = draft_price_book(name="list", rows=dropped, effective_from=next_week, actor="test")
    publish_price_book(book=draft, actor="test", now=now)

    with pytest.raises(ValidationError, match="dall-e-3 1024x1024 hd"):
        services.set_contract(
            model="dall-e-3", columns=ContractColumns(is_enabled=True), actor="test"
        )


def test_a_contract_that_stays_as_it_is_leaves_no_event():
    services.set_contract(model="dall-e-3", columns=ContractColumns(max_n=1), actor="test")

    assert not AuditEvent.objects.filter(action="contract.set", actor_name="test").exists()


def test_a_contract_that_no_process_could_load_is_not_written():
    with pytest.raises(ValidationError, match="'big' is not a size"):
        services.set_contract(
            model="dall-e-3", columns=ContractColumns(sizes=[{"size": "big"}]), actor="test"
        )

    assert len(Contract.objects.get(model="dall-e-3").sizes) == 3
