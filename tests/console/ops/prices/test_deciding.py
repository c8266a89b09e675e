"""Drafts reviewed and published, scheduled books withdrawn, former ones put back."""

import re
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import pytest
from django.db import connection
from django.test import Client

from accounts.models import AuditEvent
from accounts.services.office.api_keys import issue_api_key
from accounts.services.office.tenants import create_tenant
from billing.models import PriceBook
from billing.price_stops import CellCost, Confirmed
from billing.selectors import book_in_force, state_of
from billing.services import Usage, record_usage
from billing.services.office.prices import draft_price_book, publish_price_book
from billing.upstream_cost import Cost, CostSource
from generation.catalogue import offer
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.console.answers import lines_of, said_by
from tests.console.ops.acting import do
from tests.console.ops.channel_pages import text_of
from tests.console.ops.prices.conftest import (
    LIST,
    LOW,
    ORIGIN,
    SIZE,
    hidden_in,
    of,
    price_of,
    published,
    saved,
    sold,
)


def in_force() -> str:
    book = book_in_force(None, clock.now())
    assert book
    return book.known_as


def scheduled(owner: Client, draft: PriceBook, *, days: int = 1) -> PriceBook:
    begins = f"{clock.now() + timedelta(days=days):%Y-%m-%d %H:%M} UTC"
    answer = published(owner, draft, begins=begins)
    assert answer.status_code == HTTPStatus.SEE_OTHER
    draft.refresh_from_db()
    return draft


def test_a_draft_is_reviewed_by_money_and_published_now(owner, draft):
    sold(images=1_000, captured_micros=1)
    sold(quality="high", images=2, captured_micros=1)
    saved(owner, draft, how="by", number="5", which="model", model=ORIGIN)

    page = owner.get(of(draft, "review"))
    answer = owner.post(of(draft, "publish"), hidden_in(page))

    said = text_of(page)
    first = f"{ORIGIN} 1024x1024 low $0.00588 $0.006174 +5.0% 1,000 +$0.294"
    second = f"{ORIGIN} 1024x1024 high $0.21072 $0.221256 +5.0% 2 +$0.021072"
    assert said.index(first) < said.index(second)
    assert answer["Location"] == of(draft)
    assert in_force() == draft.known_as
    assert (
        AuditEvent.objects.get(action="price_book.publish", object_id=str(draft.pk)).actor_name
        == "op@pictor.example"
    )
    draft.refresh_from_db()
    assert abs((clock.now() - draft.effective_from).total_seconds()) < 60


def test_under_demo_a_review_is_of_what_the_demo_data_sold(owner, draft):
    sold(images=1_000, captured_micros=5_880_000)
    sold(images=700, captured_micros=4_116_000, is_demo=True)
    saved(owner, draft, how="by", number="5", which="model", model=ORIGIN)

    page = owner.get(of(draft, "review"), {"mode": "demo"})
    whatif = re.search(r'hx-get="([^"]+/what-if/[^"]+)"', page.content.decode())

    assert f"{ORIGIN} 1024x1024 low $0.00588 $0.006174 +5.0% 700 +$0.2058" in text_of(page)
    assert whatif
    assert "would have brought $4.32 instead of $4.12" in text_of(owner.get(whatif[1]))
    live = owner.get(of(draft, "review")).content.decode()
    assert "what-if/?mode=demo" not in live
    assert (
        f'href="{of(draft, "review")}?mode=demo"'
        in owner.get(of(draft), {"mode": "demo"}).content.decode()
    )


def test_the_changes_under_review_are_a_csv(owner, draft):
    sold(images=1_000, captured_micros=1)
    saved(owner, draft, how="by", number="5", which="model", model=ORIGIN)
    review = of(draft, "review")

    line = lines_of(owner.get(review, {"format": "csv"}))[0]
    mistyped = owner.get(review, {"format": "csv", "begins": "tomorrow"})

    assert (line["model"], line["size"], line["quality"]) == (ORIGIN, SIZE, "low")
    assert (line["before"], line["after"]) == ("0.005880", "0.006174")
    assert (line["change_percent"], line["images_30_days"]) == ("5.0", "1000")
    assert (line["would_bring"], line["currency"]) == ("0.294000", "USD")
    assert mistyped.status_code == 400
    assert "'tomorrow' is not a time with its zone" in said_by(mistyped)
    assert f'href="{review}?format=csv"' in owner.get(review).content.decode()


