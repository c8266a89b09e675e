"""Billing: the balance, the ledger with its proof, and the prices in force."""

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import Mail
from billing.models import Transfer
from billing.price_stops import Confirmed
from billing.selectors import book_in_force, rows_of
from billing.selectors.office.balances import (
    available_to,
    balance_alert_of,
    latest_transfers,
    request_transfers,
)
from billing.selectors.office.price_stops import stops_of
from billing.selectors.office.proof import proof_of
from billing.services import Usage, record_usage
from billing.services.office.accounts import adjust, credit
from billing.services.office.alerts import look_at_balances
from billing.services.office.prices import draft_price_book, publish_price_book, withdraw_price_book
from console.parts.entries import folded
from generation.models import Generation
from generation.tenants.services import cancel
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.console.answers import lines_of, words_in, words_of
from tests.console.workspace.conftest import url
from tests.making.factories import PayingCustomer


@pytest.fixture
def moved(acme, delivered):
    """A ledger: 10 USD paid in, 1 taken back, 0.05268 charged and 0.05268 on hold."""
    adjust(tenant_id=acme.id, amount=Micros(-1_000_000), reason="meant 9", actor="test")
    delivered(acme)
    acme.generation()


def test_the_proof_is_added_up_from_the_transfers(acme, sign_in, moved):
    proof = proof_of(acme.id)
    assert (proof.came_in, proof.captured, proof.held) == (9_000_000, 52_680, 52_680)
    assert (proof.available, proof.transfers, proof.adds_up) == (8_894_640, 5, True)

    client = sign_in(acme)
    page = words_of(client.get(url("billing", acme) + "?proof=1"))

    assert "adds up" not in words_of(client.get(url("billing", acme)))
    assert "Your ledger adds up" in page
    assert (
        "$9.00 came in \N{MINUS SIGN} $0.05268 charged = $8.89464 available + $0.05268 on hold"
        in page
    )
    seal = bytes(Transfer.objects.get(tenant=acme.id, seq=5).seal or b"").hex()
    assert (seal != "", seal in page) == (True, True)
    assert "for 1 running request;" in page


def test_the_page_says_where_to_pay_and_by_what_reference(acme, sign_in, settings):
    client = sign_in(acme)
    before = words_of(client.get(url("billing", acme)))

    settings.PAYMENT_DETAILS = "Example Ltd, IBAN XX00 0000"
    page = words_of(client.get(url("billing", acme)))

    assert "The operator of this site adds funds" in before
    assert "Example Ltd, IBAN XX00 0000" in page
    assert f'id="reference" class="font-mono text-xs text-ink">{acme.tenant.public_id}<' in page
    assert '<p-copy class="scripted" for="reference">' in page


def test_a_weeks_charges_are_told_to_the_micro(acme, sign_in):
    record_usage(Usage(
        tenant_id=acme.id, key_id=acme.key.id, model="dall-e-3", tier="base", channel="one",
        status="succeeded", at=clock.now() - timedelta(hours=2), images=1,
        captured=Micros(8_999_999_999_999_000), took=timedelta(seconds=4),
    ))  # fmt: skip

    page = words_of(sign_in(acme).get(url("billing", acme)))

    assert "$8,999,999,999.999<" in page
    assert "under a day at $1,285,714,285.714143 a day" in page


@pytest.mark.parametrize("column", ["available", "held"])
def test_a_balance_that_says_otherwise_is_told(acme, sign_in, moved, column):
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE billing_tenantbalance SET {column} = {column} + 1")  # noqa: S608 - of two words

    assert "do not add up" in words_of(sign_in(acme).get(url("billing", acme) + "?proof=1"))


def test_a_workspace_without_movements_adds_up(sign_in, channel):
    poor = PayingCustomer("poor", balance=0)

    assert proof_of(poor.id).adds_up
    assert "Nothing has been charged yet" in words_of(sign_in(poor).get(url("billing", poor)))


