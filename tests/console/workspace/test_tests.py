"""What was made by a test key, on the pages: apart from live ones, and without money."""

import pytest

from generation.models import Serves
from tests.console.workspace.conftest import lines_of, url, words_of
from tests.factories import make_channel


@pytest.fixture
def test(acme, delivered):
    """One that was made by a test key."""
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
    for words in tests:
        assert test.public_id in words
        assert "1 generation, 1 image, $0.00 charged" in words
        assert words.count(">Test</span>") == 1
        assert live_one.public_id not in words
    assert [(line["id"], line["mode"], line["charged"]) for line in csv] == [
        (test.public_id, "test", "0.000000")
    ]
    assert [line["id"] for line in by_id] == [test.public_id]


def test_a_test_s_page_says_that_nothing_was_charged(acme, sign_in, test):
    words = words_of(sign_in(acme).get(url("generation", acme, test.public_id)))

    assert "nothing: a test" in words
    assert "<dt>With a live key</dt><dd>$0.05268</dd>" in words
    assert "Released" not in words


def test_tests_are_no_news_on_the_overview(acme, sign_in, test):
    words = words_of(sign_in(acme).get(url("overview", acme)))

    assert "a stoat on trial" not in words