def test_a_double_click_publishes_once(owner, draft):
    fields = hidden_in(owner.get(of(draft, "review")))

    answers = [owner.post(of(draft, "publish"), fields) for _ in range(2)]

    assert [answer["Location"] for answer in answers] == [of(draft)] * 2
    assert (
        AuditEvent.objects.filter(action="price_book.publish", object_id=str(draft.pk)).count() == 1
    )


@pytest.mark.parametrize(
    ("begins", "words"),
    [
        ("2020-01-01 00:00 UTC", "2020-01-01 00:00 UTC is in the past"),
        ("2099-12-01 00:00", "is not a time with its zone"),
        ("tomorrow", "'tomorrow' is not a time with its zone"),
        ("2099-02-31 00:00 UTC", "is not a time with its zone"),
        ("9999-12-31T23:59-14:00", "is not a time with its zone"),
    ],
)
def test_a_senseless_date_publishes_nothing(owner, draft, begins, words):
    fields = hidden_in(owner.get(of(draft, "review")))

    looked = owner.get(of(draft, "review"), {"begins": begins})
    answer = owner.post(of(draft, "publish"), fields | {"begins": begins})

    assert [page.status_code for page in (looked, answer)] == [422, 422]
    texts = [text_of(page) for page in (looked, answer)]
    assert [words in text for text in texts] == [True, True]
    assert [f"Publish {draft.known_as} now" in text for text in texts] == [False, False]
    draft.refresh_from_db()
    assert state_of(draft, clock.now()) == "draft"


def test_a_date_to_come_is_taken_with_its_zone(owner, draft):
    answer = published(owner, draft, begins="2099-12-01T01:00:00+01:00")

    draft.refresh_from_db()
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert draft.effective_from == datetime(2099, 12, 1, tzinfo=UTC)
    assert state_of(draft, clock.now()) == "scheduled"


def test_a_date_that_some_time_zone_cannot_show_is_refused(owner, draft):
    page = owner.get(of(draft, "review"), {"begins": "9999-12-31 20:00 UTC"})
    fields = hidden_in(owner.get(of(draft, "review"))) | {"begins": "9999-12-31 20:00 UTC"}
    answer = owner.post(of(draft, "publish"), fields)

    assert "The book would begin in 9999." in text_of(page)
    assert "The book would begin in 9999." in text_of(answer)
    draft.refresh_from_db()
    assert state_of(draft, clock.now()) == "draft"


def test_a_draft_that_changed_since_it_was_reviewed_is_shown_again(owner, draft):
    fields = hidden_in(owner.get(of(draft, "review")))
    saved(owner, draft, how="by", number="5", which="book")

    answer = owner.post(of(draft, "publish"), fields)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Prices have changed since these were shown" in text_of(answer)
    assert in_force() != draft.known_as


def test_a_draft_from_before_another_was_published_says_what_changes_back(owner, first, draft):
    other = draft_price_book(name=first.name, effective_from=clock.now(), actor="test")
    saved(owner, other, **{f"price {LOW}": "0.0065"})
    publish_price_book(book=other, actor="test", now=clock.now())

    said = text_of(owner.get(of(draft, "review")))

    assert f"{other.known_as} was published after this draft was made" in said
    assert f"{ORIGIN} 1024x1024 low $0.0065 $0.00588" in said
    assert "was published after this draft" in text_of(owner.get(of(draft)))


