"""Shared price lists and a tenant's own prices in the operator's console."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from accounts.models import AuditEvent, Tenant, User
from accounts.services.office.tenants import create_tenant
from billing.models import PriceBook, PriceList, PriceListAssignment, SoldDay, UsageRollup
from billing.price_rows import BookRow
from billing.price_stops import Confirmed
from billing.selectors import current_table, rows_of
from billing.selectors.office.price_lists import list_of
from billing.services.office.price_lists import assign_price_list, create_price_list
from billing.services.office.prices import draft_price_book, publish_price_book, set_prices
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros
from tests.console.answers import lines_of, said_by
from tests.console.ops.conftest import signed_in

MODEL = "gpt-image-2"


def publish(prices: dict[str, int], *, owner: UUID | None = None, markup: str = "1") -> PriceBook:
    """Publish a book with these micros by quality, at 1024x1024."""
    now = clock.now()
    rows = [
        BookRow(MODEL, "1024x1024", word, Micros(one), 1024, 1024) for word, one in prices.items()
    ]
    draft = draft_price_book(
        name="everyones" if owner is None else f"of {owner}",
        rows=rows,
        effective_from=now,
        markup=Decimal(markup),
        tenant_id=owner,
        actor="test",
    )
    return publish_price_book(book=draft, actor="test", now=now)


def sold(to: Tenant, quality: str, images: int) -> None:
    SoldDay.objects.create(
        tenant=to, day=clock.now().date(), model=MODEL, asked="1024x1024", delivered="1024x1024",
        quality=quality, channel="one", is_demo=False, images=images,
        captured_micros=images * 1_000, refunded_micros=0, cost_micros=0,
        corrections_micros=0, losses_micros=0, loss_corrections_micros=0, credited_micros=0,
        unknown_images=0,
    )  # fmt: skip
    UsageRollup.objects.create(
        tenant=to, key_id=ids.new_uuid(), model=MODEL, channel="one", status="succeeded",
        hour=clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=1),
        generations=1, captured_micros=1_000,
    )  # fmt: skip


def units(tenant: Tenant) -> dict[str, int]:
    rows = current_table(tenant.id, clock.now()).rows
    return {quality: row.unit for (_, _, quality), row in rows.items()}


def address(tenant: Tenant, *more: str) -> str:
    return "/".join(["/ops/tenants", tenant.public_id, "prices", *more]) + "/"


@pytest.fixture
def acme(db):
    return create_tenant(name="acme", actor="test")


@pytest.fixture
def resellers(db):
    """A list at 900 for `low` (everyone pays 1,000) and at everyone's 4,000 for `high`."""
    publish({"low": 1_000, "high": 4_000})
    shared = create_price_list(name="Resellers", actor="test")
    publish({"low": 900, "high": 4_000}, owner=shared.id)
    return shared


def give(tenant: Tenant, shared: PriceList | None) -> None:
    assign_price_list(tenant_id=tenant.id, price_list=shared, actor="test", now=clock.now())


# --- lists ------------------------------------------------------------------------------------


def test_without_a_list_the_page_says_what_one_is_for(owner):
    answer = owner.get("/ops/prices/lists/")

    assert "No price list yet" in said_by(answer)
    assert "format=csv" not in answer.content.decode()


def test_lists_are_told_with_their_tenants_and_what_is_in_force(owner, acme, resellers):
    give(acme, resellers)
    create_price_list(name="Partners", actor="test")

    page = owner.get("/ops/prices/lists/")
    lines = lines_of(owner.get("/ops/prices/lists/?format=csv"))

    assert "Partners 0 nothing: its tenants pay everyone" in said_by(page)
    assert f'href="/ops/prices/lists/{resellers.id}/#tenants"' in page.content.decode()
    assert [(line["list"], line["tenants"], line["prices"]) for line in lines] == [
        ("Partners", "0", "0"),
        ("Resellers", "1", "2"),
    ]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("resellers", "A list named 'resellers' exists already"),
        ("", "This field cannot be blank"),
        ("none", "'none' means no list"),
        ("x" * 61, "at most 60 characters"),
        ("\0", "This field cannot be blank"),
    ],
)
def test_a_name_that_is_none_is_refused_where_it_was_typed(owner, resellers, name, why):
    answer = owner.post("/ops/prices/lists/new/", {"name": name})

    assert (answer.status_code, why in said_by(answer)) == (422, True)
    assert PriceList.objects.count() == 1


