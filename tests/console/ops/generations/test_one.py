"""One generation: its attempts and money; prompts and images only after a stated look."""

from datetime import timedelta
from http import HTTPStatus

import pytest
from django.test import Client

from accounts.models import AuditEvent, Tenant, User
from billing.selectors.office import sold
from billing.selectors.office.ledger import ledger_totals
from billing.services.office.accounts import credit, refund
from billing.upstream_cost import UNKNOWN_COST
from generation.models import Attempt, Generation
from generation.oversight.bills.corrections import CorrectionLine, correct
from generation.oversight.daily_sales import add_sold
from pictor.kit.words import clock
from pictor.kit.words.money import Micros, to_decimal
from tests.console.answers import words_in, words_of

CANARY = "a canary in a coal mine"
"""Text in a tenant's prompt that a vendor's error quotes."""


def page_of(made: Generation) -> str:
    return f"/ops/generations/{made.public_id}/"


def fact(page: str, label: str) -> str:
    """The page's words beside that label."""
    return page.partition(f"<dt>{label}</dt>")[2].partition("</div>")[0]


def test_a_delivered_generation_shows_its_attempt_and_money(owner, acme, delivered):
    made = delivered(acme)
    refund(
        tenant_id=acme.id, generation_id=made.id, amount=Micros(20_000), reason="a bad image",
        note="they were right", actor="test",
    )  # fmt: skip

    page = words_of(owner.get(page_of(made)))

    assert "acme-openai" in page
    assert ">up-1</span>" in page
    assert "$0.05268" in fact(page, "Held at most")
    assert "$0.030" in fact(page, "Cost")
    assert words_in(fact(page, "Margin").partition("</dd>")[0]) == "$0.00268 8%"
    assert "$0.03268" in fact(page, "Refundable")
    (book,) = made.priced["books"]
    assert f'href="/ops/prices/{book}/"' in page
    assert "“a bad image”" in page
    assert "Note: they were right" in page


def test_a_bills_correction_changes_cost_and_margin(owner, acme, delivered):
    made = delivered(acme)
    attempt = Attempt.objects.get(generation=made)
    correct([CorrectionLine("bill 1", str(attempt.id), Micros(5_000))], reason="bill", actor="test")
    refund(tenant_id=acme.id, generation_id=made.id, amount=Micros(680), reason="x", actor="test")

    page = words_of(owner.get(page_of(made)))

    assert "booked $0.030, corrected by a bill" in page
    assert "$0.00068" in fact(page, "Refunded")
    assert "$0.035" in fact(page, "Cost")
    assert "$0.017" in fact(page, "Margin")


def test_margins_by_anything_come_to_the_ledgers_sums(owner, acme, delivered, failed, monkeypatch):
    monkeypatch.setattr(sold, "TRAIL_SECONDS", 0.0)
    made = delivered(acme)
    delivered(acme, quality="low")
    failed(acme)
    credit(tenant_id=acme.id, amount=Micros(7), reason="gift", actor="test")
    refund(tenant_id=acme.id, generation_id=made.id, amount=Micros(680), reason="x", actor="test")
    attempt = Attempt.objects.get(generation=made)
    correct([CorrectionLine("bill 1", str(attempt.id), Micros(5_000))], reason="bill", actor="test")
    add_sold()

    ledger = ledger_totals()
    shown = [
        owner.get("/ops/margin/", {"by": by}).context["of_shown"]
        for by in ("tenant", "model", "channel", "cell")
    ]

    sums = [
        [to_decimal(one) for one in (of.revenue, of.cost, of.losses, of.credited)] for of in shown
    ]
    accounts = ("platform_revenue", "upstream_cost", "losses", "credits")
    assert sums == [[ledger[name] for name in accounts]] * 4


def test_a_cost_that_nobody_knows_is_no_zero_and_leaves_no_margin(owner, acme, failed):
    page = words_of(owner.get(page_of(failed(acme, cost=UNKNOWN_COST))))

    assert words_in(fact(page, "Cost")).endswith("unknown")
    assert words_in(fact(page, "Margin")) == "unknown"
    assert "may be billed" in page


def test_what_a_failed_call_may_cost_is_shown_apart(owner, acme, delivered, failed):
    made, lost = delivered(acme), failed(acme)
    alone = words_in(fact(words_of(owner.get(page_of(lost))), "Cost"))
    Attempt.objects.filter(generation=lost).update(generation=made, dispatch=0)

    page = words_of(owner.get(page_of(made)))
    listed = words_in(words_of(owner.get("/ops/generations/")))

    assert "$0.030 maybe billed" in alone
    assert "+" not in alone
    assert "$0.030 + $0.030 maybe billed" in words_in(fact(page, "Cost"))
    assert "$0.030 + $0.030 maybe billed" in listed


def test_a_failure_is_explained_as_to_its_caller(owner, acme, failed):
    page = words_of(owner.get(page_of(failed(acme))))

    assert "The image was not ready within the time limit." in page
    assert "<code>generation_timeout</code>, HTTP 504" in page
    assert "$0.05268 was released, $0.000 charged." in page


@pytest.fixture
def lets(acme):
    """An owner of acme allows support to see prompts and images."""
    Tenant.objects.filter(id=acme.id).update(shows_support_content=True)
    return acme


