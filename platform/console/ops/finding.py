"""Find pages, tenants, channels, prices, or the trace of an id; Ctrl K searches here."""

import re
from collections.abc import Sequence
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.selectors.office.tenants import tenants_called
from billing.selectors import price_books_like
from billing.selectors.office.price_lists import price_lists_like
from console.ops.access import Operator, Permission, staff
from console.parts.filters import MAX_TEXT
from console.parts.periods import number_of
from console.parts.places import Place
from generation.selectors import channels_like

SHOWN_CHANNELS = 8
SHOWN_TENANTS = 8
SHOWN_PRICES = 8
_ID = re.compile(r"(req|gen|img|key|ten)_|\S+@|\d+$|[0-9a-f-]{32,}$", re.IGNORECASE)
"""Openings of ids, e-mail addresses and transfer numbers: for these the trace comes first."""


@staff(Permission.SEE)
@require_safe
def find(request: HttpRequest, operator: Operator) -> HttpResponse:
    """Show everything found by that text; with `go`, redirect to the first result."""
    text = request.GET.get("q", "").replace("\0", "").strip()[:MAX_TEXT]
    places = _matching_places(operator, text)
    if "go" in request.GET and places and not request.headers.get("HX-Request"):
        return redirect(places[0].url)
    return render(request, "ops/find.html", {"operator": operator, "text": text, "found": places})


def _matching_places(operator: Operator, text: str) -> Sequence[Place]:
    """Return pages, tenants, channels and prices; the trace comes last, but first for an id."""
    if not text:
        return operator.places
    word = text.casefold()
    pages = (place for place in operator.places if word in place.title.casefold())
    named = [*pages, *_tenants(text), *_channels(text), *_lists(text), *_books(text)]
    url = f"{reverse('ops:requests')}?{urlencode({'q': text})}"
    became = Place(f"Trace of “{text}”", url)
    return [became, *named] if _ID.match(text) else [*named, became]


def _tenants(text: str) -> list[Place]:
    return [
        Place(tenant.name, reverse("ops:tenant", args=[tenant.public_id]), note="tenant")
        for tenant in tenants_called(text, limit=SHOWN_TENANTS)
    ]


def _channels(text: str) -> list[Place]:
    return [
        Place(channel.name, reverse("ops:channel", args=[channel.pk]), note="channel")
        for channel in channels_like(text, limit=SHOWN_CHANNELS)
    ]


def _lists(text: str) -> list[Place]:
    return [
        Place(price_list.name, reverse("ops:price_list", args=[price_list.id]), note="price list")
        for price_list in price_lists_like(text, limit=SHOWN_PRICES)
    ]


def _books(text: str) -> list[Place]:
    """Find price books by name, the latest version first; `list:2` finds one version."""
    version = number_of(text.rpartition(":")[2])
    books = price_books_like(text, version=version, limit=SHOWN_PRICES)
    return [
        Place(book.known_as, reverse("ops:price_book", args=[book.pk]), note="price book")
        for book in books
    ]