def test_a_list_is_made_once_and_its_page_shows_that_it_is_empty(owner, db):
    first, second = (owner.post("/ops/prices/lists/new/", {"name": "A & B"}) for _ in range(2))

    assert (first.status_code, second.status_code) == (303, 422)
    text = said_by(owner.get(first["Location"]))
    assert "A change affects 0 tenants" in text
    assert ("No prices in force" in text, "No tenant has it" in text) == (True, True)


def test_a_list_is_called_otherwise_and_what_its_tenants_pay_stays(owner, acme, resellers):
    give(acme, resellers)
    page = f"/ops/prices/lists/{resellers.id}/"

    answers = [owner.post(f"{page}rename/", {"name": " RESELLERS "}) for _ in range(2)]

    assert [answer["Location"] for answer in answers] == [page] * 2
    assert "RESELLERS" in said_by(owner.get(page))
    assert list_of(acme.id) == resellers
    assert units(acme) == {"low": 900, "high": 4_000}
    event = AuditEvent.objects.get(action="price_list.rename")
    assert (event.before, event.after) == ({"name": "Resellers"}, {"name": "RESELLERS"})
    assert (event.tenant, event.object_id) == (None, str(resellers.id))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("partners", "A list named 'partners' exists already"),
        (" \0", "This field cannot be blank"),
        ("None", "'none' means no list"),
        ("x" * 61, "at most 60 characters"),
    ],
)
def test_another_name_that_is_none_is_refused_where_it_was_typed(owner, resellers, name, why):
    create_price_list(name="Partners", actor="test")

    answer = owner.post(f"/ops/prices/lists/{resellers.id}/rename/", {"name": name})

    assert (answer.status_code, why in said_by(answer)) == (422, True)
    resellers.refresh_from_db()
    assert resellers.name == "Resellers"


def test_a_list_shows_what_differs_and_what_its_tenants_bought(owner, acme, resellers):
    give(acme, resellers)
    sold(acme, "low", 12)

    answer = owner.get(f"/ops/prices/lists/{resellers.id}/")

    text = said_by(answer)
    assert "A change affects 1 tenant." in text
    assert "1 from everyone" in text
    (cell,) = answer.context["cells"]
    assert (cell.change.key[2], cell.images, cell.change.percent) == ("low", 12, -10)
    (cell,) = owner.get(f"/ops/prices/lists/{resellers.id}/?mode=test").context["cells"]
    assert cell.images == 0
    (line,) = lines_of(owner.get(f"/ops/prices/lists/{resellers.id}/?format=csv"))
    assert (line["tenant"], line["name"]) == (acme.public_id, "acme")


def test_a_tenant_is_looked_for_by_name_and_led_to_what_would_change(owner, acme, resellers):
    page = f"/ops/prices/lists/{resellers.id}/"

    found = owner.get(page, {"tenant": " acme "})
    unknown = owner.get(page, {"tenant": "nobody\0"})

    assert found["Location"] == f"{address(acme, 'list')}?list={resellers.id}"
    assert (unknown.status_code, "There is no tenant nobody." in said_by(unknown)) == (422, True)


@pytest.mark.parametrize("path", ["01a21833-2da7-7b60-8e46-f3575c4c1be9", "x"])
def test_a_list_that_is_not_there_is_not_found(owner, path):
    assert owner.get(f"/ops/prices/lists/{path}/").status_code == 404


