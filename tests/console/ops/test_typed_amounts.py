"""Amounts and factors that nobody means, on every form about money: refused, never an error."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from io import StringIO
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client

from billing.models import Price, PriceBook
from billing.price_rows import BookRow
from billing.selectors import book_in_force, rows_of
from billing.services.office.accounts import credit
from billing.services.office.prices import (
    change_price_book,
    draft_price_book,
    publish_price_book,
    set_prices,
)
from generation.models import CostTable
from pictor.kit.words import clock
from pictor.kit.words.errors import InsufficientQuota
from pictor.kit.words.money import MAX_MICROS, Micros
from tests.console.answers import words_of
from tests.console.ops.acting import seen_in
from tests.console.ops.channel_pages import FORM, ROUTE, text_of
from tests.making.bills import call, csv_file, matched, row
from tests.making.factories import ORIGIN, PayingCustomer, make_channel

pytestmark = pytest.mark.usefixtures("sown")

TEXTS = (
    *("1e18", "9" * 20, "9" * 40, "9000000000", "9000000000.000001", "100", "0.000001"),
    *("0.0000001", f"1.{'0' * 33}1", "-1", "-9000000000", "0", "NaN", "-Infinity", "1_0", "\u0663"),
)
"""Typed texts; some are amounts or factors."""
LOW = f"price {ORIGIN} 1024x1024 low"
CSV = "model,size,quality,usd\n"
FORMS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/ops/prices/{draft}/change/", {LOW: "{}"}),
    ("/ops/prices/{draft}/change/", {"how": "by", "number": "{}", "which": "book"}),
    ("/ops/prices/{draft}/change/", {"how": "cost-times", "number": "{}", "which": "book"}),
    ("/ops/prices/{draft}/change/", {"how": "round-up", "number": "{}", "which": "book"}),
    ("/ops/prices/{draft}/markup/", {"markup": "{}"}),
    ("/ops/prices/new/", {"name": "new", "rows": f"{CSV}m,64x64,low,{{}}\n", "markup": "100"}),
    ("/ops/prices/new/", {"name": "new", "rows": f"{CSV}m,64x64,low,9\n", "markup": "{}"}),
    ("/ops/prices/{draft}/publish/", {"reason": "so", "changes": "{}", "below_cost": "{}"}),
    ("/ops/tenants/{acme}/prices/own/", {"model": ORIGIN, f"{ORIGIN} 1024x1024 low": "{}"}),
    ("/ops/do/tenant.top_up/{acme}/", {"amount": "{}", "confirm": "{}"}),
    ("/ops/do/tenant.credit/{acme}/", {"amount": "{}", "confirm": "{}"}),
    ("/ops/do/tenant.adjustment/{acme}/", {"amount": "{}"}),
    ("/ops/do/tenant.reversal/{acme}/", {"amount": "{}", "seq": "{}"}),
    ("/ops/do/tenant.limits/{acme}/", {"name": "acme", "uncharged_ceiling": "{}"}),
    ("/ops/do/tenant.create/", {"name": "new", "owner": "a@b.example", "credit": "{}"}),
    ("/ops/channels/{channel}/costs/", {"rows": f"{CSV}m,any,any,{{}}\n", "again": "{}"}),
    ("/ops/channels/{channel}/costs/", {"other": "{channel}", "factor": "{}", "write": "1"}),
    ("/ops/channels/new/", {**FORM, f"{ROUTE}cost": "{}", "cost_again": "{}"}),
    ("/ops/do/generation.refund/{made}/", {"amount": "{}"}),
    ("/ops/do/generation.credit/{made}/", {"amount": "{}"}),
    ("/ops/do/outage.credit/", {"each": "{}", "confirm": "{}"}),
    ("/ops/alerts/new/", {"name": "A", "least": "{}", "least_minutes": "{}", "repeat_hours": "{}"}),
    ("/ops/do/bill.take/{bill}/", {"line": "{lines}", "confirm": "{}"}),
)
ANSWERS = {200, 303, 422}


@pytest.fixture
def draft() -> PriceBook:
    """A draft of everyone's prices."""
    return draft_price_book(name="list", effective_from=clock.now(), actor="test")


@pytest.fixture
def ids(draft: PriceBook) -> dict[str, object]:
    """One of everything that a form about money is for."""
    channel, acme = make_channel(cost_micros=30_000), PayingCustomer("acme")
    CostTable.objects.create(channel=channel, rows=[[ORIGIN, "any", "any", "fixed", 30_000]])
    call(acme, channel, request_id="a")
    call(acme, channel, request_id="b", after=60)
    bill = matched(channel, csv_file(row("a", 0, "0.05"), row("b", 60, "0.05")))
    return {
        "draft": draft.pk,
        "acme": acme.tenant.public_id,
        "channel": channel.pk,
        "made": acme.generation().public_id,
        "bill": bill.pk,
        "lines": list(bill.lines.values_list("pk", flat=True)),
    }


def sent(owner: Client, path: str, form: dict[str, str], text: str, ids: dict[str, object]) -> Any:
    said: dict[str, Any] = {"once": str(uuid4()), "note": "x", "reason": "x"}
    for name, value in form.items():
        named = {"{channel}": "channel", "{lines}": "lines"}.get(value)
        said[name] = ids[named] if named else value.replace("{}", text)
    answer = owner.post(path.format(**ids), said)
    seen = seen_in(answer) if path.startswith("/ops/do/") else ""
    return owner.post(path.format(**ids), {**said, "seen": seen}) if seen else answer


