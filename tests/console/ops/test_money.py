"""A tenant's money at the operator's: shown first, typed twice, approved by a second owner."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Tenant, User
from accounts.services.office.tenants import create_tenant
from billing.models import MoneyMove
from billing.selectors.office import moves
from billing.selectors.office.balances import available_to, statement
from billing.selectors.office.ledger import ledger_findings
from pictor.kit.words import ids
from pictor.kit.words.money import Micros
from tests.console.answers import lines_of, words_of
from tests.console.ops.acting import act_page, digest_of


@pytest.fixture
def acme(db):
    """A tenant that has paid in 10 USD."""
    return create_tenant(name="Acme", opening_balance=Micros(10_000_000), actor="test")


def signed_in(role: str, name: str) -> Client:
    client = Client()
    client.force_login(User.objects.create_user(f"{name}@pictor.example", staff_role=role))
    return client


@pytest.fixture
def ann(db, settings):
    settings.STAFF_MFA = False
    return signed_in("finance", "ann")


@pytest.fixture
def bob(db, settings):
    settings.STAFF_MFA = False
    return signed_in("owner", "bob")


def send(client: Client, to: Tenant, kind: str = "credit", *, seen: str = "", **said: str) -> Any:
    """Send a form, after the effect of `seen` micros was shown."""
    form = {"once": str(ids.new_uuid()), "amount": "5", "reason": "sorry", "note": "late images"}
    shown = {"seen": digest_of(int(seen))} if seen else {}
    return client.post(act_page(f"tenant.{kind}", to.public_id), {**form, **said, **shown})


@pytest.mark.parametrize(
    ("kind", "amount", "after"),
    [
        ("top_up", "$1,234.5", "$1,244.50"),
        ("credit", "5", "$15.00"),
        ("adjustment", "-0.000001", "$9.999999"),
        ("reversal", "4", "$6.00"),
    ],
)
def test_before_and_after_are_shown_and_nothing_is_moved(ann, acme, kind, amount, after):
    seq = {"seq": "1"} if kind == "reversal" else {}

    answer = send(ann, acme, kind, amount=amount, **seq)

    assert '$10.00 <span aria-hidden="true">→</span>' in words_of(answer)
    assert after in words_of(answer)
    assert available_to(acme.id) == 10_000_000


def test_a_credit_is_booked_as_shown_with_both_texts(ann, acme):
    answer = send(ann, acme, seen="5000000")
    page = ann.get(answer["Location"])

    assert answer["Location"] == f"/ops/tenants/{acme.public_id}/"
    assert "Credit: $5.00. Acme has $15.00 now" in words_of(page)
    assert ("sorry" in words_of(page), "Staff: late images" in words_of(page)) == (True, True)
    entry = statement(acme.id)[-1]
    assert (entry.kind, entry.amount, entry.reason) == ("credit", 5_000_000, "sorry")
    assert ledger_findings() == []


def test_an_adjustment_that_took_is_below_0_wherever_it_stands(ann, acme):
    send(ann, acme, "adjustment", amount="-4", seen="-4000000")
    entry = statement(acme.id)[-1].id

    pages = [f"tenants/{acme.public_id}/", f"ledger/?tenant={acme.public_id}", f"ledger/{entry}/"]
    assert ["-$4.00" in words_of(ann.get(f"/ops/{page}")) for page in pages] == [True] * 3


def test_another_amount_than_was_looked_at_is_looked_at_first(ann, acme):
    answer = send(ann, acme, amount="6", seen="5000000")

    assert "$16.00" in words_of(answer)
    assert available_to(acme.id) == 10_000_000


def test_a_form_that_has_moved_something_moves_nothing_else(ann, acme):
    once = str(ids.new_uuid())
    send(ann, acme, once=once, seen="5000000")

    answer = send(ann, acme, once=once, amount="6", seen="6000000")

    assert "sent before with other values" in words_of(answer)
    assert available_to(acme.id) == 15_000_000


@pytest.mark.parametrize("again", ["9,900", "$9900.00"])
def test_a_large_amount_is_booked_once_it_is_typed_twice(ann, acme, again):
    send(ann, acme, "top_up", amount="9900", seen="9900000000", confirm=again)

    assert available_to(acme.id) == 9_910_000_000


@pytest.mark.parametrize(
    ("again", "words"),
    [
        ("", "The amount again"),
        ("x", "The amount again"),
        ("99000", "This is not $9,900.00: which of them is meant?"),
    ],
)
def test_a_large_amount_is_not_booked_before_it_is_typed_twice(ann, acme, again, words):
    answer = words_of(send(ann, acme, "top_up", amount="9900", seen="9900000000", confirm=again))

    assert available_to(acme.id) == 10_000_000
    assert "The amount again" in answer
    assert words in answer


def test_a_top_up_with_three_zeros_too_many_waits_for_another_person(ann, bob, acme):
    said = {"amount": "99000", "seen": "99000000000", "confirm": "99000"}
    answer = send(ann, acme, "top_up", reason="INV-1", **said)
    move = MoneyMove.objects.get()
    mine, others = (words_of(one.get("/ops/moves/")) for one in (ann, bob))

    assert answer["Location"] == "/ops/moves/"
    assert available_to(acme.id) == 10_000_000
    assert ("You asked" in mine, "You asked" in others) == (True, False)
    assert (
        '$10.00 <span aria-hidden="true">→</span><span class="sr-only">to</span> $99,010' in others
    )
    refused = ann.post(f"/ops/moves/{move.id}/approve/")
    assert "Somebody other than" in words_of(refused)
    ann.post(f"/ops/moves/{move.id}/decline/")
    assert "Nothing waits" in words_of(bob.get("/ops/moves/"))
    late = bob.post(f"/ops/moves/{move.id}/approve/")
    assert "it is declined by ann@pictor.example" in words_of(late)
    assert available_to(acme.id) == 10_000_000


def test_a_move_is_approved_once_by_another_person(ann, bob, acme):
    said = {"amount": "99000", "seen": "99000000000", "confirm": "99000"}
    send(ann, acme, "top_up", reason="INV-1", **said)
    move = MoneyMove.objects.get()

    answers = [bob.post(f"/ops/moves/{move.id}/approve/") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 422]
    assert available_to(acme.id) == 99_010_000_000
    assert ledger_findings() == []


def test_decided_moves_name_the_person_asking_and_the_person_deciding(
    ann, bob, acme, django_assert_max_num_queries
):
    assert 'id="decided"' not in words_of(bob.get("/ops/moves/"))
    for amount in ("99001", "99002", "99003"):
        send(ann, acme, "credit", amount=amount, seen=f"{amount}000000", confirm=amount)
    first, second, _ = MoneyMove.objects.order_by("amount")
    bob.post(f"/ops/moves/{first.id}/approve/")
    ann.post(f"/ops/moves/{second.id}/decline/")

    with django_assert_max_num_queries(12):
        page = words_of(bob.get("/ops/moves/"))
    waiting, _, decided = page.partition('id="decided"')
    latest, before = decided.split("<tbody>")[1].split("</tr>")[:2]

    assert ("$99,003.00" in waiting, "$99,003.00" in decided) == (True, False)
    assert ("$99,002.00" in latest, "Declined</span>" in latest) == (True, True)
    assert latest.count("ann@pictor.example") == 2
    assert ("$99,001.00" in before, "Booked</span>" in before) == (True, True)
    assert ("ann@pictor.example" in before, "bob@pictor.example" in before) == (True, True)
    assert f'href="/ops/ledger/{statement(acme.id)[-1].id}/"' in before
    assert ("Acme" in before, "Staff: late images" in before) == (True, True)


def test_waiting_and_decided_moves_are_downloaded_as_csv(ann, bob, acme, monkeypatch):
    monkeypatch.setattr(moves, "ROWS_AT_ONCE", 1)
    for amount in ("99001", "99002", "99003"):
        send(ann, acme, "credit", amount=amount, seen=f"{amount}000000", confirm=amount)
    first, second, _ = MoneyMove.objects.order_by("amount")
    bob.post(f"/ops/moves/{first.id}/approve/")
    ann.post(f"/ops/moves/{second.id}/decline/")

    rows = lines_of(bob.get("/ops/moves/?format=csv"))

    facts = ("amount", "state", "tenant", "asked_by", "decided_by")
    ann_asked = (acme.public_id, "ann@pictor.example")
    assert [tuple(row[name] for name in facts) for row in rows] == [
        ("99003.000000", "waiting", *ann_asked, ""),
        ("99002.000000", "declined", *ann_asked, "ann@pictor.example"),
        ("99001.000000", "booked", *ann_asked, "bob@pictor.example"),
    ]
    assert [bool(row["decided"]) for row in rows] == [False, True, True]


def test_what_goes_beyond_a_persons_day_is_said_to_wait_before_and_once_it_is_sent(
    ann, bob, acme, settings
):
    settings.MONEY_ALONE_A_DAY = Micros(10_000_000)
    send(ann, acme, amount="7", seen="7000000")

    before = words_of(send(ann, acme, amount="5.30"))
    answer = send(ann, acme, amount="5.30", seen="5300000")

    assert "$12.30 of $10 a day: waits for a second person." in before
    assert "Ask for $5.30" in before
    assert answer["Location"] == "/ops/moves/"
    words = "Asked for $5.30. $12.30 of $10 a day: waits for a second person"
    assert words in words_of(ann.get("/ops/moves/"))
    assert available_to(acme.id) == 17_000_000


def test_an_opening_credit_beyond_a_persons_day_is_said_to_wait(bob, acme, settings):
    User.objects.create_user("ann@pictor.example", staff_role="finance")
    settings.MONEY_ALONE_A_DAY = Micros(20_000_000)
    send(bob, acme, amount="12.50", seen="12500000")
    new = {"once": ids.new_uuid(), "name": "Other", "owner": "eve@other.example"}

    before = words_of(bob.get("/ops/do/tenant.create/"))
    answer = bob.post("/ops/do/tenant.create/", {**new, "credit": "7.51", "note": "met"})

    assert "You have booked $12.50 of $20 a day alone: more waits for a second person." in before
    assert "its opening credit waits for a second person" in words_of(answer)
    assert available_to(Tenant.objects.get(name="Other").id) == 0


def test_a_reversal_is_negative_in_the_csv(ann, acme, settings):
    settings.MONEY_NEEDS_TWO = Micros(1_000_000)
    send(ann, acme, "reversal", amount="4", seq="1", seen="4000000")

    (row,) = lines_of(ann.get("/ops/moves/?format=csv"))

    assert (row["kind"], row["amount"]) == ("reversal", "-4.000000")


@pytest.mark.parametrize(
    ("kind", "said", "complaint"),
    [
        ("credit", {"amount": ""}, "required"),
        ("credit", {"amount": "0"}, "such as 12.50"),
        ("credit", {"amount": "five"}, "is not an amount: type dollars, such as 12.50"),
        ("credit", {"amount": "12,50"}, "is not an amount: type dollars, such as 12.50"),
        ("credit", {"amount": "1e3"}, "is not an amount: type dollars, such as 12.50"),
        ("credit", {"amount": "-5"}, "must be above 0"),
        ("credit", {"amount": "99999999999999"}, "is too large: type dollars, such as 12.50"),
        ("credit", {"note": " "}, "required"),
        ("credit", {"reason": "x" * 201}, "at most 200"),
        ("credit", {"once": "7"}, "Open this form again"),
        ("top_up", {"reason": ""}, "required"),
        ("adjustment", {"amount": "-10.01"}, "nly $10.00 is available"),
        ("reversal", {"amount": "5", "seq": "2"}, "no top-up or credit with the number 2"),
        ("reversal", {"amount": "10.01", "seq": "1"}, "can be reversed now"),
        ("reversal", {"amount": "5", "seq": "x"}, "Open this form again"),
    ],
)
def test_a_mistyped_form_moves_nothing(ann, acme, kind, said, complaint):
    answer = send(ann, acme, kind, **said)

    assert (answer.status_code, complaint in words_of(answer)) == (422, True)
    assert available_to(acme.id) == 10_000_000


def test_no_number_of_an_entry_is_too_large_to_be_refused(ann, acme):
    answer = send(ann, acme, "reversal", seq="9" * 30, seen="5000000")

    assert (answer.status_code, "Open this form again" in words_of(answer)) == (422, True)


def test_a_payment_is_booked_once_by_its_reference(ann, acme):
    send(ann, acme, "top_up", reason="INV-1", seen="5000000")

    answer = send(ann, acme, "top_up", reason=" inv-1 ", seen="5000000")

    assert "with the reference" in words_of(answer)
    assert available_to(acme.id) == 15_000_000


def test_a_reversal_begins_with_all_that_can_be_taken_back(ann, acme):
    page = act_page("tenant.reversal", acme.public_id)

    form, wrong = (words_of(ann.get(f"{page}?seq={number}")) for number in ("1", "9"))

    assert 'value="10.000000"' in form
    assert "The tenant has no top-up or credit with the number 9" in wrong


@pytest.mark.parametrize("name", ["%00", "a%00b", "ten_nothing", "x" * 3000])
def test_no_name_of_a_tenant_is_an_error_of_ours(ann, acme, name):
    assert ann.get(f"/ops/do/tenant.credit/{name}/").status_code == 404
