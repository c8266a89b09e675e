"""The list of price books and one book: its prices and its margin."""

from datetime import timedelta
from http import HTTPStatus

import pytest

from accounts.models import User
from billing.models import PriceBook
from billing.price_stops import CellCost
from billing.selectors import rows_of
from billing.services.office.price_lists import create_price_list
from billing.services.office.prices import (
    draft_price_book,
    publish_price_book,
    restore_price_book,
)
from billing.upstream_cost import Cost, CostSource
from generation.catalogue import offer
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.console.answers import csv_of
from tests.console.ops.channel_pages import text_of
from tests.console.ops.prices.conftest import (
    LIST,
    LOW,
    ORIGIN,
    of,
    price_of,
    published,
    saved,
    sold,
)

MAX_QUERIES = 12


def test_the_list_says_of_each_book_what_it_is_and_by_whom(owner, first, draft):
    scheduled = published(
        owner, draft, begins=f"{clock.now() + timedelta(days=2):%Y-%m-%d %H:%M} UTC"
    )

    said = text_of(owner.get(LIST))

    assert scheduled.status_code == HTTPStatus.SEE_OTHER
    assert said.index("Scheduled takes over at") < said.index("In force since")
    assert f"{draft.known_as} " in said
    assert "op@pictor.example" in said
    assert "All 2 Scheduled 1 In force 1 Draft 0 Past 0 Withdrawn 0" in said


def test_the_list_as_csv_is_filtered_as_it_is(owner, first, draft):
    rows = csv_of(owner.get(LIST, {"format": "csv", "show": "draft"})).splitlines()

    assert rows[0] == "book,tenant,list,state,begins,published,by,markup,prices"
    assert [row.split(",")[:4] for row in rows[1:]] == [[draft.known_as, "", "", "draft"]]


def test_a_search_without_a_match_says_so(owner):
    said = text_of(owner.get(LIST, {"q": "no such"}))

    assert "No price books match" in said


