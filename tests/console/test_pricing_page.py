"""The public price list and its calculator, against the prices seeded and in force."""

import pytest

from billing.pixel_prices import by_megapixels
from billing.price_rows import BookRow, row_by
from billing.pricing import least, quote
from billing.selectors import book_in_force, current_table, rows_of
from billing.services.office.prices import draft_price_book, publish_price_book, withdraw_price_book
from generation.models import Contract
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.console.answers import words_of
from tests.making.seeds import sow

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]


@pytest.fixture
def priced(db):
    sow()


def test_without_prices_the_page_says_that_nothing_can_be_charged(client):
    answer = client.get("/pricing/")

    assert answer.status_code == 200
    assert "No prices are in force" in words_of(answer)


def test_the_list_shows_the_prices_in_force(client, priced, django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        answer = client.get("/pricing/")

    page = words_of(answer)
    assert "$0.05268" in page
    assert "from $0.016 per image" in page


def test_from_is_the_least_that_a_quote_allows(client, priced):
    shown = {model.name: model.least for model in client.get("/pricing/").context["models"]}
    table = current_table(None, clock.now())
    quoted = quote(table, model="gpt-image-2", size="auto", quality="auto", n=1)

    assert shown["gpt-image-2"] == least(table, quoted.priced) == 4_020
    assert shown["gpt-image-2"] < table.qualities("gpt-image-2", "1024x1024")["low"].unit


def test_sizes_by_a_rule_are_listed_at_their_highest_price(client, priced):
    now = clock.now()
    terms = by_megapixels([Micros(3_000), Micros(1_500)])
    rows = rows_of(book_in_force(None, now))
    rows += [
        row_by(BookRow("dall-e-3", "any", word, Micros(0), 1024, 1024), terms)
        for word in ("standard", "hd")
    ]
    book = draft_price_book(name="list", rows=rows, effective_from=now, actor="test")
    publish_price_book(book=book, actor="test", now=now)
    bounds = {"step": 16, "min_side": 256, "max_side": 4096, "min_pixels": 1_500_000}
    rule = {**bounds, "max_pixels": 4_194_304, "max_ratio": 3}
    Contract.objects.filter(pk="dall-e-3").update(size_rule=rule)

    answer = client.get("/pricing/?model=dall-e-3&size=any&quality=hd&images=1000")

    (model,) = [one for one in answer.context["models"] if one.name == "dall-e-3"]
    assert (model.sizes[-1].name, model.sizes[-1].prices) == ("any", (7_500, 7_500))
    assert model.least == 4_500  # of two megapixels
    page = words_of(answer)
    assert "other sizes, up to" in page
    assert "at most: 1,000" in page


def test_a_change_that_was_announced_and_withdrawn_is_said(client, priced):
    now = clock.now()
    moment = now.replace(year=2099, month=12, day=1, hour=0, minute=0)
    book = draft_price_book(name="list", effective_from=moment, actor="test")
    publish_price_book(book=book, actor="test", now=now)
    assert "changes on 1 December 2099" in words_of(client.get("/pricing/"))

    withdraw_price_book(book=book, actor="test")

    page = words_of(client.get("/pricing/"))
    assert "changes on" not in page
    assert "1 December 2099, 00:00 UTC</time> was withdrawn on" in page


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("model=gpt-image-2&size=1024x1024&quality=high&images=3", "$0.63216"),
        ("model=dall-e-3&size=nonsense&quality=hd&images=10", "$0.80"),
        ("model=dall-e-2&size=256x256&quality=high&images=1000000", "$16,000.00"),
        ("model=no-such&images=-4", "$36.12"),
        ("images=%D9%A3", "$36.12"),
        ("model=gpt-image-1&size=auto&quality=high&images=0", "$0.25"),
    ],
)
def test_the_calculator_falls_back_to_what_is_on_offer(client, priced, query, total):
    answer = client.get(f"/pricing/?{query}")

    assert f">{total}</p>" in words_of(answer)


def test_a_disabled_model_is_not_listed(client, priced):
    Contract.objects.filter(model="dall-e-2").update(is_enabled=False)

    assert 'id="dall-e-2"' not in words_of(client.get("/pricing/"))


def test_a_model_that_ends_says_when_and_is_not_listed_afterwards(client, priced):
    end = clock.now().replace(year=2099, month=3, day=1, hour=0, minute=0)
    ending = Contract.objects.filter(model="dall-e-2")
    ending.update(sunset_at=end, deprecated_at=clock.now(), successor="gpt-image-2")

    page = words_of(client.get("/pricing/"))
    ending.update(sunset_at=clock.now())

    assert "<span>on 1 March 2099, 00:00 UTC. gpt-image-2 follows." in page
    assert page.count("UTC. gpt-image-2 follows.") == 1
    assert '<option value="dall-e-2">dall-e-2 · ends 1 Mar 2099</option>' in page
    over = words_of(client.get("/pricing/"))
    assert 'id="dall-e-2"' not in over
    assert f">Ended: dall-e-2 on {clock.now():%-d %B %Y}, gpt-image-2 follows.</p>" in over


def test_a_get_of_the_theme_changes_nothing(client):
    assert client.get("/theme/").status_code == 405


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:x"])
def test_choosing_colours_leads_nowhere_else(client, elsewhere):
    answer = client.post("/theme/", {"theme": "dark", "next": elsewhere})

    assert answer.status_code == 303
    assert answer["Location"] == "/"
    assert answer.cookies["theme"].value == "dark"