def test_the_ledger_as_csv_can_be_added_up_by_anyone(acme, sign_in, moved, monkeypatch):
    monkeypatch.setattr("console.workspace.money.pages.ROWS_AT_ONCE", 2)

    answer = sign_in(acme).get(url("ledger", acme) + "?format=csv")

    lines = lines_of(answer)
    assert [line["seq"] for line in lines] == ["1", "2", "3", "4", "5"]
    available = held = Decimal(0)
    for line in lines:
        amount = Decimal(line["amount"])
        match line["kind"]:
            case "top_up":
                available += amount
            case "adjustment":
                available -= amount
            case "hold":
                available, held = available - amount, held + amount
            case "capture":
                held -= amount
        assert (Decimal(line["available_after"]), Decimal(line["held_after"])) == (available, held)
        assert len(line["seal"]) == 64


def test_the_ledger_has_pages(acme, sign_in, moved, monkeypatch):
    monkeypatch.setattr("console.workspace.money.pages.PAGE_ROWS", 2)
    client = sign_in(acme)

    first = client.get(url("ledger", acme)).content.decode()
    second = client.get(url("ledger", acme) + "?before=4").content.decode()
    odd = client.get(url("ledger", acme) + "?before=x").content.decode()

    assert "?before=4" in first
    assert "Hold" in second
    assert "meant 9" in second
    assert "?before=4" in odd
    assert [transfer.seq for transfer in latest_transfers(acme.id, before_seq=4, limit=2)] == [3, 2]


def rows_in(answer: Any) -> list[str]:
    """The text of each entry's kind, reason and amount, newest first."""
    rows = re.findall(r'<tr id="entry-\d+">.*?</tr>', words_of(answer))
    cells = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in rows]
    return [words_in(re.sub(r"<a .*?</a>", "", f"{row[2]} {row[3]}")) for row in cells]


def test_debits_have_a_minus_and_amounts_five_decimals(acme, sign_in, moved):
    acme.generation()
    cancel(acme.id, Generation.objects.latest("id").public_id, now=clock.now())

    assert rows_in(sign_in(acme).get(url("ledger", acme))) == [
        "Release $0.05268",
        "Hold -$0.05268",
        "Hold -$0.05268",
        "Charge -$0.05268",
        "Hold -$0.05268",
        "Adjustment meant 9 -$1.00000",
        "Top-up opening balance $10.00000",
    ]


def test_balances_have_two_decimals_and_the_exact_one_in_the_title(acme, sign_in, moved):
    page = words_of(sign_in(acme).get(url("ledger", acme)))

    assert 'data-label="Available after" title="$8.89464">$8.89</td>' in page
    assert 'title="$0.05268">$0.05</td>' in page


def test_a_credit_for_signing_up_says_so_once(acme, sign_in):
    credit(tenant_id=acme.id, amount=Micros(500_000), reason="credit for signing up", actor="test")

    assert rows_in(sign_in(acme).get(url("ledger", acme)))[0] == "Credit for signing up $0.50000"


def test_a_folded_ledger_has_one_entry_a_generation_and_the_same_sum(acme, sign_in, moved):
    acme.generation()
    cancel(acme.id, Generation.objects.latest("id").public_id, now=clock.now())

    page = sign_in(acme).get(url("ledger", acme), {"fold": "1"})

    assert rows_in(page) == [
        "Release Hold $0.05268, release $0.05268 $0.00000",
        "Hold -$0.05268",
        "Charge Hold $0.05268, charge $0.05268 -$0.05268",
        "Adjustment meant 9 -$1.00000",
        "Top-up opening balance $10.00000",
    ]
    assert available_to(acme.id) == 10_000_000 - 1_000_000 - 52_680 - 52_680


def test_a_charge_below_its_hold_is_folded_with_what_was_released(acme, sign_in, delivered):
    delivered(acme, n=2, sizes=((1024, 1024),))

    page = sign_in(acme).get(url("ledger", acme), {"fold": "1"})

    assert rows_in(page)[0] == "Charge Hold $0.10536, charge $0.05268, release $0.05268 -$0.05268"