def test_a_book_shows_what_sold_first_with_its_margin(owner, first):
    price = price_of(first)
    sold(images=10, captured_micros=10 * price, cost_micros=10 * price // 2)
    sold(quality="high", images=4, captured_micros=4, cost_micros=4 * 900_000)
    sold(quality="medium", images=1, captured_micros=1, unknown_images=1)

    page = owner.get(of(first))

    said = text_of(page)
    assert f"{ORIGIN} 15 images in 30 days" in said
    assert page.context["grid"].lines[0].size == "1024x1024"
    cells = {word: cell for word, cell in page.context["grid"].lines[0].cells if cell}
    assert round(cells["low"].percent) == 50
    assert (cells["high"].is_below_cost, cells["medium"].percent) == (True, None)
    assert "10 images in 30 days, cost $0.00294 each" in said
    assert "1 image in 30 days, cost unknown" in said


def test_without_sales_the_margin_is_that_at_the_cost_in_force(owner, first, monkeypatch):
    dear, cheap = (
        CellCost((ORIGIN, "1024x1024", "low"), name, Cost(Micros(micros), CostSource.FLAT))
        for name, micros in (("dear", 2_940), ("cheap", 1))
    )
    monkeypatch.setattr(
        offer, "served", lambda moments, also_off: {at: [dear, cheap] for at in moments}
    )

    page = owner.get(of(first), {"model": ORIGIN})

    cells = {cell.name: cell for cell in page.context["grid"].model.cells}
    assert round(cells[LOW].percent) == 50
    assert "None sold in 30 days. Cost in force $0.00294" in text_of(page)


def test_an_unknown_model_says_so_and_shows_no_other(owner, first):
    page = owner.get(of(first), {"model": "nothing"})

    assert "No prices of “nothing” here" in text_of(page)
    assert page.context["grid"] is None


def test_a_book_leads_to_its_margin_and_its_events(owner, first):
    page = owner.get(of(first), {"model": "gpt-image-2"}).content.decode()
    demo = owner.get(of(first), {"model": "gpt-image-2", "mode": "demo"}).content.decode()

    assert 'href="/ops/margin/?by=cell&amp;model=gpt-image-2"' in page
    assert 'href="/ops/margin/?by=cell&amp;model=gpt-image-2&amp;mode=demo"' in demo
    assert f'href="/ops/audit/?about={first.pk}&amp;action=price_book."' in page
    assert f'<a href="{LIST}?mode=demo">Prices</a>' in demo


def test_a_lists_book_leads_to_its_list(owner, first):
    shared = create_price_list(name="Resellers", actor="test")
    book = draft_price_book(
        name="resellers",
        rows=rows_of(first),
        effective_from=clock.now(),
        tenant_id=shared.id,
        actor="test",
    )

    pages = [owner.get(path).content.decode() for path in (LIST, of(book))]

    link = f'href="/ops/prices/lists/{shared.id}/"'
    assert [link in page for page in pages] == [True, True]


def test_demo_sales_are_never_with_the_others(owner, first):
    sold(images=7, is_demo=True, cost_micros=7)

    live, demo, test = (owner.get(of(first), {"mode": mode}) for mode in ("live", "demo", "test"))

    images = [page.context["grid"].model.images for page in (live, demo, test)]
    assert images == [0, 7, 0]
    assert "Tests sell nothing" in text_of(test)


def test_a_search_finds_prices_of_any_model(owner, first):
    page = owner.get(of(first), {"q": "3840x2160 high"})

    found = {cell.name for cell in page.context["found"]}
    assert f"{ORIGIN} 3840x2160 high" in found
    assert all(name.endswith("3840x2160 high") for name in found)
    assert "No prices match" in text_of(owner.get(of(first), {"q": "no such"}))


@pytest.mark.parametrize("rest", [(), ("review",)])
def test_a_page_takes_few_queries(owner, draft, rest, django_assert_max_num_queries):
    sold(images=3, captured_micros=3, cost_micros=1)
    saved(owner, draft, how="by", number="5", which="book")

    with django_assert_max_num_queries(MAX_QUERIES):
        assert owner.get(of(draft, *rest)).status_code == HTTPStatus.OK


def test_the_list_takes_few_queries(owner, draft, django_assert_max_num_queries):
    with django_assert_max_num_queries(MAX_QUERIES):
        owner.get(LIST)


def test_the_list_is_read_a_page_at_a_time(owner, first, django_assert_max_num_queries):
    PriceBook.objects.bulk_create(
        PriceBook(
            name=name,
            version=version,
            effective_from=first.effective_from + timedelta(days=-(version // 40)),
        )
        for name in ("b", "a")
        for version in range(1, 61)
    )

    with django_assert_max_num_queries(3 * MAX_QUERIES) as asked:
        pages = [owner.get(LIST)]
        pages += [owner.get(LIST + pages[0].context["older"])]
        pages += [owner.get(LIST + pages[1].context["older"])]
    pages_read = sum("LIMIT 51" in one["sql"] for one in asked)
    rows = csv_of(owner.get(LIST, {"format": "csv"})).splitlines()

    listed = [[shown.book.known_as for shown in page.context["rows"]] for page in pages]
    of_a, of_b = ([f"{name}:{version}" for version in range(60, 0, -1)] for name in "ab")
    assert listed[0] == [first.known_as, *of_a[21:], *of_b[21:31]]
    assert listed[1] == [*of_b[31:], *of_a[:21]]
    assert listed[2] == of_b[:21]
    assert pages[2].context["older"] == ""
    assert [row.split(",")[0] for row in rows[1:]] == [*listed[0], *listed[1], *listed[2]]
    assert pages_read == 3


def test_finance_may_draft_and_not_publish_and_support_only_looks(client, settings, draft):
    settings.STAFF_MFA = False
    pages = {}
    for role in ("support", "finance", "owner"):
        person = User.objects.create_user(f"{role}@pictor.example", "x", staff_role=role)
        client.force_login(person)
        pages[role] = [text_of(client.get(of(draft, *rest))) for rest in ((), ("review",))]

    assert ["Show before and after" in pages[role][0] for role in pages] == [False, True, True]
    assert ["An owner publishes it" in pages[role][1] for role in pages] == [True, True, False]


def test_a_book_put_in_force_leads_back_to_the_former_one_for_a_day(owner, first, draft):
    saved(owner, draft, how="by", number="5", which="book")
    publish_price_book(book=draft, actor="test", now=clock.now())

    pages = [owner.get(page).content.decode() for page in (LIST, "/ops/")]

    assert [f"Put {first.known_as} back" in page for page in pages] == [True, True]
    assert [of(first, "restore") in page for page in pages] == [True, True]


def test_a_book_put_back_does_not_lead_back_to_the_mistake(owner, first, draft):
    saved(owner, draft, how="by", number="5", which="book")
    publish_price_book(book=draft, actor="test", now=clock.now())
    restore_price_book(book=first, actor="test", now=clock.now())

    assert "took over from" not in owner.get(LIST).content.decode()
