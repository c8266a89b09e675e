"""Refunds, credits, cancelling, failing and ringing again, by the roles that may."""

from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client

from billing.models import Transfer
from billing.selectors.office.balances import available_to
from billing.services.office import moves
from billing.services.office.accounts import reverse
from generation.lifecycle import notify
from generation.models import Generation
from generation.oversight.inspection import describe
from pictor.kit.words.ids import new_uuid
from pictor.kit.words.money import Micros
from tests.console.answers import said_by, words_of
from tests.console.ops.acting import act_page, do
from tests.console.workspace.conftest import signed_in, url

WHY = {"note": "too dark, they are right", "words": "Sorry for the dark image"}


def page_of(made: Generation, action: str = "") -> str:
    return f"/ops/generations/{made.public_id}/{action}"


def send(client: Client, made: Generation, action: str, **typed: Any) -> Any:
    return do(client, f"generation.{action}", made.public_id, **{**WHY, **typed})


def act_of(made: Generation, action: str) -> str:
    return act_page(f"generation.{action}", made.public_id)


def moved(kind: str) -> list[int]:
    return list(Transfer.objects.filter(kind=kind).order_by("id").values_list("amount", flat=True))


def test_a_refund_says_what_it_does_and_stands_in_the_customers_ledger(sign_in, acme, delivered):
    made, finance = delivered(acme), sign_in("finance")
    form = finance.get(act_of(made, "refund"))
    assert 'value="0.05268"' in words_of(form)
    assert "acme $9.94732 → to $10.00 Margin $0.02268 → to -$0.03" in said_by(form)
    part = said_by(finance.get(act_of(made, "refund"), {"amount": "0.02"}))
    assert "acme $9.94732 → to $9.96732 Margin $0.02268 → to $0.00268" in part

    answer = send(finance, made, "refund", amount="$0.02")

    assert (answer.status_code, answer["Location"]) == (HTTPStatus.SEE_OTHER, page_of(made))
    shown = words_of(finance.get(page_of(made)))
    assert "$0.02 refunded: acme $9.94732 → $9.96732" in shown
    assert "Note: too dark, they are right" in shown
    ledger = words_of(signed_in(acme).get(url("ledger", acme)))
    assert "Sorry for the dark image" in ledger
    assert "they are right" not in ledger


def test_a_refund_beyond_a_persons_day_is_said_to_wait_before_and_once_it_is_sent(
    owner, sign_in, acme, delivered, settings
):
    settings.MONEY_ALONE_A_DAY = Micros(50_000)
    made, finance = delivered(acme), sign_in("finance")
    send(finance, made, "refund", amount="0.04")

    before = words_of(finance.get(act_of(made, "refund"), {"amount": "0.0123"}))
    answer = send(finance, made, "refund", amount="0.0123")

    said = "$0.0523 of $0.05 a day: waits for a second person"
    assert said in before
    assert f"Asked for $0.0123. {said}" in words_of(finance.get(answer["Location"]))
    assert moved("refund") == [40_000]


def test_a_form_sent_again_with_another_amount_is_refused_in_a_sentence(owner, acme, delivered):
    made, once = delivered(acme), new_uuid()
    send(owner, made, "refund", amount="0.02", once=once)

    page = words_of(send(owner, made, "refund", amount="0.01", once=once))

    assert ">This form was sent before with other values. Open it again.<" in page
    assert moved("refund") == [20_000]


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ({"amount": "0.06"}, "Only $0.05268 of it is charged and not refunded"),
        ({"amount": "0"}, ">Type an amount above 0.<"),
        ({"amount": "-1"}, ">Type an amount above 0.<"),
        ({"amount": "a lot"}, "is not an amount: type dollars, such as 12.50"),
        ({"amount": ""}, "Type an amount in dollars"),
        ({"amount": "9" * 30}, "is too large: type dollars, such as 12.50"),
        ({"amount": "1000.01"}, "where it is typed twice"),
        ({"amount": "0.01", "note": " "}, "This field is required."),
        ({"amount": "0.01", "note": "x" * 201}, "at most 200 characters"),
        ({"amount": "0.01", "words": "a\0b"}, "Null characters are not allowed."),
        ({"amount": "0.01", "once": "1"}, "Open this form again"),
    ],
)
def test_a_mistyped_refund_moves_nothing_and_is_explained(owner, acme, delivered, typed, complaint):
    answer = send(owner, delivered(acme), "refund", **typed)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert complaint in words_of(answer)
    assert moved("refund") == []