def test_a_draft_that_leaves_a_cell_unpriced_names_it_and_cannot_be_published(owner, first):
    rows = owner.get(f"{LIST}{first.pk}.csv").content.decode().splitlines()
    kept = [row for row in rows if not row.startswith(f"{ORIGIN},1024x1024,low,")]
    owner.post(f"{LIST}new/", {"name": "list", "rows": "\n".join(kept)})
    draft = PriceBook.objects.latest("id")

    page = owner.get(of(draft, "review"))
    answer = owner.post(of(draft, "publish"), {"begins": ""})

    words = f"The book leaves without a price: {ORIGIN} 1024x1024 low."
    assert words in text_of(page)
    assert 'name="seen"' not in page.content.decode()
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    draft.refresh_from_db()
    assert state_of(draft, clock.now()) == "draft"


@pytest.fixture
def acme():
    tenant = create_tenant(name="acme", actor="test")
    key, _ = issue_api_key(tenant=tenant, name="key", actor="test")
    record_usage(
        Usage(
            tenant_id=tenant.id, key_id=key.id, model=ORIGIN, tier="base", channel="acme",
            status="succeeded", at=clock.now(), images=1, captured=Micros(5_880),
            took=timedelta(seconds=1),
        )
    )  # fmt: skip
    return tenant


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({}, "It needs a reason, and the number of changed prices"),
        ({"reason": "the vendor's new list"}, "It needs a reason, and the number"),
        ({"reason": "so", "changes": "7"}, "7 is not the number of changed prices"),
        ({"reason": "so", "changes": "one"}, "'one' is not a whole number"),
        ({"reason": "x" * 201, "changes": "1"}, "At most 200 characters of a reason are kept"),
    ],
)
def test_a_large_change_of_what_sold_is_typed(owner, acme, draft, typed, words):
    saved(owner, draft, **{f"price {LOW}": "21.0"})

    page = owner.get(of(draft, "review"))
    answer = owner.post(of(draft, "publish"), hidden_in(page) | typed)

    assert "by more than 50 % on models that sold in the last 30 days: 1" in text_of(page)
    assert "Number of changed prices" in text_of(page)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert words in text_of(answer)
    assert in_force() != draft.known_as


def test_what_must_be_typed_is_left_to_the_review_by_the_act_of_all_doors(owner, acme, draft):
    saved(owner, draft, **{f"price {LOW}": "21.0"})

    answer = do(owner, "price_book.publish", draft.known_as)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Its review wants a confirmation. Changed prices: 1; by more than 50 %" in text_of(
        answer
    )
    assert in_force() != draft.known_as


def test_a_large_change_is_in_force_once_it_is_typed(owner, acme, draft):
    saved(owner, draft, **{f"price {LOW}": "21.0"})
    typed = {"reason": "the vendor's new list", "changes": "1"}

    owner.post(of(draft, "publish"), hidden_in(owner.get(of(draft, "review"))) | typed)

    assert in_force() == draft.known_as
    confirmed = AuditEvent.objects.get(action="price_book.confirm")
    assert (confirmed.after or {})["reason"] == "the vendor's new list"


def test_a_link_fills_in_no_confirmation_and_a_refused_number_is_typed_anew(owner, acme, draft):
    saved(owner, draft, **{f"price {LOW}": "21.0"})
    typed = {"reason": "the vendor's new list", "changes": "7"}

    linked = owner.get(of(draft, "review"), typed).content.decode()
    chosen = owner.get(of(draft, "review"), typed, headers={"HX-Request": "true"}).content.decode()
    fields = hidden_in(owner.get(of(draft, "review")))
    refused = owner.post(of(draft, "publish"), fields | typed).content.decode()

    values = [
        re.findall(r'name="(?:reason|changes)"(?: value="([^"]*)")?', page)
        for page in (linked, chosen, refused)
    ]
    reason = "the vendor&#x27;s new list"
    assert values == [["", ""], [reason, ""], [reason, ""]]


