"""Prices of everyone, of a list and of a tenant, costs, sales, a bill and a rule: all at once."""

from datetime import timedelta
from typing import Any

from billing.models import FIGURES, PriceBook, SoldDay, UsageRollup
from billing.price_rows import BookRow
from billing.price_stops import Confirmed, Stops
from billing.selectors import book_in_force, rows_of
from billing.selectors.office.price_stops import assignment_of, stops_of
from billing.services.office.price_lists import assign_price_list, create_price_list
from billing.services.office.prices import draft_price_book, publish_price_book, set_prices
from generation.models import Channel, Condition, CostTable
from generation.oversight.alerts.rules import RuleValues, save_rule
from pictor.kit.words import clock
from pictor.kit.words.ids import new_uuid_of
from pictor.kit.words.money import Micros
from tests.making.bills import call, csv_file, matched, row
from tests.making.factories import ORIGIN, PayingCustomer, make_channel

SIZE = "1024x1024"
TOKENS = [[ORIGIN, "tokens", word, "tokens", 40_000_000] for word in ("input_text", "output")]


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
