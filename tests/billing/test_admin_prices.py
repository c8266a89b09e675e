"""Price books in the admin: read-only, in dollars; decisions are made at /ops/prices/."""

import pytest
from django.urls import reverse

from billing.models import PriceBook

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]


def test_prices_are_shown_in_dollars_and_with_what_the_book_is(pages, draft):
    page = reverse("admin:billing_pricebook_change", args=[draft.id])

    shown = pages.get(page).content.decode()
    listed = pages.get(reverse("admin:billing_pricebook_changelist")).content.decode()

    assert "0.005880" in shown
    assert "draft" in listed


def test_nothing_is_added_changed_or_deleted_there(pages, draft):
    pages.post(reverse("admin:billing_pricebook_add"), {"name": "other"})
    pages.post(reverse("admin:billing_pricebook_change", args=[draft.id]), {"markup": "2"})
    pages.post(reverse("admin:billing_pricebook_delete", args=[draft.id]), {"post": "yes"})
    pages.post(
        reverse("admin:billing_pricebook_changelist"),
        {"action": "delete_selected", "_selected_action": [draft.id], "post": "yes"},
    )

    book = PriceBook.objects.get()
    assert (book.name, str(book.markup.normalize())) == ("standard", "1")
    assert book.prices.get().micros == 5_880