def test_the_review_of_a_lists_book_says_how_many_tenants_it_moves(owner, acme, resellers):
    give(acme, resellers)
    page = owner.get(f"/ops/prices/lists/{resellers.id}/").content.decode()
    (book,) = PriceBook.objects.filter(tenant_id=resellers.id)
    draft = owner.post("/ops/prices/new/", {"of": book.id})["Location"]
    changed = PriceBook.objects.get(published_at=None)
    rows = [BookRow(MODEL, "1024x1024", "low", Micros(950), 1024, 1024)]
    set_prices(book=changed, rows=rows, actor="test")

    review = said_by(owner.get(f"{draft}review/"))

    assert f'name="of" value="{book.id}"' in page
    assert "1 price, moves 1 tenant, by the money of 30 days" in review


def test_the_first_prices_of_a_list_are_uploaded_for_it(owner, db):
    made = create_price_list(name="A & B", actor="test")
    page = owner.get(f"/ops/prices/lists/{made.id}/").content.decode()

    form = owner.get("/ops/prices/new/?list=A%20%26%20B").content.decode()

    assert "/ops/prices/new/?list=A%20%26%20B" in page
    assert '<option value="A &amp; B" selected>A &amp; B</option>' in form


# --- a tenant's list --------------------------------------------------------------------------


def test_changed_prices_are_shown_before_a_list_is_assigned_once(owner, acme, resellers):
    sold(acme, "low", 12)
    page = address(acme, "list")

    shown = owner.get(page, {"list": resellers.id})
    form = {"list": resellers.id, "seen": shown.context["seen"]}
    first, second = owner.post(page, form), owner.post(page, form)

    assert "No list → Resellers" in said_by(shown)
    assert [(cell.change.key[2], cell.images) for cell in shown.context["cells"]] == [("low", 12)]
    assert (first.status_code, second.status_code) == (303, 303)
    assert units(acme) == {"low": 900, "high": 4_000}
    assert PriceListAssignment.objects.count() == 1
    text = said_by(owner.get(address(acme)))
    assert "Resellers since" in text
    assert "1 price differs from everyone" in text


def test_a_list_is_taken_away_and_put_back(owner, acme, resellers):
    give(acme, resellers)
    page = address(acme, "list")

    away = owner.get(page, {"list": "none"})
    owner.post(page, {"list": "none", "seen": away.context["seen"]})

    assert list_of(acme.id) is None
    assert f"{page}?list={resellers.id}" in owner.get(address(acme)).content.decode()


def test_a_large_change_is_confirmed_by_typing(owner, acme, resellers):
    publish({"low": 400}, owner=resellers.id)
    sold(acme, "low", 12)
    page = address(acme, "list")
    form = {"list": resellers.id, "seen": owner.get(page, {"list": resellers.id}).context["seen"]}
    mistakes = {
        "it needs a reason": {},
        "2 is not the number of changed prices": {"reason": "a deal", "changes": "2"},
        "'many' is not a whole number": {"reason": "a deal", "changes": "many"},
        "at most 200 characters": {"reason": "x" * 201, "changes": "1"},
    }

    refused = {why: owner.post(page, {**form, **typed}) for why, typed in mistakes.items()}

    assert {answer.status_code for answer in refused.values()} == {422}
    assert [why for why, answer in refused.items() if why not in said_by(answer).lower()] == []
    without_a_value = 'name="changes" required'
    assert [without_a_value in one.content.decode() for one in refused.values()] == [True] * 4
    assert list_of(acme.id) is None
    assert owner.post(page, {**form, "reason": "a deal", "changes": "1"}).status_code == 303
    event = AuditEvent.objects.get(action="price_list.confirm")
    assert (event.actor, (event.after or {})["reason"]) == (User.objects.get(), "a deal")


def test_prices_that_changed_since_they_were_shown_are_shown_again(owner, acme, resellers):
    page = address(acme, "list")
    seen = owner.get(page, {"list": resellers.id}).context["seen"]
    publish({"low": 950}, owner=resellers.id)

    answer = owner.post(page, {"list": resellers.id, "seen": seen})

    assert answer.status_code == 422
    assert "Prices have changed since these were shown" in said_by(answer)
    assert list_of(acme.id) is None


