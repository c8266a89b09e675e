"""Price books for tests of price pages, and short ways to read those pages."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from accounts.models import Tenant
from accounts.services.office.tenants import create_tenant
from billing.models import FIGURES, PriceBook, SoldDay
from billing.selectors import book_in_force, rows_of
from billing.services.office.prices import draft_price_book
from pictor.kit.words import clock

LIST = "/ops/prices/"
ORIGIN, SIZE = "gpt-image-2-origin", "1024x1024"
LOW = f"{ORIGIN} {SIZE} low"


@pytest.fixture(autouse=True)
def offer(sown: None) -> None:
    """Contracts and prices."""


@pytest.fixture
def first() -> PriceBook:
    """Everyone's book that is in force."""
    book = book_in_force(None, clock.now())
    assert book is not None
    return book


@pytest.fixture
def draft(first: PriceBook) -> PriceBook:
    """A draft copied from it."""
    return draft_price_book(
        name=first.name, effective_from=clock.now() - timedelta(seconds=1), actor="test"
    )


def of(book: PriceBook, *rest: str) -> str:
    return f"{LIST}{book.pk}/{'/'.join(rest)}{'/' if rest else ''}"


def price_of(book: PriceBook, key: str = LOW) -> int:
    return {" ".join(row.key): row.micros for row in rows_of(book)}[key]


def hidden_in(answer: Any) -> dict[str, str]:
    """Return the hidden fields of a page's form."""
    found = re.findall(
        r'<input type="hidden" name="([^"]+)" value="([^"]*)"', answer.content.decode()
    )
    return {
        unescape(name): unescape(value) for name, value in found if name != "csrfmiddlewaretoken"
    }


def saved(owner: Client, book: PriceBook, **said: Any) -> Any:
    """Post a change, look at it and save it; return the answer."""
    seen = re.search(
        r'name="seen" value="(\w+)"', owner.post(of(book, "change"), said).content.decode()
    )
    return owner.post(of(book, "change"), {**said, "seen": seen[1] if seen else ""})


def published(owner: Client, book: PriceBook, **said: str) -> Any:
    """Review and publish a draft; return the answer."""
    page = owner.get(of(book, "review"), {"begins": said.get("begins", "")})
    return owner.post(of(book, "publish"), hidden_in(page) | said)


def sold(*, size: str = SIZE, quality: str = "low", days_ago: int = 0, **facts: Any) -> None:
    """Images sold to a tenant."""
    tenant = facts.pop("tenant", None) or Tenant.objects.first()
    tenant = tenant or create_tenant(name="acme", actor="test")
    SoldDay.objects.create(
        day=clock.now().date() - timedelta(days=days_ago),
        tenant_id=tenant.id,
        model=ORIGIN,
        asked=size,
        delivered=size,
        quality=quality,
        channel=facts.pop("channel", "acme"),
        is_demo=facts.pop("is_demo", False),
        **dict.fromkeys(FIGURES, 0) | facts,
    )