def test_a_price_that_falls_below_cost_is_shown_and_its_number_typed(owner, draft, monkeypatch):
    saved(owner, draft, **{f"price {LOW}": "0.0058"})
    dear = CellCost((ORIGIN, SIZE, "low"), "acme", Cost(Micros(58_801), CostSource.FLAT))
    monkeypatch.setattr(offer, "served", lambda moments: {at: [dear] for at in moments})

    page = owner.get(of(draft, "review"))
    refused = owner.post(of(draft, "publish"), hidden_in(page))
    typed = {"reason": "a promise", "below_cost": "1"}
    wrong = owner.post(of(draft, "publish"), hidden_in(page) | typed | {"below_cost": "2"})
    before = in_force()
    answer = owner.post(of(draft, "publish"), hidden_in(page) | typed)

    assert f"{LOW} ◆ $0.0058 , costs $0.058801 at acme" in text_of(page)
    assert "the number of new prices below cost" in text_of(refused)
    assert "2 is not the number of new prices below cost." in text_of(wrong)
    assert before != draft.known_as
    assert answer.status_code == HTTPStatus.SEE_OTHER


def test_a_scheduled_book_is_withdrawn_until_it_begins(owner, first, draft):
    saved(owner, draft, how="by", number="5", which="book")
    scheduled(owner, draft)

    page = owner.get(of(draft, "withdraw"))
    silent = owner.post(of(draft, "withdraw"), hidden_in(page))
    fields = hidden_in(page) | {"reason": "a slip"}
    answers = [owner.post(of(draft, "withdraw"), fields) for _ in range(2)]

    assert f"{first.known_as} stays in force" in text_of(page)
    assert f"{LOW} $0.00588 $0.006174" in text_of(page)
    assert "Give a reason of at most 200 characters." in text_of(silent)
    confirmed = AuditEvent.objects.get(action="price_book.confirm", object_id=str(draft.pk))
    assert ((confirmed.after or {})["reason"], confirmed.tenant_id) == ("a slip", None)
    assert [answer["Location"] for answer in answers] == [of(draft)] * 2
    draft = PriceBook.objects.get(pk=draft.pk)
    assert state_of(draft, clock.now()) == "withdrawn"


def test_a_withdrawal_that_leaves_a_price_below_cost_is_typed(owner, draft, monkeypatch):
    saved(owner, draft, **{f"price {LOW}": "0.007"})
    scheduled(owner, draft)
    dear = CellCost((ORIGIN, SIZE, "low"), "acme", Cost(Micros(6_000), CostSource.FLAT))
    monkeypatch.setattr(offer, "served", lambda moments: {at: [dear] for at in moments})

    fields = hidden_in(owner.get(of(draft, "withdraw"))) | {"reason": "a slip"}
    refused = owner.post(of(draft, "withdraw"), fields)
    answer = owner.post(of(draft, "withdraw"), fields | {"below_cost": "1"})

    assert "It needs a reason, and the number of new prices below cost." in text_of(refused)
    assert answer["Location"] == of(draft)


def test_a_book_that_has_begun_cannot_be_withdrawn_and_the_page_says_so(owner, draft):
    scheduled(owner, draft)
    fields = hidden_in(owner.get(of(draft, "withdraw")))
    begun = clock.now() - timedelta(minutes=1)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE billing_pricebook DISABLE TRIGGER USER")
        PriceBook.objects.filter(pk=draft.pk).update(effective_from=begun)
        cursor.execute("ALTER TABLE billing_pricebook ENABLE TRIGGER USER")

    answer = owner.post(of(draft, "withdraw"), fields | {"reason": "a slip"}, follow=True)

    assert "The book has begun" in text_of(answer) or "have changed since" in text_of(answer)
    assert state_of(PriceBook.objects.get(pk=draft.pk), clock.now()) == "current"


def test_a_former_book_is_put_back_and_what_takes_over_is_withdrawn_with_it(owner, first, draft):
    saved(owner, draft, how="by", number="5", which="book")
    publish_price_book(book=draft, actor="test", now=clock.now())
    later = draft_price_book(name="list", effective_from=clock.now(), actor="test")
    scheduled(owner, later)

    page = owner.get(of(first, "restore"))
    fields = hidden_in(page) | {"withdraw": str(later.pk)}
    silent = owner.post(of(first, "restore"), fields)
    fields["reason"] = "a slip"
    answers = [owner.post(of(first, "restore"), fields) for _ in range(2)]

    assert "Give a reason of at most 200 characters." in text_of(silent)
    assert f"{later.known_as} takes over at" in text_of(page)
    assert "Withdraw it too" in text_of(page)
    again = book_in_force(None, clock.now())
    assert again is not None
    assert [answer["Location"] for answer in answers] == [of(again)] * 2
    assert price_of(again) == 5_880
    assert state_of(PriceBook.objects.get(pk=later.pk), clock.now()) == "withdrawn"
    assert PriceBook.objects.count() == 4


