"""Prices of a draft, typed or changed in bulk: shown first, saved as shown, undone."""

from http import HTTPStatus

import pytest

from accounts.models import AuditEvent
from billing.services.office.prices import publish_price_book, set_prices
from generation.catalogue.services import copy_contract
from pictor.kit.words import clock
from tests.console.ops.channel_pages import text_of
from tests.console.ops.prices.conftest import (
    LOW,
    ORIGIN,
    SIZE,
    hidden_in,
    of,
    price_of,
    saved,
    sold,
)

MEDIUM = f"{ORIGIN} {SIZE} medium"


def test_a_typed_price_is_shown_before_and_after_and_then_saved(owner, draft):
    page = owner.post(of(draft, "change"), {f"price {LOW}": "0.21", "model": ORIGIN})
    untouched = price_of(draft)
    answer = owner.post(of(draft, "change"), hidden_in(page))

    said = text_of(page)
    assert f"{ORIGIN} 1024x1024 low $0.00588 $0.210 ■ 3471.4%" in said
    assert "1 price changes by more than 50%: perhaps mistyped" in said
    assert untouched == 5_880
    assert answer["Location"] == f"{of(draft)}?model={ORIGIN}"
    assert (price_of(draft), price_of(draft, MEDIUM)) == (210_000, 52_680)
    event = AuditEvent.objects.filter(action="price_book.prices").latest("id")
    assert event.actor_name == "op@pictor.example"


def test_a_price_is_typed_where_a_model_on_offer_has_none(owner, draft):
    copy_contract(model="new", source="gpt-image-2", actor="test")
    auto, low = "new auto low", f"new {SIZE} low"

    grid = text_of(owner.get(of(draft), {"model": "new"}))
    typed = {"model": "new", f"price {low}": "0.21", f"price {auto}": "1"}
    page = owner.post(of(draft, "change"), typed)
    answer = saved(owner, draft, **typed)
    review = text_of(owner.get(of(draft, "review")))

    assert "1024x1024 ■ no price" in grid
    assert answer["Location"] == f"{of(draft)}?model=new"
    assert (price_of(draft, low), price_of(draft, auto)) == (210_000, 1_000_000)
    assert "none $0.210 \N{EN DASH} unknown" in text_of(page)
    assert f"{low} none $0.210 \N{EN DASH} 0 \N{EN DASH}" in review


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("0", "a price must be above 0"),
        ("-1", "a price must be above 0"),
        ("0,21", "'0,21' is not an amount"),
        ("a lot", "'a lot' is not an amount"),
        ("0.0000001", "with at most 6 decimals"),
        ("1e3", "'1e3' is not an amount"),
        ("99999999999", "is too large"),
    ],
)
def test_a_mistyped_price_is_named_with_its_cell(owner, draft, typed, words):
    page = owner.post(of(draft, "change"), {f"price {LOW}": typed})

    assert page.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    said = text_of(page)
    assert f" {LOW}: " in said
    assert words in said


@pytest.mark.parametrize(
    ("how", "number", "after"),
    [
        ("by", "5", 6_174),
        ("by", "+5%", 6_174),
        ("by", "-50 %", 2_940),
        ("cost-times", "1.3", 5_202),
        ("round-up", "0.001", 6_000),
        ("round-up", "$0.01", 10_000),
    ],
)
def test_an_operation_changes_only_ticked_prices(owner, draft, how, number, after):
    sold(images=2, cost_micros=8_002)

    saved(owner, draft, how=how, number=number, cell=[LOW])

    assert (price_of(draft), price_of(draft, MEDIUM)) == (after, 52_680)


@pytest.mark.parametrize(
    ("how", "number", "words"),
    [
        ("by", "", "is not a number such as 5 or -2.5"),
        ("by", "5,5", "is not a number"),
        ("by", "0", "from -99 to 1000, other than 0"),
        ("by", "-100", "from -99 to 1000"),
        ("by", "50000", "from -99 to 1000"),
        ("by", "\N{ARABIC-INDIC DIGIT FIVE}", "is not a number"),
        ("cost-times", "0", "is not a factor above 0"),
        ("cost-times", "130", "up to 100"),
        ("round-up", "0", "is not an amount above 0"),
        ("round-up", "0.0000001", "with at most 6 decimals"),
        ("times", "2", "'times' is not one of by, cost-times, round-up"),
        ("by", "9" * 40, "is not a number"),
    ],
)
def test_a_senseless_operation_changes_nothing(owner, draft, how, number, words):
    page = owner.post(of(draft, "change"), {"how": how, "number": number, "which": "book"})

    assert page.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert words in text_of(page)
    assert price_of(draft) == 5_880


def test_a_number_without_an_operation_is_refused(owner, draft):
    said = {f"price {LOW}": "0.006", "model": ORIGIN, "number": "5"}
    page = owner.post(of(draft, "change"), said)

    assert page.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Choose an operation for '5', or empty “By”" in text_of(page)
    assert 'value="0.006"' in page.content.decode()


def test_an_operation_on_nothing_asks_for_ticks(owner, draft):
    page = owner.post(of(draft, "change"), {"how": "by", "number": "5"})

    assert "Tick the prices to change" in text_of(page)


def test_percent_500_is_shown_as_perhaps_mistyped(owner, draft):
    page = owner.post(of(draft, "change"), {"how": "by", "number": "500", "which": "book"})

    assert "change by more than 50%: perhaps mistyped" in text_of(page)


def test_prices_without_known_cost_or_only_held_are_left_out_and_named(owner, draft):
    page = owner.post(of(draft, "change"), {"how": "cost-times", "number": "1.3", "which": "book"})

    said = text_of(page)
    assert "Left out because their cost is unknown: " in said
    assert "Left out because the price is only held: " in said
    assert "No price changes" in said


