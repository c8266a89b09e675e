"""Drafts begun as a copy of a book or from a file, and deleted."""

from http import HTTPStatus

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.services.office.tenants import create_tenant
from billing.models import PriceBook
from billing.selectors import current_table, rows_of
from billing.services.office.price_lists import create_price_list
from pictor.kit.words import clock
from tests.console.answers import words_of
from tests.console.ops.channel_pages import text_of
from tests.console.ops.prices.conftest import LIST, ORIGIN, of, published

NEW = f"{LIST}new/"
ROWS = f"model,size,quality,usd\n{ORIGIN},1024x1024,low,0.01\n"


def newest() -> PriceBook:
    return PriceBook.objects.latest("id")


def test_a_copy_has_the_prices_the_markup_and_the_owner_of_its_book(owner, first):
    page = owner.get(NEW)
    answer = owner.post(NEW, {"of": first.pk})

    assert f'<option value="{first.pk}" selected>' in words_of(page)
    assert answer["Location"] == of(newest())
    assert (newest().name, newest().version) == (first.name, first.version + 1)
    assert rows_of(newest()) == rows_of(first)


def test_a_double_click_makes_one_draft(owner, first):
    places = {owner.post(NEW, {"of": first.pk})["Location"] for _ in range(2)}

    assert places == {of(newest())}
    assert PriceBook.objects.count() == 2


def test_a_file_is_a_draft_of_everyones_a_tenants_or_a_lists_prices(owner, first):
    acme = create_tenant(name="acme", actor="test")
    shared = create_price_list(name="Resellers", actor="test")
    owners = []
    for name, words in (("all", {}), ("own", {"tenant": "acme"}), ("res", {"list": "Resellers"})):
        upload = SimpleUploadedFile("prices.csv", b"\xef\xbb\xbf" + ROWS.encode())
        owner.post(NEW, {"file": upload, "name": name, "markup": "1.2", **words})
        owners.append(newest().tenant_id)

    assert owners == [None, acme.id, shared.id]
    assert [row.micros for row in rows_of(newest())] == [10_000]
    assert str(newest().markup.normalize()) == "1.2"
    assert "For Tenants on Resellers" in text_of(owner.get(of(newest())))