def pages_from(client: Client, page: str, query: str) -> Iterator[str]:
    """Yield the words of a page of the ledger and of those after it."""
    while query:
        yield (words := words_of(client.get(page + query)))
        query = unescape("".join(re.findall(r'href="(\?before=[^"]+)"[^>]* rel="next"', words)))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_each_generation_is_on_one_page_of_a_folded_ledger(
    acme, sign_in, delivered, monkeypatch, size
):
    monkeypatch.setattr("console.workspace.money.pages.PAGE_ROWS", size)
    first, second = delivered(acme), delivered(acme)

    words = "".join(pages_from(sign_in(acme), url("ledger", acme), "?fold=1"))

    assert re.findall(r'/generations/(gen_\w+)/"', words) == [second.public_id, first.public_id]


def test_a_generation_that_ends_while_a_folded_page_is_read_stays_on_it(acme):
    made = acme.generation()
    moves = latest_transfers(acme.id, limit=2)
    cancel(acme.id, made.public_id, now=clock.now())

    entries = folded(moves, request_transfers(acme.id, moves, up_to=moves[0].seq))

    assert [entry.kind for entry in entries] == ["Hold", "Top-up"]


def test_own_and_scheduled_prices_are_shown(acme, sign_in):
    now = clock.now()
    rows = rows_of(book_in_force(None, now))
    for start, markup in ((now, "2"), (now + timedelta(days=3), "3")):
        book = draft_price_book(
            name="acme", rows=rows, effective_from=start, markup=Decimal(markup),
            tenant_id=acme.id, actor="test",
        )  # fmt: skip
        said = Confirmed("for them", below_cost=stops_of(book, now).number_below_cost)
        publish_price_book(book=book, actor="test", now=now, confirmed=said)

    page = words_of(sign_in(acme).get(url("prices", acme)))

    assert "$0.10536" in page  # 0.05268 twice
    assert "Prices change on" in page
    now_shown, to_come = page.split('id="from-1"')
    assert ("$0.10536" in now_shown, "$0.15804" in now_shown) == (True, False)
    assert ("$0.10536" in to_come, "$0.15804" in to_come) == (False, True)
    assert "price list acme, version 1" in page
    assert Transfer.objects.count() == 1


def test_a_withdrawn_change_of_own_prices_is_told(acme, sign_in):
    now = clock.now()
    book = draft_price_book(
        name="acme", rows=rows_of(book_in_force(None, now)), tenant_id=acme.id,
        effective_from=now + timedelta(days=3), markup=Decimal(3), actor="test",
    )  # fmt: skip
    said = Confirmed("for them", below_cost=stops_of(book, now).number_below_cost)
    publish_price_book(book=book, actor="test", now=now, confirmed=said)
    withdraw_price_book(book=book, actor="test")

    page = words_of(sign_in(acme).get(url("prices", acme)))

    assert "The change of prices announced for" in page
    assert "Prices change on" not in page


def test_an_alert_is_set_and_its_mail_leads_to_the_page(acme, sign_in):
    client = sign_in(acme, "billing")

    answer = client.post(url("billing_alert", acme), {"below": "$10.01", "below_days": ""})

    assert answer.status_code == 302
    assert look_at_balances(now=clock.now()) == 1
    mail = Mail.objects.get(to="billing@acme.example")
    assert mail.subject == "acme has $10.00 left"
    assert f"http://testserver{url('billing', acme)}" in mail.text
    assert "The balance is low" in words_of(client.get(url("overview", acme)))


@pytest.mark.parametrize("form", [{"below": "0"}, {"below": "much"}, {"below_days": "0"}])
def test_an_alert_that_cannot_be_is_refused(acme, sign_in, form):
    answer = sign_in(acme).post(url("billing_alert", acme), form)

    assert answer.status_code == 422
    assert balance_alert_of(acme.id) is None