def test_a_bulk_change_begins_at_typed_prices(owner, draft):
    saved(
        owner, draft, **{f"price {LOW}": "0.01"}, how="by", number="10", which="model", model=ORIGIN
    )

    assert (price_of(draft), price_of(draft, MEDIUM)) == (11_000, 57_948)


def test_prices_that_changed_meanwhile_are_shown_again(owner, draft):
    page = owner.post(of(draft, "change"), {"how": "by", "number": "5", "cell": [LOW]})
    saved(owner, draft, **{f"price {LOW}": "0.01"})

    answer = owner.post(of(draft, "change"), hidden_in(page))

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Prices have changed since these were shown" in text_of(answer)
    assert price_of(draft) == 10_000


def test_a_second_click_adds_no_second_five_percent(owner, draft):
    fields = hidden_in(
        owner.post(of(draft, "change"), {"how": "by", "number": "5", "which": "book"})
    )

    for _ in range(2):
        owner.post(of(draft, "change"), fields)

    assert price_of(draft) == 6_174


def test_the_last_change_is_taken_back_and_done_again(owner, draft):
    saved(owner, draft, how="by", number="5", which="book")
    prices = []
    for _ in range(2):
        owner.post(of(draft, "undo"), hidden_in(owner.get(of(draft))))
        prices.append(price_of(draft))

    assert prices == [5_880, 6_174]


def test_only_the_change_that_was_shown_is_taken_back(owner, draft):
    saved(owner, draft, how="by", number="5", which="book")
    fields = hidden_in(owner.get(of(draft)))
    saved(owner, draft, **{f"price {LOW}": "0.01"})

    answer = owner.post(of(draft, "undo"), fields, follow=True)

    assert "Prices have changed since these were shown" in text_of(answer)
    assert price_of(draft) == 10_000


def test_a_row_that_was_removed_comes_back(owner, draft):
    (row,) = (price for price in draft.prices.all() if f"{price}" == LOW)
    set_prices(book=draft, removed=[(row.model, row.size, row.quality)], actor="test")

    owner.post(of(draft, "undo"), hidden_in(owner.get(of(draft))))

    assert price_of(draft) == 5_880


@pytest.mark.parametrize(
    ("markup", "said", "is_taken"),
    [("1.2", "1 → 1.2", True), ("0", "is not a factor", False), ("1,2", "is not a number", False),
     ("", "", True), ("NaN", "is not a number", False), ("1.23456", "4 decimal places", False)],
)  # fmt: skip
def test_a_markup_is_set_in_words(owner, draft, markup, said, is_taken):
    answer = owner.post(of(draft, "markup"), {"markup": markup}, follow=True)

    draft.refresh_from_db()
    assert said in text_of(answer)
    assert (str(draft.markup.normalize()) == (markup or "1")) is is_taken


def test_with_a_markup_a_cell_shows_the_list_price_that_is_typed_and_its_charge(owner, draft):
    owner.post(of(draft, "markup"), {"markup": "100"})

    page = owner.get(of(draft), {"q": LOW})
    after = owner.post(of(draft, "change"), {f"price {LOW}": "0.006"})

    assert "markup x 100: type list prices, before the markup" in text_of(page)
    assert "$0.00588 charged $0.588" in text_of(page)
    named = " ".join(page.content.decode().split())
    assert f'"List price of {LOW}, USD, now $0.00588"' in named
    assert "as before; charges, with the markup x 100" in text_of(after)
    assert f"{ORIGIN} 1024x1024 low $0.588 $0.600 2.0%" in text_of(after)


def test_with_a_markup_what_is_charged_is_rounded_up_and_never_below(owner, draft):
    owner.post(of(draft, "markup"), {"markup": "1.2345"})
    saved(owner, draft, how="round-up", number="0.001", cell=[LOW])

    page = owner.get(of(draft), {"q": LOW})
    assert [cell.unit for cell in page.context["found"]] == [8_000]
    assert price_of(draft) == 6_480


def test_a_published_book_cannot_be_changed(owner, draft):
    publish_price_book(book=draft, actor="test", now=clock.now())

    page = saved(owner, draft, how="by", number="5", which="book")
    undone = owner.post(of(draft, "undo"), {}, follow=True)

    assert "The book is published already" in text_of(page)
    assert "The book is published already" in text_of(undone)
    assert price_of(draft) == 5_880


@pytest.mark.parametrize("decision", ["change", "markup", "undo"])
def test_every_form_of_a_draft_leads_back_to_its_mode_and_model(owner, draft, decision):
    saved(owner, draft, **{f"price {LOW}": "0.006"})
    shown = owner.get(of(draft), {"mode": "demo", "model": ORIGIN}).content.decode()
    said = {"model": ORIGIN, "markup": "1.2", f"price {LOW}": "0.007"}
    address = f"{of(draft, decision)}?mode=demo"

    page = owner.post(address, said | hidden_in(owner.get(of(draft), {"model": ORIGIN})))
    answer = owner.post(address, hidden_in(page)) if decision == "change" else page

    assert f'action="{address}"' in shown
    assert answer["Location"] == f"{of(draft)}?mode=demo&model={ORIGIN}"


def test_the_form_of_the_markup_says_the_model(owner, draft):
    page = owner.get(of(draft), {"model": "gpt-image-2"}).content.decode()

    form = page[page.index("/markup/") :]
    assert '<input type="hidden" name="model" value="gpt-image-2">' in form[: form.index("</form>")]


def test_the_address_of_what_is_typed_again_leads_to_the_book(owner, draft):
    answer = owner.get(of(draft, "retype"))

    assert (answer.status_code, answer["Location"]) == (HTTPStatus.FOUND, of(draft))
