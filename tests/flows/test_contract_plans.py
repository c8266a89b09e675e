"""The size requested from a channel that makes every size, and the choice between two channels."""

import pytest

from tests.customers.customer import Customer, Operator
from tests.fakes.recorder import OPENAI_SIZES, Recorder

pytest_plugins = ("tests.fakes.channel",)


@pytest.mark.parametrize(
    ("model", "word", "sent"),
    [
        ("gpt-image-2", "16:9", "1920x1080"),
        ("gpt-image-2-pro", "3:2(4K)", "3840x2560"),
        ("gpt-image-2-origin", "3504x2336", "3504x2336"),
        ("gpt-image-1", "auto", "auto"),
        ("gpt-image-2", "auto", "auto"),
        ("gpt-image-2-auto", None, "auto"),
        ("dall-e-2", "256x256", "256x256"),
    ],
)
def test_a_size_is_sent_in_pixels(
    customer: Customer, upstream: Recorder, model: str, word: str | None, sent: str
) -> None:
    response = customer.generate("a fox", model=model, size=word)

    assert upstream.only.body["size"] == sent
    assert response.json()["metadata"]["upstream_size"] == sent
    assert response.json()["metadata"]["requested_size"] == word or word is None


def test_a_native_channel_is_preferred_where_priorities_are_equal(
    customer: Customer, upstream: Recorder, operator: Operator
) -> None:
    operator("channel", "set", "rec", "--sizes", OPENAI_SIZES, "--priority", "100")
    operator("channel", "swap", "rec", "--untested")

    try:
        response = customer.generate("a fox", model="gpt-image-2", size="16:9")
    finally:
        operator("channel", "set", "rec", "--sizes", "all", "--priority", "1")
        operator("channel", "swap", "rec", "--untested")

    assert response.json()["metadata"]["size_plan"] == "native"
    assert response.json()["size"] == "1920x1080"
    assert upstream.requests == []