@pytest.mark.parametrize(("path", "form"), FORMS)
def test_no_typed_amount_is_an_error_of_ours(owner, ids, path, form):
    statuses = {text: sent(owner, path, form, text, ids).status_code for text in TEXTS}

    assert set(statuses.values()) <= ANSWERS


DEAR = "With the markup 100 more than nine billion USD would be charged for: "


def test_a_price_that_its_markup_makes_too_dear_is_refused_where_it_is_typed(owner, draft):
    facts = {"effective_from": draft.effective_from, "tenant_id": None, "actor": "test"}
    change_price_book(book=draft, markup=Decimal(100), **facts)
    address = f"/ops/prices/{draft.pk}/change/"

    typed = owner.post(address, {LOW: "90000000.01", "model": ORIGIN})
    highest = owner.post(address, {LOW: "90000000"})

    assert (typed.status_code, highest.status_code) == (422, 200)
    assert f"{DEAR}{ORIGIN} 1024x1024 low." in text_of(typed)
    assert 'value="90000000.01"' in typed.content.decode()


def test_a_markup_that_makes_a_price_too_dear_is_refused_and_stays_typed(owner, draft):
    set_prices(
        book=draft,
        rows=[BookRow("m", "64x64", "low", Micros(90_000_000_010_000), 64, 64)],
        actor="test",
    )

    refused = owner.post(f"/ops/prices/{draft.pk}/markup/", {"markup": "100"})
    taken = owner.post(f"/ops/prices/{draft.pk}/markup/", {"markup": "99.9999"})

    assert (refused.status_code, taken.status_code) == (422, 303)
    assert f"{DEAR}m 64x64 low." in text_of(refused)
    assert 'name="markup" value="100"' in words_of(refused)


def test_a_file_of_prices_that_its_markup_makes_too_dear_is_no_draft(owner):
    rows = f"{CSV}m,64x64,low,90000000.01\n"

    answer = owner.post("/ops/prices/new/", {"name": "new", "rows": rows, "markup": "100"})

    assert (answer.status_code, DEAR in text_of(answer)) == (422, True)
    assert not PriceBook.objects.filter(name="new").exists()


def test_a_draft_of_an_earlier_release_is_too_dear_to_be_published(owner, draft):
    PriceBook.objects.filter(pk=draft.pk).update(markup=Decimal(9999))
    Price.objects.filter(book=draft, model=ORIGIN, quality="low").update(micros=MAX_MICROS)

    review = text_of(owner.get(f"/ops/prices/{draft.pk}/review/"))

    assert "The book charges more than nine billion USD for: " in review
    with pytest.raises(ValidationError, match="more than nine billion USD"):
        publish_price_book(book=draft, actor="test", now=clock.now())


def test_the_highest_price_is_quoted_and_not_paid():
    rows = rows_of(book_in_force(None, clock.now()))
    dear = [replace(row, micros=Micros(MAX_MICROS)) if row.kind == "fixed" else row for row in rows]
    book = draft_price_book(name="list", rows=dear, effective_from=clock.now(), actor="test")
    publish_price_book(book=book, actor="test", now=clock.now())

    make_channel()

    with pytest.raises(InsufficientQuota):
        PayingCustomer("acme").submit(n=10)


def test_nobody_gets_more_than_can_be_counted(owner):
    acme = PayingCustomer("acme").tenant
    credit(tenant_id=acme.id, amount=Micros(MAX_MICROS // 2), reason="x", actor="test")

    form = {"once": str(uuid4()), "amount": "9000000000", "note": "x"}
    answer = owner.post(f"/ops/do/tenant.credit/{acme.public_id}/", form)

    assert answer.status_code == 422
    assert "he tenant would have more than nine billion USD" in text_of(answer)


COMMANDS = (
    *(("price", "change", "list:2", f"--{how}={{}}") for how in ("by", "cost-times", "round-up")),
    ("price", "change", "list:2", "--to={}"),
    ("price", "markup", "list:2", "--", "{}"),
    ("price", "publish", "list:2", "--yes", "--reason=x", "--changes={}", "--below-cost={}"),
    ("price", "publish", "list:{}"),
    *(("tenant", what, "acme", "--", "{}") for what in ("top-up", "credit")),
    *(
        ("do", f"tenant.{what}", "acme", "--amount={}", "--confirm={}", "--yes", *why)
        for what, *why in (("adjustment", "--note=x"), ("reversal", "--note=x", "--seq=1"))
    ),
    ("tenant", "create", "new", "--balance={}"),
    ("do", "tenant.limits", "acme", "--uncharged-ceiling={}"),
    ("channel", "set", "one", "--cost={}", "--again={}", "--yes"),
    ("channel", "cost", "copy", "one", "one", "--factor={}"),
)


@pytest.mark.parametrize("words", COMMANDS)
def test_no_amount_at_the_shell_ends_in_a_traceback(draft, monkeypatch, words):
    channel, _ = make_channel(cost_micros=30_000), PayingCustomer("acme")
    CostTable.objects.create(channel=channel, rows=[[ORIGIN, "any", "any", "fixed", 30_000]])

    errors = {text: error_of([word.replace("{}", text) for word in words]) for text in TEXTS}

    assert errors["NaN"]


def error_of(words: Sequence[str]) -> str:
    """Run a command, answering yes; return its error, "" if it did what it was told."""
    out = StringIO()
    with mock.patch("sys.stdin", StringIO("y\n" * 9)):
        try:
            call_command(*words, stdout=out, stderr=out)
        except CommandError as error:
            return str(error)
    return ""