def test_words_and_images_are_shown_to_who_says_that_they_look(sign_in, lets, failed, delivered):
    acme = lets
    made = failed(acme, prompt=CANARY, detail=f"we will not draw '{CANARY}'")
    pictured = delivered(acme, prompt=CANARY, user=CANARY)
    support, finance = sign_in("support"), sign_in("finance")
    for one in (made, pictured):
        before = words_of(support.get(page_of(one)))
        assert CANARY not in before
        assert ("we will not draw &#x27;…&#x27;" in before) == (one is made)
        assert "<img" not in before

        answer = support.post(f"{page_of(one)}look/")

        assert (answer.status_code, answer["Location"]) == (HTTPStatus.SEE_OTHER, page_of(one))
        assert CANARY in words_of(support.get(page_of(one)))
        assert CANARY not in words_of(finance.get(page_of(one)))
    assert f"we will not draw &#x27;{CANARY}" in words_of(support.get(page_of(made)))
    assert "<img" in words_of(support.get(page_of(pictured)))
    event = AuditEvent.objects.get(action="generation.look", object_id=made.public_id)
    assert (event.actor_name, event.tenant_id) == ("support@pictor.example (staff)", acme.id)


@pytest.mark.parametrize("setting", [{"shows_support_content": False}, {"allows_support": False}])
def test_no_word_is_shown_unless_the_tenant_lets_support_see_it(sign_in, lets, delivered, setting):
    made, support = delivered(lets, prompt=CANARY, user=CANARY), sign_in("support")
    support.post(f"{page_of(made)}look/")
    open_to_support = CANARY in words_of(support.get(page_of(made)))
    Tenant.objects.filter(id=lets.id).update(**setting)

    after = words_of(support.get(page_of(made)))
    refused = words_of(support.post(f"{page_of(made)}look/", follow=True))

    assert open_to_support
    assert (CANARY in after, "<img" in after, "Show, logged" in after) == (False, False, False)
    assert "no owner of acme allows support to see prompts and images" in after
    assert "No owner of this workspace allows support to see prompts and images." in refused
    assert CANARY not in refused
    assert AuditEvent.objects.filter(action="generation.look").count() == 1


@pytest.mark.parametrize("role", ["finance", "operator"])
def test_only_support_and_owners_may_look(sign_in, lets, delivered, role):
    made, client = delivered(lets, prompt=CANARY), sign_in(role)

    assert client.post(f"{page_of(made)}look/").status_code == HTTPStatus.NOT_FOUND
    page = words_of(client.get(page_of(made)))
    assert ("support and owners may look" in page, "Show, logged" in page) == (True, False)


def test_the_prompt_is_shown_for_a_quarter_of_an_hour(sign_in, lets, failed, monkeypatch):
    made, support = failed(lets, prompt=CANARY), sign_in("support")
    support.post(f"{page_of(made)}look/")
    now = clock.now()

    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=14))
    assert CANARY in words_of(support.get(page_of(made)))
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=16))
    assert CANARY not in words_of(support.get(page_of(made)))


def test_what_one_session_opened_stays_shut_in_another_of_the_same_person(sign_in, lets, failed):
    made, support = failed(lets, prompt=CANARY), sign_in("support")
    other = Client()
    other.force_login(User.objects.get(email="support@pictor.example"))

    support.post(f"{page_of(made)}look/")

    assert CANARY in words_of(support.get(page_of(made)))
    assert CANARY not in words_of(other.get(page_of(made)))
    assert "Show, logged" in words_of(other.get(page_of(made)))


def test_a_forgotten_prompt_is_said_not_to_be_stored(sign_in, lets, delivered):
    made, support = delivered(lets), sign_in("support")
    type(made).objects.filter(id=made.id).update(prompt="", fields={})
    support.post(f"{page_of(made)}look/")

    assert "The prompt is not stored." in words_of(support.get(page_of(made)))


def test_a_stuck_generation_says_so_until_it_has_ended(owner, acme, running, failed, monkeypatch):
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    past, long_ago = now - timedelta(minutes=4), now - timedelta(minutes=9)
    fresh, waits, late, over = acme.generation(), acme.generation(), running(acme), failed(acme)
    Generation.objects.filter(id=waits.id).update(created_at=now - timedelta(seconds=45))
    both = Generation.objects.filter(id__in=[late.id, over.id])
    both.update(created_at=long_ago, deadline_at=past)

    assert "is stuck" not in words_of(owner.get(page_of(fresh)))
    assert "No image worker has taken it for 45 s." in words_of(owner.get(page_of(waits)))
    deadline = f"Its deadline passed at {past:%H:%M:%S} UTC, but it has not ended."
    assert deadline in words_of(owner.get(page_of(late)))
    assert "is stuck" not in words_of(owner.get(page_of(over)))


@pytest.mark.parametrize(
    "text", ["gen_1", "nonsense", "01a2177b-4701-77bb-8fbb-24971419e681", "gen_" + "0" * 26]
)
def test_no_other_id_leads_to_a_page(owner, text):
    assert owner.get(f"/ops/generations/{text}/").status_code == HTTPStatus.NOT_FOUND


def test_a_test_has_no_money(owner, acme):
    page = words_of(owner.get(page_of(acme.tester().generation())))

    assert "nothing: a test" in page
    assert "Refundable" not in page


def test_the_page_takes_few_queries(owner, lets, delivered, django_assert_max_num_queries):
    made = delivered(lets)
    owner.post(f"{page_of(made)}look/")
    owner.get(page_of(made))

    with django_assert_max_num_queries(12):
        owner.get(page_of(made))