def test_a_refund_of_more_than_the_charge_shows_no_effect(owner, acme, delivered):
    page = said_by(send(owner, delivered(acme), "refund", amount="99"))

    assert "Only $0.05268 of it is charged and not refunded" in page
    assert "to $108.94732" not in page


def test_a_part_beyond_what_is_left_is_refused_before_it_is_reviewed(owner, acme, delivered):
    made = delivered(acme)
    first, once = act_of(made, "refund"), str(new_uuid())
    send(owner, made, "refund", amount="0.04", once=once)

    page = said_by(owner.post(first, {**WHY, "amount": "0.02", "once": str(new_uuid())}))
    again = send(owner, made, "refund", amount="0.04", once=once)

    assert "Only $0.01268 of it is charged and not refunded" in page
    assert "Check it" not in page
    assert again.status_code == HTTPStatus.SEE_OTHER
    assert moved("refund") == [40_000]


def test_support_refunds_and_credits_so_much_a_day(sign_in, acme, delivered, failed, monkeypatch):
    monkeypatch.setattr(moves, "MAX_SUPPORT_GIFTS_PER_DAY", Micros(60_000))
    first, second, support = delivered(acme), failed(acme), sign_in("support")
    assert "You may give $0.06 a day." in words_of(support.get(act_of(first, "refund")))
    send(support, first, "refund", amount="0.05")

    answer = send(support, second, "credit", amount="0.02")

    assert "You may give $0.06 a day, and this would bring it to $0.07" in words_of(answer)
    assert (moved("refund"), moved("credit")) == ([50_000], [])
    send(sign_in("finance"), second, "credit", amount="0.02")
    assert moved("credit") == [20_000]


def test_support_may_give_20_dollars_a_day_and_finance_any_amount(sign_in, acme, delivered):
    made = delivered(acme)

    assert "You may give $20.00 a day." in words_of(sign_in("support").get(act_of(made, "refund")))
    assert "a day." not in words_of(sign_in("finance").get(act_of(made, "refund")))


def test_a_failure_is_credited_and_the_customers_ledger_names_it(sign_in, acme, failed):
    made, finance = failed(acme), sign_in("finance")
    form = finance.get(act_of(made, "credit"))
    assert 'value="0.05268"' in words_of(form)
    assert "acme $10.00 → to $10.05268 Margin -$0.03 → to -$0.08268" in said_by(form)

    send(finance, made, "credit", amount="0.05268")

    assert available_to(acme.id) == 10_052_680
    page = words_of(finance.get(page_of(made)))
    assert "Credited for it</dt><dd>$0.05268" in page
    assert "-$0.08268" in page.partition("<dt>Margin</dt>")[2].partition("</div>")[0]
    assert "was already credited for it" in words_of(finance.get(act_of(made, "credit")))
    ledger = words_of(signed_in(acme).get(url("ledger", acme)))
    assert url("generation", acme, made.public_id) in ledger


def test_a_credit_that_was_taken_back_is_none(sign_in, acme, failed):
    made, finance = failed(acme), sign_in("finance")
    send(finance, made, "credit", amount="0.05268")
    given = Transfer.objects.get(kind="credit", generation_id=made.id)
    assert given.seq

    reverse(tenant_id=acme.id, seq=given.seq, reason="another's", actor="test")

    page = words_of(finance.get(page_of(made)))
    assert "Credited for it" not in page
    assert "-$0.03" in page.partition("<dt>Margin</dt>")[2].partition("</div>")[0]
    assert "was already credited for it" not in words_of(finance.get(act_of(made, "credit")))
    assert describe(made)["generation"]["margin"] == "-0.030000"


