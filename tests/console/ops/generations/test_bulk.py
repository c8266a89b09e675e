"""Refunds in bulk, and one credit to every tenant hit by an outage."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.models import User
from billing.models import MoneyMove, Transfer
from billing.selectors.office.balances import available_to
from billing.selectors.office.ledger import ledger_findings
from billing.selectors.office.moves import waiting_moves
from billing.services.office.accounts import refund
from billing.services.office.moves import approve_move, decline_move
from console.ops.generations import in_bulk
from console.ops.reconciliation.acts import LinesForm
from generation.models import Generation
from generation.oversight.compensation import Giver
from generation.oversight.outages import Outage, credit_all, hit_by
from pictor.kit.words import clock
from pictor.kit.words.ids import new_uuid
from pictor.kit.words.money import Micros
from tests.console.answers import said_by, words_of
from tests.console.ops.acting import act_page, do, seen_in

REFUNDS, OUTAGE = act_page("generations.refund"), act_page("outage.credit")
WHY = {"note": "bad evening", "words": "Sorry for the outage"}


def moved(kind: str) -> list[int]:
    return sorted(Transfer.objects.filter(kind=kind).values_list("amount", flat=True))


def send(client: Client, made: list[Generation], number: int, **typed: Any) -> Any:
    ids = [one.public_id for one in made]
    said = {"generation": ids, "confirm": number, **WHY, **typed}
    return do(client, "generations.refund", **said)


def credit_all_hit(client: Client, asked: dict[str, Any], number: int = 2) -> Any:
    return do(client, "outage.credit", **asked, **WHY, confirm=number)


@pytest.fixture
def three(acme, other, delivered):
    """Three delivered generations, two of acme and one of other, at 0.05268 USD each."""
    return [delivered(acme), delivered(acme), delivered(other)]


def test_ticked_generations_are_refunded_once_counted(owner, three, acme, failed):
    ids = [one.public_id for one in (*three, failed(acme))]

    asked = said_by(owner.get(REFUNDS, {"generation": ids}))
    answer = words_of(send(owner, three, 3))

    assert "3 generations, 2 tenants, refunds $0.15804. 1 have nothing to refund" in asked
    assert "Refunded $0.15804." in answer
    assert answer.count("Refunded</span>") == 3
    assert moved("refund") == [52_680, 52_680, 52_680]
    assert set(Transfer.objects.filter(kind="refund").values_list("reason", flat=True)) == {
        "Sorry for the outage"
    }
    assert ledger_findings() == []


def test_sent_twice_it_refunds_once_and_answers_the_same(owner, three):
    once = new_uuid()

    first, again = (words_of(send(owner, three, 3, once=once)) for _ in range(2))

    assert "Refunded $0.15804." in first
    assert "Refunded $0.15804." in again
    assert moved("refund") == [52_680, 52_680, 52_680]


def test_above_what_one_person_moves_in_all_each_refund_waits(owner, three, settings):
    settings.MONEY_NEEDS_TWO = 100_000
    bob = User.objects.create_user("bob@pictor.example", staff_role="owner")
    once = new_uuid()

    asked = words_of(owner.get(REFUNDS, {"generation": [one.public_id for one in three]}))
    first, again = (words_of(send(owner, three, 3, once=once)) for _ in range(2))

    assert "Above $0.10 in all: each waits for another person" in asked
    assert [answer.count("$0.15804 waits for another person") for answer in (first, again)] == [
        1,
        1,
    ]
    assert [answer.count("Waits for another person</span>") for answer in (first, again)] == [3, 3]
    assert "Refunded" not in first + again
    assert moved("refund") == []
    approved, declined, _ = waiting_moves(clock.now())
    approve_move(move_id=approved.id, actor=bob, now=clock.now())
    decline_move(move_id=declined.id, actor=bob, now=clock.now())
    later = words_of(send(owner, three, 3, once=once))
    assert moved("refund") == [52_680]
    assert "Refunded $0.05268." in later
    assert "$0.05268 waits for another person" in later
    assert "It waited for another person and is declined." in later


def test_the_rest_of_an_interrupted_bulk_counts_its_beginning_once(owner, three, settings):
    User.objects.create_user("bob@pictor.example", staff_role="finance")
    settings.MONEY_ALONE_A_DAY = 158_040
    once = new_uuid()
    send(owner, three[:1], 1, once=once)

    answer = words_of(send(owner, three, 3, once=once))

    assert "Refunded $0.15804." in answer
    assert moved("refund") == [52_680, 52_680, 52_680]


def test_a_bulk_beyond_a_persons_day_waits_as_a_whole(owner, three, settings):
    User.objects.create_user("bob@pictor.example", staff_role="finance")
    settings.MONEY_ALONE_A_DAY = 158_039

    asked = words_of(owner.get(REFUNDS, {"generation": [one.public_id for one in three]}))
    answer = words_of(send(owner, three, 3))

    said = "$0.15804 of $0.158039 a day: waits for a second person"
    assert (said in asked, said in answer) == (True, True)
    assert moved("refund") == []


def test_the_rest_of_an_interrupted_bulk_waits_for_approval_like_the_whole(owner, three, settings):
    settings.MONEY_NEEDS_TWO = 100_000
    once = new_uuid()
    send(owner, three, 3, once=once)
    MoneyMove.objects.get(generation_id=three[2].id).delete()

    send(owner, three, 3, once=once)

    assert len(waiting_moves(clock.now())) == 3
    assert moved("refund") == []


def test_each_generation_of_a_bulk_has_its_own_result(owner, three, acme):
    gone = three[0]
    refund(tenant_id=acme.id, generation_id=gone.id, reason="before", actor="test")

    answer = words_of(send(owner, three, 3))

    row = answer.partition(gone.public_id)[2].partition("</tr>")[0]
    assert "Not refunded" in row
    assert "only $0.00 of it is charged and not refunded" in row
    assert "Refunded $0.10536." in answer


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ({"number": 2}, "There are 3."),
        ({"number": "three"}, "There are 3."),
        ({"note": ""}, "This field is required."),
        ({"once": "x"}, "Open this form again"),
        ({"generation": ["gen_x"]}, "There is no generation"),
        ({"generation": ["gen_x"] * 501}, "At most 500 of them at once."),
    ],
)
def test_a_mistyped_bulk_refunds_nothing(owner, three, typed, complaint):
    answer = send(owner, three, typed.pop("number", 3), **typed)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert complaint in words_of(answer)
    assert moved("refund") == []


def test_all_matches_are_taken_up_to_a_limit(owner, three, failed, other, monkeypatch):
    failed(other)
    assert "3 generations, 2 tenants" in words_of(owner.get(f"{REFUNDS}?all=1"))
    assert "1 generation, 1 tenant" in words_of(owner.get(f"{REFUNDS}?all=1&tenant=other"))
    assert "No charge is left to refund" in words_of(owner.get(f"{REFUNDS}?all=1&state=failed"))
    assert "No charge is left to refund" in words_of(owner.get(f"{REFUNDS}?all=1&tenant=nobody"))
    assert "No charge is left to refund" in words_of(owner.get(f"{REFUNDS}?generation=x"))
    monkeypatch.setattr(in_bulk, "MAX_AT_ONCE", 2)

    page = words_of(owner.get(f"{REFUNDS}?all=1"))

    assert "2 generations, 2 tenants" in page
    assert "2 is the most at once" in page


@pytest.mark.parametrize("role", ["support", "operator"])
def test_only_those_who_move_money_are_offered_to_refund_in_bulk(sign_in, three, role):
    client = sign_in(role)

    assert "Refund selected" not in words_of(client.get("/ops/generations/"))
    assert "Refund selected" in words_of(sign_in("finance").get("/ops/generations/"))


@pytest.fixture
def hit(acme, other, failed, delivered):
    """Two failures of acme and one of other by our fault; the other rows belong to no outage."""
    made = [failed(acme), failed(acme), failed(other)]
    delivered(other)
    theirs = failed(other)
    Generation.objects.filter(id=theirs.id).update(error={"status": 400, "code": "invalid_value"})
    return made


def times(**more: Any) -> dict[str, Any]:
    now = clock.now()
    since, until = now - timedelta(minutes=30), now + timedelta(minutes=30)
    moments = {"since": f"{since:%Y-%m-%d %H:%M} UTC", "until": f"{until:%Y-%m-%d %H:%M} UTC"}
    return {"once": new_uuid(), **moments, **more}


def test_all_that_an_outage_hit_are_credited_once_each(owner, hit, acme, other):
    before = available_to(acme.id), available_to(other.id)
    asked = times(channel="acme-openai", attempt_class="unknown")

    shown = said_by(owner.post(OUTAGE, asked))
    answer = words_of(credit_all_hit(owner, asked))
    again = words_of(owner.post(OUTAGE, asked))

    assert "2 tenants, credits $0.15804" in shown
    assert "$10.00 → to $10.10536" in shown
    assert answer.count("Credited</span>") == 2
    assert moved("credit") == [52_680, 105_360]
    credit_page = words_of(owner.get(act_page("generation.credit", hit[0].public_id)))
    assert "$0.10536 already cover an outage at that time." in credit_page
    after = available_to(acme.id), available_to(other.id)
    assert after == (before[0] + 105_360, before[1] + 52_680)
    assert "$0.10536 credited before" in again
    repeats = [
        words_of(owner.post(OUTAGE, {**asked, **change, **WHY}))
        for change in ({}, {"each": "0.50"}, {"channel": ""}, {"model": "gpt-image-2-origin"})
    ]
    assert ["No tenant that is not credited yet" in page for page in repeats] == [True] * 4
    assert moved("credit") == [52_680, 105_360]
    assert ledger_findings() == []


def test_above_what_one_person_moves_in_all_each_credit_waits(owner, hit, settings):
    settings.MONEY_NEEDS_TWO = 900_000
    asked = times(each="0.50")

    shown = words_of(owner.post(OUTAGE, asked))
    answer = words_of(credit_all_hit(owner, asked))

    assert "Above $0.90 in all: each waits for another person" in shown
    assert answer.count("Waits for another person</span>") == 2
    assert [move.amount for move in waiting_moves(clock.now())] == [500_000, 500_000]
    assert moved("credit") == []


def test_credits_for_an_outage_beyond_a_persons_day_wait_as_a_whole(owner, hit, settings):
    User.objects.create_user("bob@pictor.example", staff_role="finance")
    settings.MONEY_ALONE_A_DAY = 900_000
    asked = times(each="0.50")

    shown = words_of(owner.post(OUTAGE, asked))
    credit_all_hit(owner, asked)

    assert "$1 of $0.90 a day: waits for a second person" in shown
    assert [move.amount for move in waiting_moves(clock.now())] == [500_000, 500_000]


def test_the_rest_of_a_large_bulk_is_said_to_wait(owner, hit, settings):
    settings.MONEY_NEEDS_TWO = 900_000
    now = clock.now()
    down = Outage(since=now - timedelta(minutes=9), until=now + timedelta(minutes=9))
    credit_all(
        once=new_uuid(), outage=down, hits=hit_by(down, now=now)[:1], each=Micros(500_000),
        words="sorry", note="down", giver=Giver("ann"), now=now,
    )  # fmt: skip

    shown = said_by(owner.post(OUTAGE, times(each="0.50")))

    assert "1 tenant, credits $0.50. Above $0.90 in all, with those before: each waits" in shown
    assert "Ask for $0.50" in shown


def test_an_outage_credit_may_be_the_same_amount_for_each_tenant(owner, hit):
    asked = times(each="0.50")

    answer = credit_all_hit(owner, asked)

    assert answer.status_code == HTTPStatus.OK
    assert moved("credit") == [500_000, 500_000]


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ({"confirm": 3}, "There are 2."),
        ({"words": ""}, "This field is required."),
        ({"once": "x"}, "Open this form again"),
        ({"each": "1000.01"}, "where it is typed twice"),
        ({"each": "-1"}, "Type an amount above 0"),
        ({"since": "yesterday"}, "is not a time with its zone"),
        ({"since": "2020-01-01 00:00 UTC"}, "An outage may last at most 24 hours"),
        ({"since": "2100-01-01 00:00 UTC"}, "It ends before it begins"),
    ],
)
def test_a_mistyped_outage_credit_credits_nobody(owner, hit, typed, complaint):
    answer = do(owner, "outage.credit", **{**times(), **WHY, "confirm": 2, **typed})

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert complaint in words_of(answer)
    assert moved("credit") == []


def test_an_outage_that_hit_nobody_says_so_and_keeps_what_was_typed(owner, hit):
    answer = words_of(owner.post(OUTAGE, times(model="dall-e-3", **WHY)))

    assert "No tenant that is not credited yet" in answer
    assert 'value="bad evening"' in answer
    assert "Show before and after" in words_of(owner.get(OUTAGE))


def test_the_bulk_pages_take_few_queries(owner, three, hit, django_assert_max_num_queries):
    owner.get(OUTAGE)
    with django_assert_max_num_queries(12):
        owner.post(OUTAGE, times(channel="acme-openai"))
    with django_assert_max_num_queries(12):
        owner.get(f"{REFUNDS}?all=1")


def test_what_was_refunded_meanwhile_is_reviewed_again(owner, three):
    form = {**WHY, "once": str(new_uuid()), "generation": [one.public_id for one in three]}
    seen = seen_in(owner.post(REFUNDS, form))
    do(owner, "generation.refund", three[0].public_id, **WHY, amount="0.01")
    part = said_by(owner.post(REFUNDS, {**form, "seen": seen, "confirm": "3"}))
    send(owner, three, 3)
    nothing = said_by(owner.post(REFUNDS, {**form, "seen": seen, "confirm": "3"}))

    assert "This is another effect than was shown." in part
    assert "3 generations, 2 tenants, refunds $0.14804" in part
    assert "No charge is left to refund." in nothing
    assert moved("refund") == [10_000, 42_680, 52_680, 52_680]


def test_other_generations_of_the_same_sum_are_not_refunded_unseen(owner, three):
    first, second, _ = (one.public_id for one in three)
    form = {**WHY, "once": str(new_uuid()), "confirm": "1"}
    seen = seen_in(owner.post(REFUNDS, {**form, "generation": first}))

    answer = owner.post(REFUNDS, {**form, "generation": second, "seen": seen})

    assert "This is another effect than was shown." in said_by(answer)
    assert moved("refund") == []


def test_others_that_an_outage_hit_are_not_credited_unseen(owner, acme, other, failed):
    first, second = failed(acme), failed(other)
    ours, theirs = Generation.objects.get(id=first.id).error, {"status": 400, "code": "invalid"}
    Generation.objects.filter(id=second.id).update(error=theirs)
    form = times(each="1", confirm=1, **WHY)
    seen = seen_in(owner.post(OUTAGE, form))
    Generation.objects.filter(id=first.id).update(error=theirs)
    Generation.objects.filter(id=second.id).update(error=ours)

    answer = owner.post(OUTAGE, {**form, "seen": seen})

    assert "This is another effect than was shown." in said_by(answer)
    assert moved("credit") == []


@pytest.mark.parametrize(
    ("field", "most"),
    [(in_bulk.BulkForm.base_fields["generation"], 500), (LinesForm.base_fields["line"], 100)],
)
def test_no_form_takes_more_than_the_most_at_once(field, most):
    assert len(field.clean(["x"] * most)) == most
    with pytest.raises(ValidationError, match=f"At most {most} of them at once."):
        field.clean(["x"] * (most + 1))
