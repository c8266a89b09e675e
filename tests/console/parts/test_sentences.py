"""Messages of services as sentences."""

import pytest

from console.parts.sentences import sentence


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("gpt-image-2 has no size 8x8", "gpt-image-2 has no size 8x8."),
        ("dall-e-3 1024x1024 hd: a price", "dall-e-3 1024x1024 hd: a price."),
        ("max_n is too large", "max_n is too large."),
        ("the book has no prices", "The book has no prices."),
        ("tasks: name at least one", "Tasks: name at least one."),
        ("Is it in cents?", "Is it in cents?"),
        ("Open it again.", "Open it again."),
    ],
)
def test_a_message_becomes_a_sentence_and_an_id_keeps_its_case(words, shown):
    assert sentence(words) == shown
