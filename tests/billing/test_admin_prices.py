"""Price books on the operator's pages: drafts in dollars, final once published, all audited."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent
from billing.models import (
    Price,
    PriceBook,
)
from billing.price_stops import Served
from billing.pricing import BookRow
from billing.services import (
    Usage,
    create_price_list,
    draft_price_book,
    publish_price_book,
    record_usage,
)
from billing.upstream_cost import Cost, CostSource
from generation import offer
from pictor.kit import clock
from pictor.kit.money import Micros, to_decimal

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]


def book_form(book: PriceBook, **changes: str) -> dict[str, object]:
    price = book.prices.get()
    return {
        "name": book.name,
        "version": book.version,
        "markup": "1",
        "tenant": "",
        "effective_from_0": "2026-11-20",
        "effective_from_1": "12:00:00",
        "prices-TOTAL_FORMS": "1",
        "prices-INITIAL_FORMS": "1",
        "prices-0-id": price.id,
        "prices-0-book": book.id,
        "prices-0-model": price.model,
        "prices-0-size": price.size,
        "prices-0-quality": price.quality,
        "prices-0-micros": to_decimal(price.micros),
        "prices-0-kind": price.kind,
        "prices-0-width": price.width,
        "prices-0-height": price.height,
        **changes,
    }


def test_a_draft_is_made_on_its_page_with_the_next_version_and_its_rows(pages, root, draft):
    answer = pages.post(
        reverse("admin:billing_pricebook_add"),
        {
            "name": "standard",
            "markup": "1.5",
            "tenant": "",
            "effective_from_0": "2026-11-20",
            "effective_from_1": "12:00:00",
            "prices-TOTAL_FORMS": "1",
            "prices-INITIAL_FORMS": "0",
            "prices-0-model": "dall-e-2",
            "prices-0-size": "256x256",
            "prices-0-quality": "standard",
            "prices-0-micros": "0.016",
            "prices-0-kind": "fixed",
            "prices-0-width": "256",
            "prices-0-height": "256",
        },
    )

    assert answer.status_code == 302
    book = PriceBook.objects.get(version=2)
    assert book.name == "standard"
    assert book.prices.get().micros == 16_000
    events = AuditEvent.objects.filter(object_id=str(book.id)).order_by("id")
    assert [event.action for event in events] == ["price_book.draft", "price_book.prices"]
    assert {event.actor for event in events} == {root}


def test_changed_and_removed_rows_of_a_draft_leave_before_and_after(pages, draft):
    page = reverse("admin:billing_pricebook_change", args=[draft.id])

    pages.post(page, book_form(draft, **{"prices-0-micros": "0.006", "markup": "2"}))
    pages.post(page, book_form(draft, **{"prices-0-size": "512x512"}, markup="2"))
    pages.post(page, book_form(draft, **{"prices-0-DELETE": "on"}, markup="2"))

    terms = AuditEvent.objects.get(action="price_book.change")
    assert ((terms.before or {})["markup"], (terms.after or {})["markup"]) == ("1", "2")
    changes = AuditEvent.objects.filter(action="price_book.prices").order_by("id")
    amounts = [
        {key: row["micros"] for key, row in (state or {}).items()}
        for event in changes
        for state in (event.before, event.after)
    ]
    old, new = "gpt-image-2 1024x1024 low", "gpt-image-2 512x512 low"
    assert amounts == [{old: 5_880}, {old: 6_000}, {old: 6_000}, {new: 6_000}, {new: 6_000}, {}]
    assert not draft.prices.exists()


@pytest.mark.parametrize("typed", ["0.0000001", "-1", "ten", "1e-3", ""])
def test_a_price_is_typed_in_dollars_exactly_or_refused(pages, draft, typed):
    page = reverse("admin:billing_pricebook_change", args=[draft.id])

    answer = pages.post(page, book_form(draft, **{"prices-0-micros": typed}))

    assert answer.status_code == 200
    assert draft.prices.get().micros == 5_880


def test_prices_are_shown_in_dollars_before_and_after_they_are_published(pages, draft):
    page = reverse("admin:billing_pricebook_change", args=[draft.id])
    as_draft = pages.get(page).content.decode()
    PriceBook.objects.update(published_at=draft.effective_from)

    published = pages.get(page).content.decode()

    assert 'value="0.005880"' in as_draft
    assert "0.005880" in published
    assert ">5880<" not in published


def test_a_draft_is_thrown_away_with_an_event(pages, draft):
    pages.post(reverse("admin:billing_pricebook_delete", args=[draft.id]), {"post": "yes"})

    assert not PriceBook.objects.exists()
    assert (AuditEvent.objects.get(action="price_book.discard").before or {})["prices"] == 1


def test_a_draft_can_be_edited_and_published_and_is_final_then(pages, root, draft):
    change = reverse("admin:billing_pricebook_change", args=[draft.id])
    listing = reverse("admin:billing_pricebook_changelist")
    chosen = {"action": "publish", "_selected_action": [str(draft.id)]}

    pages.post(change, book_form(draft, **{"prices-0-micros": "0.006"}))
    asked = pages.post(listing, chosen)
    assert PriceBook.objects.get().published_at is None
    looked_at = {**chosen, "seen": asked.context["seen"]}
    first = pages.post(listing, looked_at, follow=True).content.decode()
    again = pages.post(listing, chosen)
    second = pages.post(listing, {**chosen, "seen": again.context["seen"]}, follow=True)
    refused = pages.post(change, book_form(draft, **{"prices-0-micros": "0.000001"}))

    book = PriceBook.objects.get()
    assert "no price -&gt; 0.006000 USD" in asked.content.decode()
    assert book.published_at is not None
    assert Price.objects.get().micros == 6_000
    assert "standard v1 is published" in first
    assert "published already" in second.content.decode()
    assert refused.status_code == 403
    assert AuditEvent.objects.get(action="price_book.publish").actor == root
    assert pages.get(change).status_code == 200


def test_a_shared_lists_draft_cannot_become_everyones_here(pages, draft):
    shared = create_price_list(name="Resellers", actor="test")
    PriceBook.objects.filter(id=draft.id).update(tenant_id=shared.id)
    change = reverse("admin:billing_pricebook_change", args=[draft.id])

    assert pages.get(change).status_code == 200
    assert pages.post(change, book_form(draft)).status_code == 403

    draft.refresh_from_db()
    assert draft.tenant_id == shared.id


def test_a_draft_that_changed_since_it_was_looked_at_is_shown_again(pages, draft):
    change = reverse("admin:billing_pricebook_change", args=[draft.id])
    listing = reverse("admin:billing_pricebook_changelist")
    chosen = {"action": "publish", "_selected_action": [str(draft.id)]}

    seen = pages.post(listing, chosen).context["seen"]
    pages.post(change, book_form(draft, **{"prices-0-micros": "0.000001"}))
    shown = pages.post(listing, {**chosen, "seen": seen}).content.decode()

    assert PriceBook.objects.get().published_at is None
    assert "no price -&gt; 0.000001 USD" in shown


def test_a_book_whose_date_has_come_or_that_is_restored_is_said_to_begin_now(pages, draft, now):
    listing = reverse("admin:billing_pricebook_changelist")
    overtaken = draft_price_book(name="standard", effective_from=now, actor="test")
    later = draft_price_book(name="standard", effective_from=now.replace(year=2099), actor="test")
    publish_price_book(book=draft, actor="test", now=now)

    said = [
        pages.post(listing, {"action": action, "_selected_action": [str(book.id)]}).content.decode()
        for action, book in (("restore", draft), ("publish", overtaken), ("publish", later))
    ]

    assert "standard v1 changes for everyone, now:" in said[0]
    assert "standard v2 changes for everyone, now:" in said[1]
    assert "standard v3 changes for everyone, from 2099-11-20 12:00 UTC:" in said[2]


def test_a_new_version_begins_with_the_markup_in_force(pages, draft, now):
    PriceBook.objects.update(markup="1.25")
    draft.refresh_from_db()
    publish_price_book(book=draft, actor="test", now=now)

    page = pages.get(reverse("admin:billing_pricebook_add"))

    assert page.context["adminform"].form["markup"].value() == Decimal("1.25")


def test_a_published_book_is_not_deleted(pages, draft, now):
    publish_price_book(book=draft, actor="test", now=now)
    delete = reverse("admin:billing_pricebook_delete", args=[draft.id])

    assert pages.post(delete, {"post": "yes"}).status_code == 403


LISTING = "admin:billing_pricebook_changelist"


def choose(pages: Client, action: str, *books: PriceBook, **typed: str) -> tuple[Any, Any]:
    """Choose the action, and agree to what is shown with what is typed."""
    chosen = {"action": action, "_selected_action": [str(book.id) for book in books]}
    asked = pages.post(reverse(LISTING), chosen)
    seen = asked.context["seen"]
    return asked, pages.post(reverse(LISTING), {**chosen, "seen": seen, **typed}, follow=True)


@pytest.fixture
def scheduled(draft):
    """The first book is in force, and ten times its price scheduled."""
    publish_price_book(book=draft, actor="test", now=clock.now())
    return draft_price_book(
        name="standard",
        rows=[BookRow("gpt-image-2", "1024x1024", "low", Micros(58_800), 1024, 1024)],
        effective_from=clock.now().replace(year=2099, month=12, day=1),
        actor="test",
    )


@pytest.fixture
def sold(acme):
    record_usage(
        Usage(
            tenant_id=acme.id,
            key_id=acme.key.id,
            model="gpt-image-2",
            tier="1K",
            channel="one",
            status="succeeded",
            at=clock.now(),
            images=1,
            captured=Micros(5_880),
            took=None,
        )
    )


def test_a_scheduled_book_is_withdrawn_after_it_was_shown(pages, root, draft, scheduled):
    publish_price_book(book=scheduled, actor="test", now=clock.now())

    asked, done = choose(pages, "withdraw", scheduled)

    words = asked.content.decode()
    assert "Withdraw standard v2, which from 2099-12-01" in words
    assert "0.005880 USD -&gt; 0.058800 USD" in words
    assert "standard v2 is withdrawn, and never takes effect" in done.content.decode()
    assert AuditEvent.objects.get(action="price_book.withdraw").actor == root
    states = {book.version: book.state for book in done.context["cl"].result_list}
    assert states == {1: "current", 2: "withdrawn"}


def test_what_has_begun_is_not_withdrawn_and_the_page_says_why(pages, draft, scheduled):
    _, done = choose(pages, "withdraw", draft)

    assert "standard v1: the book has begun" in done.content.decode()


def test_restoring_says_what_takes_over_later(pages, draft, scheduled):
    publish_price_book(book=scheduled, actor="test", now=clock.now())

    asked, done = choose(pages, "restore", draft)

    assert "standard v2 takes over at 2099-12-01" in asked.content.decode()
    assert "UTC, unless you withdraw it" in done.content.decode()


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"reason": "", "changes": "1"}, "This field is required"),
        ({"reason": "why", "changes": "2"}, "This is not the number of changed prices"),
        ({}, "Reason"),
    ],
)
def test_a_large_change_is_not_published_without_a_reason_and_the_number(
    pages, sold, scheduled, typed, why
):
    _, asked_again = choose(pages, "publish", scheduled, **typed)

    assert why in asked_again.content.decode()
    scheduled.refresh_from_db()
    assert scheduled.published_at is None


def test_a_large_change_is_published_with_both(pages, root, sold, scheduled):
    _, done = choose(pages, "publish", scheduled, reason="the vendor's new list", changes="1")

    assert "standard v2 is published" in done.content.decode()
    event = AuditEvent.objects.get(action="price_book.confirm")
    assert (event.actor, (event.after or {})["reason"]) == (root, "the vendor's new list")


def test_a_price_below_cost_is_shown_and_its_number_typed(pages, scheduled, monkeypatch):
    key = ("gpt-image-2", "1024x1024", "low")
    dear = Served(key, "acme", Cost(Micros(58_801), CostSource.FLAT))
    monkeypatch.setattr(offer, "served", lambda _at: [dear])

    asked, again = choose(pages, "publish", scheduled, reason="why", below_cost="2")
    _, done = choose(pages, "publish", scheduled, reason="why", below_cost="1")

    words = asked.content.decode()
    assert "low: 0.058800 USD, costs 0.058801 USD at acme" in words
    assert "Number of changed prices" not in words
    assert "This is not the number of prices below cost" in again.content.decode()
    assert "standard v2 is published" in done.content.decode()


def test_a_withdrawal_is_confirmed_where_the_next_book_then_changes_far(pages, sold, scheduled):
    between = draft_price_book(
        name="standard",
        rows=[BookRow("gpt-image-2", "1024x1024", "low", Micros(8_000), 1024, 1024)],
        effective_from=clock.now() + timedelta(days=1),
        actor="test",
    )
    publish_price_book(book=between, actor="test", now=clock.now())
    last = draft_price_book(
        name="standard",
        rows=[BookRow("gpt-image-2", "1024x1024", "low", Micros(10_000), 1024, 1024)],
        effective_from=clock.now() + timedelta(days=2),
        actor="test",
    )
    publish_price_book(book=last, actor="test", now=clock.now())

    asked, _ = choose(pages, "withdraw", between)
    _, done = choose(pages, "withdraw", between, reason="a mistake", changes="1")

    assert "0.005880 USD -&gt; 0.010000 USD" in asked.content.decode()
    assert "standard v3 is withdrawn" in done.content.decode()


def test_of_several_books_a_large_change_is_refused_by_name(pages, sold, scheduled):
    harmless = draft_price_book(name="other", effective_from=clock.now(), actor="test")

    _, done = choose(pages, "publish", scheduled, harmless)

    words = done.content.decode()
    assert "standard v2: changed prices: 1;" in words
    assert "other v1 is published" in words