def test_without_a_tick_what_takes_over_stays_scheduled(owner, first, draft):
    publish_price_book(book=draft, actor="test", now=clock.now())
    later = draft_price_book(name="list", effective_from=clock.now(), actor="test")
    scheduled(owner, later)

    fields = hidden_in(owner.get(of(first, "restore"))) | {"reason": "a slip"}
    owner.post(of(first, "restore"), fields)

    assert state_of(PriceBook.objects.get(pk=later.pk), clock.now()) == "scheduled"


def test_a_scheduled_book_is_withdrawn_when_equal_prices_are_put_back(owner, first, draft):
    publish_price_book(book=draft, actor="test", now=clock.now())  # a copy of the first
    later = draft_price_book(name="list", effective_from=clock.now(), actor="test")
    scheduled(owner, later)

    fields = hidden_in(owner.get(of(first, "restore")))
    fields |= {"withdraw": str(later.pk), "reason": "a slip"}
    answers = [owner.post(of(first, "restore"), fields) for _ in range(2)]

    again = book_in_force(None, clock.now())
    assert again is not None
    assert [answer["Location"] for answer in answers] == [of(again)] * 2
    assert state_of(PriceBook.objects.get(pk=later.pk), clock.now()) == "withdrawn"


def test_a_book_scheduled_by_somebody_else_is_not_said_to_be_in_force(owner, draft):
    fields = hidden_in(owner.get(of(draft, "review")))
    scheduled(owner, draft)

    answer = owner.post(of(draft, "publish"), fields, follow=True)

    assert f"{draft.known_as} takes over at" in text_of(answer)
    assert f"{draft.known_as} is in force" not in text_of(answer)


@pytest.mark.parametrize("decision", ["publish", "restore"])
def test_a_decision_needs_the_page_that_shows_it(owner, first, draft, decision):
    other = draft_price_book(name="list", effective_from=clock.now(), actor="test")
    publish_price_book(book=draft, actor="test", now=clock.now())
    later = draft_price_book(name="list", effective_from=clock.now(), actor="test")
    scheduled(owner, later)
    book = {"publish": other, "restore": first}[decision]

    answer = owner.post(of(book, decision), {"withdraw": str(later.pk), "reason": "a slip"})

    assert "Prices have changed since these were shown" in text_of(answer)
    assert in_force() == draft.known_as
    assert state_of(PriceBook.objects.get(pk=later.pk), clock.now()) == "scheduled"


def test_an_action_that_does_not_fit_a_book_leads_to_its_page(owner, first, draft):
    assert owner.get(of(first, "restore"))["Location"] == of(first)
    assert owner.get(of(first, "withdraw"))["Location"] == of(first)
    assert owner.get(of(draft, "restore"))["Location"] == of(draft)
    assert owner.get(of(first, "review"))["Location"] == of(first)


@pytest.mark.parametrize("rest", ["restore", "what-if"])
def test_pages_about_a_former_book_take_few_queries(
    owner, acme, first, rest, django_assert_max_num_queries
):
    draft = draft_price_book(name="list", effective_from=clock.now(), actor="test")
    saved(owner, draft, **{f"price {LOW}": "21.0"})
    publish_price_book(
        book=draft, actor="test", now=clock.now(), confirmed=Confirmed("so", 1, None)
    )
    sold(images=3, captured_micros=3, cost_micros=1, tenant=acme)
    later = draft_price_book(name="list", effective_from=clock.now(), actor="test")
    scheduled(owner, later)

    with django_assert_max_num_queries(12):
        page = owner.get(of(first, rest))

    assert page.status_code == HTTPStatus.OK