@pytest.mark.parametrize("named", ["x", "01a21833-2da7-7b60-8e46-f3575c4c1be9", ""])
def test_a_list_that_is_named_wrongly_is_not_found(owner, acme, resellers, named):
    page = address(acme, "list")

    assert owner.get(page, {"list": named}).status_code == 404
    assert owner.post(page, {"list": named, "seen": ""}).status_code == 404


# --- a tenant's own prices --------------------------------------------------------------------


def test_a_tenants_page_shows_what_of_its_own_differs_from_what_lies_below(owner, acme, resellers):
    give(acme, resellers)
    publish({"low": 800, "high": 4_000}, owner=acme.id)

    answer = owner.get(address(acme))
    (line,) = lines_of(owner.get(f"{address(acme)}?format=csv"))

    (cell,) = answer.context["cells"]
    assert (line["below"], line["own"], line["change_percent"]) == ("0.000900", "0.000800", "-11.1")
    page = answer.content.decode()
    events = f'href="/ops/audit/?tenant={acme.public_id}&amp;action=price_list."'
    assert ('href="?format=csv"' in page, events in page) == (True, True)
    assert (cell.change.was.unit, cell.change.becomes.unit) == (900, 800)
    assert "1 differs from what lies below; 1 as below now" in said_by(answer)


def test_chosen_prices_become_a_draft_that_charges_nobody(owner, acme, resellers):
    give(acme, resellers)

    form = {"model": MODEL, f"{MODEL} 1024x1024 low": "$0.0008"}
    form[f"{MODEL} 1024x1024 high"] = "0.004"
    made, again = (owner.post(address(acme, "own"), form) for _ in range(2))

    (draft,) = PriceBook.objects.filter(tenant_id=acme.id)
    assert made["Location"] == again["Location"] == f"/ops/prices/{draft.id}/review/"
    assert "For acme" in said_by(owner.get(f"/ops/prices/{draft.id}/"))
    assert (draft.name, draft.published_at) == ("acme", None)
    assert [(row.quality, row.micros) for row in rows_of(draft)] == [("low", 800)]  # high is below
    assert units(acme) == {"low": 900, "high": 4_000}


def test_a_price_that_is_cleared_falls_back_even_the_last_one(owner, acme, resellers):
    publish({"low": 800}, owner=acme.id)
    give(acme, resellers)

    owner.post(address(acme, "own"), {"model": MODEL})
    draft = PriceBook.objects.get(tenant_id=acme.id, published_at=None)
    publish_price_book(book=draft, actor="test", now=clock.now())

    assert not rows_of(draft)
    assert units(acme) == {"low": 900, "high": 4_000}


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("0", "Type a price above 0, or nothing."),
        ("-1", "Type a price above 0, or nothing."),
        ("1,5", "is not an amount: type dollars"),
        ("0.0000001", "is not an amount with at most 6 decimals: type"),
        ("NaN", "is not an amount: type dollars"),
        ("9" * 30, "is too large: type dollars"),
        ("\0", "is not an amount: type dollars"),
    ],
)
def test_a_mistyped_price_is_explained_beside_it_and_nothing_is_drafted(
    owner, acme, resellers, typed, why
):
    answer = owner.post(address(acme, "own"), {"model": MODEL, f"{MODEL} 1024x1024 low": typed})

    assert (answer.status_code, why in said_by(answer)) == (422, True)
    assert not PriceBook.objects.filter(tenant_id=acme.id).exists()


def test_a_form_that_changes_nothing_drafts_nothing(owner, acme, resellers):
    answer = owner.post(address(acme, "own"), {"model": MODEL})

    assert (answer.status_code, "No price differs" in said_by(answer)) == (422, True)


def test_a_book_with_a_markup_is_not_typed_over(owner, acme, resellers):
    publish({"low": 800}, owner=acme.id, markup="0.5")

    shown = owner.get(address(acme, "own"))
    sent = owner.post(address(acme, "own"), {"model": MODEL, f"{MODEL} 1024x1024 low": "0.0003"})

    assert "has a markup of 0.5" in said_by(shown)
    assert sent.status_code == 422
    assert PriceBook.objects.filter(tenant_id=acme.id).count() == 1


