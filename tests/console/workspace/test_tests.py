"""Test generations on the pages: apart from live ones, and without money."""

import pytest

from billing.selectors.office.balances import balance_of
from generation.models import Generation, Serves
from tests.console.answers import lines_of, words_of
from tests.console.workspace.conftest import url
from tests.console.workspace.playground.forms import form
from tests.making.factories import make_channel


@pytest.fixture
def test(acme, delivered):
    """A generation made with a test key."""
    make_channel("sandbox", serves=Serves.TEST)
    return delivered(acme.tester(), prompt="a stoat on trial")


def test_tests_are_listed_apart_and_charge_nothing(acme, sign_in, delivered, test):
    live_one = delivered(acme, prompt="a red fox")
    client, page = sign_in(acme), url("generations", acme)
    key_id = test.api_key.public_id

    live = words_of(client.get(page))
    tests = [words_of(client.get(page, said)) for said in ({"mode": "test"}, {"key": key_id})]
    csv = lines_of(client.get(page, {"mode": "test", "format": "csv"}))
    by_id = lines_of(client.get(page, {"q": test.public_id, "format": "csv"}))

    assert test.public_id not in live
    assert [test.public_id in words for words in tests] == [True, True]
    sums = "1 generation, 1 image, $0.00 charged"
    assert [sums in words for words in tests] == [True, True]
    assert [words.count(">Test</span>") for words in tests] == [1, 1]
    assert [live_one.public_id in words for words in tests] == [False, False]
    assert [(line["id"], line["mode"], line["charged"]) for line in csv] == [
        (test.public_id, "test", "0.000000")
    ]
    assert [line["id"] for line in by_id] == [test.public_id]


def test_a_test_s_page_says_that_nothing_was_charged(acme, sign_in, test):
    words = words_of(sign_in(acme).get(url("generation", acme, test.public_id)))

    assert "nothing: a test" in words
    assert "<dt>With a live key</dt><dd>$0.05268</dd>" in words
    assert "Released" not in words


def test_a_test_is_repeated_as_a_test(acme, sign_in, test):
    words = words_of(sign_in(acme).get(url("playground", acme), {"again": test.public_id}))

    chosen = words.partition(f'<option value="{test.api_key.public_id}"')[2]
    assert chosen.startswith(" selected")


def test_the_playground_prices_and_makes_tests_without_charging(acme, sign_in):
    make_channel("sandbox", serves=Serves.TEST)
    tester, client = acme.tester(), sign_in(acme)
    live, said = form(acme), form(tester)

    usual = words_of(client.get(url("playground", acme)))
    quoted = words_of(client.post(url("playground_quote", acme), said))
    client.post(url("playground_run", acme), live)
    client.post(url("playground_run", acme), said)
    page = words_of(client.get(url("playground", acme)))

    assert usual.index(acme.key.public_id) < usual.index(tester.key.public_id)
    assert "Generate 1 image<" in usual
    assert "With a live key $0.05268</span>" in quoted
    assert ">$0.000</span>" in quoted
    assert "Generate 1 test image" in quoted
    assert balance_of(acme.id).held == 52_680  # of the live one
    assert [made.livemode for made in Generation.objects.order_by("id")] == [True, False]
    assert page.count("nothing is charged") == 1
    assert page.count("holds $0.05268") == 1
    assert page.count(">Test</span>") == 1


def test_the_playground_says_that_the_tests_of_a_day_are_used_up(other, sign_in, settings):
    make_channel("sandbox", serves=Serves.TEST)
    settings.TEST_BYTES_PER_DAY = 8 * 1024
    tester, client = other.tester(), sign_in(other)
    client.post(url("playground_run", other), form(tester))

    answer = client.post(url("playground_run", other), form(tester))

    assert answer.status_code == 422
    assert "They can go on at 00:00 UTC" in words_of(answer)
    assert Generation.objects.count() == 1


def test_tests_are_no_news_on_the_overview(acme, sign_in, test):
    words = words_of(sign_in(acme).get(url("overview", acme)))

    assert "a stoat on trial" not in words
