"""Queries of the pages about money, where everything that they may have to read is there."""

from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoDbBlocker

from billing.models import FIGURES, PriceBook, SoldDay, UsageRollup
from billing.price_stops import Confirmed, Stops
from billing.pricing import BookRow
from billing.selectors import assignment_of, book_in_force, rows_of, stops_of
from billing.services import (
    assign_price_list,
    create_price_list,
    draft_price_book,
    publish_price_book,
    set_prices,
)
from generation.models import Channel, Condition, CostTable
from generation.oversight.alerts.rules import RuleValues, save_rule
from pictor.kit.words import clock
from pictor.kit.words.ids import new_uuid_of
from pictor.kit.words.money import Micros
from tests.making.bills import call, csv_file, matched, row
from tests.making.factories import ORIGIN, PayingCustomer, make_channel
from tests.stack.databases import written_once

MAX_QUERIES = 12
SIZE = "1024x1024"
TOKENS = [[ORIGIN, "tokens", word, "tokens", 40_000_000] for word in ("input_text", "output")]
PAGES = {
    "books of everyone": (
        "/ops/prices/",
        "/ops/prices/?q=list&show=draft",
        "/ops/prices/new/",
        "/ops/prices/current/",
        "/ops/prices/{past}/",
        "/ops/prices/{past}/restore/",
        "/ops/prices/{past}/restore/?withdraw={later}",
        "/ops/prices/{draft}/",
        "/ops/prices/{draft}/?q=low",
        "/ops/prices/{draft}/review/",
        "/ops/prices/{draft}/review/?begins=2100-01-01 00:00 UTC",
        "/ops/prices/{draft}/what-if/",
        "/ops/prices/{later}/withdraw/",
    ),
    "lists": (
        "/ops/prices/{shared_past}/restore/?withdraw={shared_later}",
        "/ops/prices/{shared_draft}/",
        "/ops/prices/{shared_draft}/review/",
        "/ops/prices/{shared_draft}/what-if/",
        "/ops/prices/{shared_later}/withdraw/",
        "/ops/prices/lists/",
        "/ops/prices/lists/{shared}/",
        "/ops/tenants/{other}/prices/list/?list={shared}",
    ),
    "tenants": (
        "/ops/prices/{own_past}/restore/",
        "/ops/prices/{own_draft}/review/",
        "/ops/prices/{own_draft}/what-if/",
        "/ops/prices/{own_later}/withdraw/",
        "/ops/tenants/{acme}/prices/",
        "/ops/tenants/{acme}/prices/list/?list=none",
        "/ops/tenants/{acme}/prices/own/",
    ),
    "models": (
        "/ops/models/",
        "/ops/models/{model}/",
        "/ops/models/{model}/edit/",
        "/ops/models/{model}/copy/",
        "/ops/models/{model}/off/",
        "/ops/models/{model}/end/",
    ),
    "money": (
        "/ops/margin/",
        "/ops/margin/?by=cell&tenant={acme}&channel=one&model={model}",
        "/ops/reconciliation/",
        "/ops/reconciliation/?channel={channel}",
        "/ops/reconciliation/new/",
        "/ops/reconciliation/{bill}/",
        "/ops/reconciliation/{bill}/?list=theirs",
        "/ops/reconciliation/{bill}/take/?all=1",
        "/ops/reconciliation/{bill}/dispute/?all=1",
        "/ops/reconciliation/{bill}/costs/",
        "/ops/alerts/",
        "/ops/alerts/sent/",
        "/ops/alerts/new/",
        "/ops/alerts/{rule}/",
        "/ops/alerts/{rule}/edit/",
    ),
}


def row_of(quality: str, micros: int) -> BookRow:
    return BookRow(ORIGIN, SIZE, quality, Micros(micros), 1024, 1024)


class Books:
    """Four books of an owner, all far from the one before: past, in force, scheduled, a draft."""

    def __init__(self, name: str, rows: list[BookRow], **facts: Any) -> None:
        self._name, self._rows, self._facts = name, rows, facts
        self.past = self._published(2, days=0)
        self.present = self._published(20, days=0)
        self.later = self._published(60, days=1)
        self.draft = self._drafted(1)

    def _drafted(self, times: int) -> PriceBook:
        book = draft_price_book(
            name=self._name,
            rows=self._rows,
            effective_from=clock.now(),
            actor="test",
            **self._facts,
        )
        chosen = [row for row in self._rows if row.size == SIZE and row.model == ORIGIN]
        changed = [row_of(row.quality, row.micros * times) for row in chosen]
        set_prices(book=book, rows=changed, actor="test")
        return book

    def _published(self, times: int, *, days: int) -> PriceBook:
        book, now = self._drafted(times), clock.now()
        book.effective_from = begins = now + timedelta(days=days)
        said = agreed(stops_of(book, now))
        return publish_price_book(book=book, actor="test", now=now, begins=begins, confirmed=said)