def test_a_file_of_one_model_leaves_the_others_as_they_are(owner, first):
    answer = owner.post(NEW, {"rows": ROWS, "name": "list", "model": f" {ORIGIN} "})

    assert answer["Location"] == f"{of(newest())}?model={ORIGIN}"
    kept = [row for row in rows_of(first) if row.model != ORIGIN]
    assert [row for row in rows_of(newest()) if row.model != ORIGIN] == kept
    assert [row.micros for row in rows_of(newest()) if row.model == ORIGIN] == [10_000]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"rows": ROWS, "model": "dall-e-3"}, f"prices of {ORIGIN}, not only of dall-e-3"),
        ({"rows": ROWS, "model": ORIGIN, "markup": "2"}, "would change the prices of the other"),
        ({"rows": ""}, "The columns model, quality, size, usd are missing"),
        ({"rows": "model,size,quality,usd\n"}, "The file has no prices"),
        ({"rows": f"{ROWS}{ORIGIN},1024x1024,high,0,21\n"}, "Line 3: more cells than columns"),
        (
            {"rows": f"{ROWS}m,1x1,low,fifty\nm,big,low,1\n"},
            "Line 3: 'fifty' is not an amount; line 4: big needs width and height in pixels",
        ),
        ({"rows": f"{ROWS}{'m' * 101},1x1,low,1\n"}, "model is longer than 100 characters"),
        ({"rows": f"{ROWS}m,{'9' * 6}x{'9' * 6},low,1\n"}, "size is longer than 11 characters"),
        ({"rows": f"{ROWS}m\0,1x1,low,1\n"}, "or not text"),
        ({"rows": ROWS, "name": " "}, "Name: This field cannot be blank"),
        ({"rows": ROWS, "name": "x" * 61}, "at most 60 characters"),
        ({"rows": ROWS, "markup": "0"}, "'0' is not a factor above 0"),
        ({"rows": ROWS, "markup": "1,2"}, "'1,2' is not a number such as 1.2"),
        ({"rows": ROWS, "markup": "1_2"}, "'1_2' is not a number such as 1.2"),
        ({"rows": ROWS, "markup": "\u0661\u0662"}, "is not a number such as 1.2"),
        ({"rows": ROWS, "markup": "1e1"}, "'1e1' is not a number such as 1.2"),
        ({"rows": ROWS, "markup": "NaN"}, "'NaN' is not a number such as 1.2"),
        ({"rows": ROWS, "tenant": "nobody"}, "There is no tenant nobody"),
        ({"rows": ROWS, "list": "nothing"}, "There is no shared list nothing"),
        ({"rows": ROWS, "tenant": "a", "list": "b"}, "not both"),
        ({"of": "x"}, "There is no such price book"),
        ({"of": "9" * 30}, "There is no such price book"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_drafted(owner, first, said, words):
    answer = owner.post(NEW, {"name": "list", **said})

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert words in text_of(answer)
    assert PriceBook.objects.count() == 1


def test_a_name_is_one_owners_so_a_field_left_empty_makes_nobody_elses_prices(owner, first):
    create_tenant(name="acme", actor="test")
    owner.post(NEW, {"rows": ROWS, "name": "own", "tenant": "acme"})

    everyones = owner.post(NEW, {"rows": ROWS, "name": "own"})
    acmes = owner.post(NEW, {"rows": ROWS, "name": "list", "tenant": "acme"})
    again = owner.post(NEW, {"rows": ROWS, "name": "own", "tenant": "acme", "markup": "2"})

    assert "'own' is the name of other prices, for acme" in text_of(everyones)
    assert "'list' is the name of other prices, for everyone" in text_of(acmes)
    assert again["Location"] == of(newest())
    assert newest().known_as == "own:2"


def test_a_list_is_without_prices_again_by_a_file_without_any(owner, first):
    shared = create_price_list(name="Resellers", actor="test")
    said = {"name": "res", "list": "Resellers"}
    owner.post(NEW, {"rows": ROWS, **said})
    published(owner, newest())
    priced = current_table(shared.id, clock.now()).rows[ORIGIN, "1024x1024", "low"].unit

    owner.post(NEW, {"rows": "model,size,quality,usd\n", **said})
    shown = text_of(owner.get(of(newest())))
    published(owner, newest())

    assert "Once it is in force, the prices below it hold again" in shown
    table = current_table(shared.id, clock.now())
    assert priced == 10_000
    assert table.rows[ORIGIN, "1024x1024", "low"].unit == 5_880
    assert newest().id in table.books


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\xff\xfe", "not UTF-8 text"), (b"m" * 600_000, "larger than 512 KiB")],
    ids=["no text", "too large"],
)
def test_files_that_are_no_text_or_too_large_are_refused(owner, first, content, words):
    answer = owner.post(NEW, {"name": "list", "file": SimpleUploadedFile("p.csv", content)})

    assert words in text_of(answer)


def test_a_refused_form_keeps_typed_rows(owner, first):
    page = owner.post(NEW, {"name": "own", "rows": "no header", "markup": "1.2"}).content.decode()

    assert "no header</textarea>" in page
    assert 'value="own"' in page


def test_a_book_goes_out_and_comes_in_as_it_is(owner, first):
    text = owner.get(f"{LIST}{first.pk}.csv").content.decode()

    owner.post(NEW, {"name": "list", "rows": text})

    assert rows_of(newest()) == rows_of(first)
    assert newest() != first


def test_a_draft_is_thrown_away_once(owner, first, draft):
    answers = [owner.post(of(draft, "discard")) for _ in range(2)]

    assert [answer["Location"] for answer in answers] == [LIST, LIST]
    assert PriceBook.objects.get() == first
    published = owner.post(of(first, "discard"), follow=True)
    assert "The book is published already" in text_of(published)


def test_a_book_that_is_not_there_has_no_pages(owner):
    pages = ("", "review/", "restore/", "withdraw/", "change/", "what-if/")
    statuses = [owner.get(f"{LIST}999999/{page}").status_code for page in pages]

    assert statuses == [HTTPStatus.NOT_FOUND] * 6
