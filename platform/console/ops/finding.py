"""Find pages, tenants, channels, prices, or the trace of an id; Ctrl K searches here."""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.selectors.office.tenants import tenants_called
from billing.selectors import price_books_like
from billing.selectors.office.price_lists import price_lists_like
from console.ops.access import Operator, Permission, rendered, staff
from console.parts.filters import MAX_TEXT
from console.parts.periods import number_of
from console.parts.places import Place
from generation.selectors import channels_like

SHOWN = 8
"""Number of tenants, of channels, of price lists and of price books."""
_ID = re.compile(r"(req|gen|img|key|ten)_|\S+@|\d+$|[0-9a-f-]{32,}$", re.IGNORECASE)
"""Openings of ids, e-mail addresses and transfer numbers: for these the trace comes first."""


@staff(Permission.SEE)
def find(request: HttpRequest, operator: Operator) -> HttpResponse:
    """Show everything found by that text; with `go`, redirect to the first result."""
    text = request.GET.get("q", "").replace("\0", "").strip()[:MAX_TEXT]
    places = _matching_places(operator, text)
    if "go" in request.GET and places and not request.headers.get("HX-Request"):
        return redirect(places[0].url)
    return rendered(request, operator, "ops/find.html", {"text": text, "found": places})


def _matching_places(operator: Operator, text: str) -> Sequence[Place]:
    """Return pages, tenants, channels and prices; the trace comes last, but first for an id."""
    if not text:
        return operator.places
    word = text.casefold()
    pages = (place for place in operator.places if word in place.title.casefold())
    named = [*pages, *_named(text)]
    url = f"{reverse('ops:requests')}?{urlencode({'q': text})}"
    became = Place(f"Trace of “{text}”", url)
    return [became, *named] if _ID.match(text) else [*named, became]


def _named(text: str) -> Iterator[Place]:
    """Find what has such a name, the latest version of a price book first; `list:2` finds one."""
    for tenant in tenants_called(text, limit=SHOWN):
        yield Place(tenant.name, reverse("ops:tenant", args=[tenant.public_id]), note="tenant")
    for channel in channels_like(text, limit=SHOWN):
        yield Place(channel.name, reverse("ops:channel", args=[channel.pk]), note="channel")
    for shared in price_lists_like(text, limit=SHOWN):
        yield Place(shared.name, reverse("ops:price_list", args=[shared.id]), note="price list")
    version = number_of(text.rpartition(":")[2])
    for book in price_books_like(text, version=version, limit=SHOWN):
        yield Place(book.known_as, reverse("ops:price_book", args=[book.pk]), note="price book")