def agreed(stops: Stops) -> Confirmed:
    return Confirmed("so", stops.number_of_changes, stops.number_below_cost)


def dear_channel(name: str, customer: PayingCustomer) -> Channel:
    """A channel by tokens with tables now and to come, and a call that came lately."""
    channel = make_channel(name, ORIGIN, "gpt-image-2")
    now = clock.now()
    CostTable.objects.create(channel=channel, rows=TOKENS)
    later = now + timedelta(days=1)
    CostTable.objects.create(channel=channel, rows=TOKENS, effective_from=later)
    lately = new_uuid_of(now - timedelta(minutes=5))
    call(customer, channel, id=lately, input_text_tokens=9, output_tokens=5_000)
    return channel


def sell(customer: PayingCustomer, channel: str) -> None:
    for quality in ("low", "medium", "high"):
        SoldDay.objects.create(
            **dict.fromkeys(FIGURES, 0) | {"images": 9, "captured_micros": 900},
            day=clock.now().date(), tenant_id=customer.id, is_demo=False, model=ORIGIN,
            asked=SIZE, delivered=SIZE, quality=quality, channel=channel,
        )  # fmt: skip
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    UsageRollup.objects.create(
        tenant=customer.tenant, key_id=customer.key.id, model=ORIGIN, channel=channel,
        status="succeeded", hour=hour - timedelta(hours=1), generations=1, captured_micros=900,
    )  # fmt: skip


@pytest.fixture(scope="module")
def ids(sown: None, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, object]]:
    """Books of everyone, of a list and of a tenant; costs by tokens; sales, a bill, a rule."""
    yield from written_once(django_db_blocker, much)


def much() -> dict[str, object]:
    acme, other = PayingCustomer("acme"), PayingCustomer("other")
    channels = [dear_channel(name, acme) for name in ("one", "two")]
    for customer in (acme, other):
        for name in ("one", "two"):
            sell(customer, name)
    standard = book_in_force(None, clock.now())
    assert standard
    shared = create_price_list(name="Resellers", actor="test")
    cells = [row_of(word, 6_000) for word in ("low", "medium", "high")]
    everyones = Books(standard.name, rows_of(standard))
    of_list = Books("resellers", cells, tenant_id=shared.id)
    own = Books("acme", cells, tenant_id=acme.id)
    now = clock.now()
    _, stops = assignment_of(tenant_id=acme.id, former=None, price_list=shared.id, now=now)
    assign_price_list(
        tenant_id=acme.id, price_list=shared, actor="test", now=now, confirmed=agreed(stops)
    )
    bill = matched(channels[0], csv_file(row("a", 0, "0.03"), row("x", 9, "0.05")))
    wishes = RuleValues(name="All", mails=["op@pictor.example"], page="https://pictor.example/")
    rule = save_rule(values=wishes, now=clock.now(), actor="test").rule
    Condition.objects.create(object="one", kind="calls_fail", words="3 of 12", since=clock.now())
    return {
        "past": everyones.past.pk,
        "later": everyones.later.pk,
        "draft": everyones.draft.pk,
        "shared_past": of_list.past.pk,
        "shared_later": of_list.later.pk,
        "shared_draft": of_list.draft.pk,
        "own_past": own.past.pk,
        "own_later": own.later.pk,
        "own_draft": own.draft.pk,
        "shared": shared.pk,
        "acme": acme.tenant.public_id,
        "other": other.tenant.public_id,
        "model": ORIGIN,
        "channel": channels[0].pk,
        "bill": bill.pk,
        "rule": rule.pk,
    }


@pytest.fixture
def looking(owner: Client, ids: dict[str, object]) -> Client:
    """An owner who has looked at a page, so that each process's own copies are there."""
    owner.get("/ops/models/")
    return owner


@pytest.mark.parametrize("group", PAGES)
def test_a_page_takes_few_queries(looking, ids, group, django_assert_max_num_queries):
    for page in PAGES[group]:
        with django_assert_max_num_queries(MAX_QUERIES, info=page):
            answer = looking.get(page.format(**ids))

        assert (page, answer.status_code) == (page, HTTPStatus.OK)