def test_charges_are_refunded_and_failures_are_credited(owner, acme, delivered, failed):
    good, bad, test = delivered(acme), failed(acme), acme.tester().generation()
    do(owner, "generation.cancel", test.public_id, reason="a test")

    assert "It has no charge left" in words_of(owner.get(act_of(bad, "refund")))
    assert "Only a generation that failed" in words_of(owner.get(act_of(good, "credit")))
    assert "Only a generation that failed" in words_of(owner.get(act_of(test, "credit")))
    refused = send(owner, good, "credit", amount="0.01")
    assert "others are refunded" in words_of(refused)
    assert moved("credit") == []
    shown = words_of(owner.get(page_of(good)))
    assert act_of(good, "refund") in shown
    assert act_of(good, "credit") not in shown
    assert act_of(bad, "credit") in words_of(owner.get(page_of(bad)))


def test_a_waiting_generation_is_canceled(sign_in, acme):
    made, operator = acme.generation(), sign_in("operator")
    assert "Releases $0.05268" in words_of(operator.get(act_of(made, "cancel")))

    answer = do(operator, "generation.cancel", made.public_id, reason="they asked", follow=True)

    made.refresh_from_db()
    assert (made.state, acme.money) == ("canceled", (10_000_000, 0))
    assert "Canceled: $0.05268 released" in words_of(answer)
    assert "they asked" in words_of(answer)
    again = do(operator, "generation.cancel", made.public_id, reason="they asked")
    assert again.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "It has been started, or has ended" in words_of(again)


def test_a_running_generation_is_failed_and_the_vendor_that_may_bill_is_named(
    sign_in, acme, running
):
    made, operator = running(acme), sign_in("operator")
    assert "only End as failed ends what runs" in words_of(operator.get(act_of(made, "cancel")))
    form = words_of(operator.get(act_of(made, "fail")))
    assert "Releases $0.05268; acme-openai may still bill $0.03" in form

    answer = do(operator, "generation.fail", made.public_id, reason="stuck", follow=True)

    said = "Ended as failed: $0.05268 released; acme-openai may still bill $0.03"
    assert said in words_of(answer)
    assert "It has ended" in words_of(operator.get(act_of(made, "fail")))
    assert do(operator, "generation.fail", made.public_id, reason=" ").status_code == 422


def test_a_waiting_generation_is_rung_for_again(sign_in, acme, running, monkeypatch):
    rung: list[notify.Ring] = []

    def ring(bell: notify.Ring) -> bool:
        rung.append(bell)
        return True

    waits, runs, operator = acme.generation(), running(acme), sign_in("operator")
    monkeypatch.setattr(notify, "ring", ring)

    told = operator.post(act_of(waits, "ring"), follow=True)
    refused = operator.post(act_of(runs, "ring"), follow=True)

    assert "Rung again: an image worker was notified" in words_of(told)
    assert rung == [notify.Ring.of(waits)]
    assert "It is no longer queued" in words_of(refused)
    monkeypatch.setattr(notify, "ring", lambda _: False)
    assert "The broker did not take" in words_of(operator.post(act_of(waits, "ring"), follow=True))


@pytest.mark.parametrize(
    ("role", "actions"),
    [
        ("support", {"refund", "credit"}),
        ("finance", {"refund", "credit"}),
        ("operator", {"cancel", "fail"}),
        ("owner", {"refund", "credit", "cancel", "fail"}),
    ],
)
def test_a_role_is_offered_what_it_may_do_and_no_more(sign_in, acme, delivered, role, actions):
    client, waits, good = sign_in(role), acme.generation(), delivered(acme)

    shown = words_of(client.get(page_of(good))) + words_of(client.get(page_of(waits)))
    assert ("generation.refund" in shown, "generation.cancel" in shown) == (
        "refund" in actions,
        "cancel" in actions,
    )