def test_no_two_owners_books_have_the_same_name(owner, resellers):
    named = create_tenant(name="everyones", actor="test")

    owner.post(address(named, "own"), {"model": MODEL, f"{MODEL} 1024x1024 low": "0.0008"})

    assert PriceBook.objects.get(tenant_id=named.id).name == named.public_id


def test_without_prices_there_is_nothing_to_override(owner, acme):
    assert "No prices are in force" in said_by(owner.get(address(acme, "own")))
    assert owner.post(address(acme, "own"), {"model": "x"}).status_code == 422


# --- a new tenant, roles, statements ----------------------------------------------------------


def form_of(name: str, **more: Any) -> dict[str, Any]:
    return {"once": ids.new_uuid(), "name": name, "owner": "o@example.com", **more}


def test_a_new_tenant_has_the_list_that_an_owner_chose(owner, resellers):
    owner.post("/ops/do/tenant.create/", form_of("new", price_list=resellers.id))

    assert units(Tenant.objects.get(name="new"))["low"] == 900


def test_an_operator_chooses_no_list(owner, resellers):
    operator = signed_in("operator")

    assert "Shared list" not in said_by(operator.get("/ops/do/tenant.create/"))
    operator.post("/ops/do/tenant.create/", form_of("new", price_list=resellers.id))
    assert list_of(Tenant.objects.get(name="new").id) is None


def test_finance_drafts_and_only_owners_assign(owner, acme, resellers):
    finance, support = signed_in("finance"), signed_in("support")
    page = address(acme, "list")

    asked = [(client.get(page).status_code) for client in (finance, support, signed_in("operator"))]
    drafts = [client.get(address(acme, "own")).status_code for client in (finance, support)]

    assert (asked, drafts) == ([404, 404, 404], [200, 404])
    texts = [client.get(address(acme)).content.decode() for client in (finance, support)]
    assert [f"{page}?" in text for text in texts] == [False, False]
    assert [f'action="{page}"' in text for text in texts] == [False, False]


def test_a_list_that_changes_much_is_looked_at_by_few_statements(
    owner, acme, resellers, django_assert_max_num_queries
):
    publish({"low": 800}, owner=acme.id)
    publish({"low": 900, "high": 1_000}, owner=resellers.id)
    sold(acme, "high", 3)

    with django_assert_max_num_queries(12):
        answer = owner.get(f"{address(acme, 'list')}?list={resellers.id}")

    assert answer.context["stops"].number_of_changes == 1


def test_the_review_of_a_lists_book_asks_few_statements(
    owner, acme, resellers, django_assert_max_num_queries
):
    give(acme, resellers)
    publish({"low": 800}, owner=acme.id)
    sold(acme, "high", 3)
    now = clock.now()
    books = [
        draft_price_book(
            name=f"of {resellers.id}",
            rows=[BookRow(MODEL, "1024x1024", "high", Micros(high), 1024, 1024)],
            effective_from=now + timedelta(days=1),
            tenant_id=resellers.id,
            actor="test",
        )
        for high in (9_000, 90_000)
    ]
    confirmed = Confirmed("a deal", changes=2)
    scheduled = publish_price_book(book=books[0], actor="test", now=now, confirmed=confirmed)

    for page in (f"{books[1].pk}/review/", f"{scheduled.pk}/withdraw/"):
        with django_assert_max_num_queries(12):
            answer = owner.get(f"/ops/prices/{page}")
        assert (answer.status_code, answer.context["moves"]) == (200, 1)


def test_pages_ask_few_statements(owner, acme, resellers, django_assert_max_num_queries):
    for number in range(5):
        tenant = create_tenant(name=f"tenant {number}", actor="test")
        give(tenant, resellers)
        publish({"low": 800}, owner=tenant.id)
    give(acme, resellers)
    publish({"low": 800}, owner=acme.id)

    for page in (
        "/ops/prices/lists/",
        f"/ops/prices/lists/{resellers.id}/",
        address(acme),
        f"{address(acme, 'list')}?list=none",
        address(acme, "own"),
    ):
        with django_assert_max_num_queries(12):
            assert owner.get(page).status_code == 200
