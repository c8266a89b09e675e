"""Requests to a channel of three sizes: the closest it has, with the ratio in words."""

from collections.abc import Iterator

import pytest

from tests.customers.customer import Customer, Operator
from tests.fakes.recorder import OPENAI_SIZES, Recorder
from tests.stack.running import MakeCustomer

SENTENCE = "\n\nCompose the image for an aspect ratio of {}."
pytest_plugins = ("tests.fakes.channel",)


@pytest.fixture(scope="module")
def three_sizes(channel: Recorder, operator: Operator) -> Iterator[Recorder]:
    """The only channel, which makes only OpenAI's three sizes."""
    operator("channel", "set", "rec", "--sizes", OPENAI_SIZES)
    operator("channel", "swap", "rec", "--untested")
    operator("channel", "disable", "sandbox", "--yes")
    yield channel
    operator("channel", "enable", "sandbox")
    operator("channel", "set", "rec", "--sizes", "all")
    operator("channel", "swap", "rec", "--untested")


@pytest.fixture
def narrow(three_sizes: Recorder, upstream: Recorder) -> Recorder:
    return upstream


@pytest.fixture(scope="module")
def buyer(make_customer_once: MakeCustomer) -> Customer:
    """One customer for all the plans."""
    return make_customer_once("100.00")


PLANS = [
    ("gpt-image-2", "1:1", "1024x1024", None),
    ("gpt-image-2", "4:3", "1536x1024", "4:3"),
    ("gpt-image-2", "3:2", "1536x1024", None),
    ("gpt-image-2", "2:3", "1024x1536", None),
    ("gpt-image-2", "16:9", "1536x1024", "16:9"),
    ("gpt-image-2", "1920x1080", "1536x1024", "16:9"),
    ("gpt-image-2", "9:16", "1024x1536", "9:16"),
    ("gpt-image-2", "1024x768", "1536x1024", "4:3"),
    ("gpt-image-2", "2560x1440", "1536x1024", "16:9"),
    ("gpt-image-2", "3840x2160", "1536x1024", "16:9"),
    ("gpt-image-2-pro", "1:1(2K)", "1024x1024", "1:1"),
    ("gpt-image-2-pro", "4:3(2K)", "1536x1024", "4:3"),
    ("gpt-image-2-pro", "3:2(2K)", "1536x1024", "3:2"),
    ("gpt-image-2-pro", "2:3(2K)", "1024x1536", "2:3"),
    ("gpt-image-2-pro", "16:9(2K)", "1536x1024", "16:9"),
    ("gpt-image-2-pro", "9:16(2K)", "1024x1536", "9:16"),
    ("gpt-image-2-pro", "1:1(4K)", "1024x1024", "1:1"),
    ("gpt-image-2-pro", "4:3(4K)", "1536x1024", "4:3"),
    ("gpt-image-2-pro", "3:2(4K)", "1536x1024", "3:2"),
    ("gpt-image-2-pro", "2:3(4K)", "1024x1536", "2:3"),
    ("gpt-image-2-pro", "16:9(4K)", "1536x1024", "16:9"),
    ("gpt-image-2-pro", "9:16(4K)", "1024x1536", "9:16"),
    ("dall-e-3", "1792x1024", "1536x1024", "7:4"),
    ("dall-e-3", "1024x1792", "1024x1536", "4:7"),
]


@pytest.mark.parametrize(("model", "word", "sent", "ratio"), PLANS)
def test_a_channel_of_three_sizes_is_sent_the_closest_and_the_ratio_once(
    buyer: Customer, narrow: Recorder, *, model: str, word: str, sent: str, ratio: str | None
) -> None:
    response = buyer.generate("a fox", model=model, size=word, n=1)

    assert response.status_code == 200, response.text
    assert narrow.only.body["size"] == sent
    assert narrow.only.body["prompt"] == "a fox" + (SENTENCE.format(ratio) if ratio else "")
    answer = response.json()
    assert answer["size"] == sent
    assert answer["metadata"]["size_plan"] == ("closest" if ratio else "native")
    assert answer["metadata"]["ignored"] == (["size"] if ratio else [])
    assert answer["metadata"]["requested_size"] == word
    assert answer["metadata"]["upstream_size"] == sent
    assert answer["metadata"]["delivered_sizes"] == [sent]


def test_auto_goes_to_a_channel_that_takes_auto_and_to_no_other(
    customer: Customer, narrow: Recorder
) -> None:
    response = customer.generate("a fox", model="gpt-image-2-auto")

    assert response.status_code == 503
    assert response.json()["error"]["code"] == "no_channel_available"
    assert narrow.requests == []


@pytest.mark.parametrize("size", ["1920x1080", "2048x2048", "1344x1024"])
def test_origin_is_never_made_in_another_size(
    customer: Customer, narrow: Recorder, size: str
) -> None:
    response = customer.generate("a fox", model="gpt-image-2-origin", size=size)

    error = response.json()["error"]
    assert response.status_code == 503
    assert (error["type"], error["code"]) == ("upstream_error", "no_channel_available")
    assert "not charged" in error["message"]
    assert response.headers["x-should-retry"] == "false"
    assert narrow.requests == []
    assert customer.states() == {}
    assert customer.balance() == (10_000_000, 0)


def test_origin_in_a_size_the_channel_has_goes_there_as_it_is(
    customer: Customer, narrow: Recorder
) -> None:
    response = customer.generate("a fox", model="gpt-image-2-origin", size="1536x1024")

    assert response.status_code == 200
    assert narrow.only.body["prompt"] == "a fox"
    assert response.json()["metadata"]["size_plan"] == "native"


def test_dall_e_2s_small_size_is_scaled_down_to_exactly_it(
    customer: Customer, narrow: Recorder
) -> None:
    response = customer.generate("a fox", model="dall-e-2", size="256x256")

    assert response.json()["metadata"]["delivered_sizes"] == ["256x256"]
    assert response.json()["metadata"]["upstream_size"] == "1024x1024"
    assert customer.captures() == [16_000]


def test_a_strict_request_is_not_sent_where_it_can_only_be_refused(
    customer: Customer, narrow: Recorder
) -> None:
    response = customer.generate("a fox", model="gpt-image-2", size="16:9", strict_size=True)

    assert response.status_code == 503
    assert response.json()["error"]["code"] == "no_channel_available"
    assert narrow.requests == []
    assert customer.states() == {}
