"""The limits of a contract: size, quality, count, prompt and format."""

from typing import Any

import pytest

from generation.admission.rules import Order, check
from pictor.kit.words.errors import InvalidRequest
from tests.making.factories import contract_of


def order(model: str = "gpt-image-2-origin", *, key_format: str = "", **fields: Any) -> Order:
    request = {"model": model, "prompt": "a fox", **fields}
    return check(contract_of(model), request, key_response_format=key_format)


def refusal(model: str = "gpt-image-2-origin", **fields: Any) -> tuple[str, str | None]:
    with pytest.raises(InvalidRequest) as refused:
        order(model, **fields)
    return refused.value.code, refused.value.param


def test_a_request_that_says_little_gets_the_contracts_defaults():
    made = order()

    assert (made.model, made.prompt, made.n) == ("gpt-image-2-origin", "a fox", 1)
    assert (made.size_requested, made.size, made.tier) == ("1024x1024", "1024x1024", "1K")
    assert (made.quality, made.is_quality_explicit) == ("auto", False)
    assert (made.response_format, made.output_format) == ("url", "png")
    assert (made.output_compression, made.strict_size, made.fields) == (None, False, {})


@pytest.mark.parametrize(
    ("model", "word", "size", "tier"),
    [
        ("gpt-image-2-pro", "16:9(4K)", "3840x2160", "4K"),
        ("gpt-image-2-pro", "1:1(2K)", "2048x2048", "2K"),
        ("gpt-image-2", "16:9", "1920x1080", "base"),
        ("gpt-image-2", "3840x2160", "3840x2160", "base"),
        ("gpt-image-2-origin", "2048x2048", "2048x2048", "4K"),
        ("gpt-image-2-auto", "auto", "auto", "auto"),
        ("gpt-image-2-auto", None, "auto", "auto"),
        ("gpt-image-1", "auto", "auto", "auto"),
        ("dall-e-2", "256x256", "256x256", "base"),
    ],
)
def test_a_size_is_read_by_preset_pixels_or_auto(model, word, size, tier):
    made = order(model, size=word)

    assert (made.size, made.tier) == (size, tier)
    assert made.size_requested == (word or "auto")


@pytest.mark.parametrize(
    ("model", "word"),
    [
        ("dall-e-2", "1024X1024"),
        ("dall-e-2", "1536x1024"),
        ("dall-e-2", "auto"),
        ("dall-e-3", "512x512"),
        ("dall-e-3", "auto"),
        ("gpt-image-1", "1920x1080"),
        ("gpt-image-1", "1:1"),
        ("gpt-image-2", "16:9(4K)"),
        ("gpt-image-2", "1:1(2K)"),
        ("gpt-image-2", "2048x2048"),
        ("gpt-image-2", "16\uff1a9"),
        ("gpt-image-2", "\uff11:\uff11"),
        ("gpt-image-2", "16:9 "),
        ("gpt-image-2", " 1024x1024"),
        ("gpt-image-2", "1024X1024"),
        ("gpt-image-2", "\uff11\uff10\uff12\uff14x1024"),
        ("gpt-image-2", "1024*1024"),
        ("gpt-image-2", "01024x1024"),
        ("gpt-image-2", "-1024x1024"),
        ("gpt-image-2", "1024x1024x1024"),
        ("gpt-image-2", ""),
        ("gpt-image-2", "99999999999x1"),
        ("gpt-image-2-pro", "16:9(8K)"),
        ("gpt-image-2-pro", "1:1(1K)"),
        ("gpt-image-2-pro", "2560x1440"),
        ("gpt-image-2-auto", "1024x1024"),
        ("gpt-image-2-origin", "1:1"),
        ("gpt-image-2-origin", "auto"),
        ("gpt-image-2-origin", "2560x1712"),
    ],
)
def test_another_size_is_refused(model, word):
    assert refusal(model, size=word) == ("invalid_size", "size")


def test_the_refusal_of_a_size_lists_the_legal_ones():
    with pytest.raises(
        InvalidRequest, match="It makes: 1024x1024, 1536x1024, 1024x1536, auto"
    ) as refused:
        order("gpt-image-1", size="1x1")

    assert "1x1" not in refused.value.message.split("It makes")[0]


@pytest.mark.parametrize(
    ("model", "word", "quality"),
    [
        ("dall-e-3", None, "standard"),
        ("dall-e-3", "hd", "hd"),
        ("dall-e-2", "auto", "standard"),
        ("gpt-image-2", "standard", "medium"),
        ("gpt-image-2", "hd", "high"),
        ("gpt-image-2", "auto", "auto"),
    ],
)
def test_a_quality_becomes_the_contracts_word(model, word, quality):
    made = order(model, quality=word)

    assert (made.quality, made.is_quality_explicit) == (quality, word is not None)


@pytest.mark.parametrize(
    ("model", "word"), [("dall-e-3", "low"), ("dall-e-2", "hd"), ("gpt-image-2", "ultra")]
)
def test_another_quality_is_refused(model, word):
    assert refusal(model, quality=word) == ("invalid_value", "quality")


@pytest.mark.parametrize(
    ("model", "characters"),
    [
        ("dall-e-2", 1000),
        ("dall-e-3", 4000),
        ("gpt-image-1", 32_000),
        ("gpt-image-2", 32_000),
        ("gpt-image-2-pro", 32_000),
        ("gpt-image-2-auto", 32_000),
        ("gpt-image-2-origin", 32_000),
    ],
)
@pytest.mark.parametrize("letter", ["x", "ü", "狐", "🦊"])
def test_the_longest_prompt_is_counted_in_characters(model, characters, letter):
    assert len(order(model, prompt=letter * characters).prompt) == characters
    assert refusal(model, prompt=letter * (characters + 1)) == ("string_above_max_length", "prompt")


@pytest.mark.parametrize("prompt", [None, "", " ", "\t\n", "\u3000", "\u2003 \u00a0"])
def test_a_blank_prompt_is_a_missing_one(prompt):
    assert refusal(prompt=prompt) == ("missing_required_parameter", "prompt")


def test_a_prompt_stays_as_it_came():
    assert order(prompt="  a fox \n").prompt == "  a fox \n"


@pytest.mark.parametrize(("n", "count"), [(None, 1), (0, 1), (1, 1), (10, 10)])
def test_a_count_of_nothing_is_one(n, count):
    assert order(n=n).n == count


@pytest.mark.parametrize(("model", "n"), [("gpt-image-2", 11), ("dall-e-3", 2), ("dall-e-3", 10)])
def test_more_images_than_the_contract_makes_are_refused(model, n):
    assert refusal(model, n=n) == ("invalid_value", "n")


@pytest.mark.parametrize(
    ("model", "asked", "key", "answered"),
    [
        ("gpt-image-1", None, "", "b64_json"),
        ("gpt-image-2", None, "", "b64_json"),
        ("gpt-image-2-origin", None, "", "url"),
        ("gpt-image-2", None, "url", "url"),
        ("gpt-image-1", None, "url", "url"),
        ("gpt-image-2", None, "b64_json", "b64_json"),
        ("gpt-image-2", "url", "b64_json", "url"),
        ("gpt-image-2", "base64", "", "b64_json"),
        ("gpt-image-2", "b64_json", "url", "b64_json"),
    ],
)
def test_the_response_format_is_the_requests_the_keys_or_the_contracts(model, asked, key, answered):
    assert order(model, key_format=key, response_format=asked).response_format == answered


@pytest.mark.parametrize("value", [True, False])
def test_a_watermark_said_is_passed_on_whatever_it_says(value):
    assert order(watermark=value).fields == {"watermark": value}


def test_fields_for_the_upstream_are_passed_on_as_they_came():
    made = order(
        style={"name": "ink"},
        background="opaque",
        user="u-1",
        image=["aGk="],
        input_fidelity="high",
        moderation="low",
        safety_identifier=None,
        output_compression=80,
        strict_size=True,
    )

    assert made.fields == {
        "style": {"name": "ink"},
        "background": "opaque",
        "user": "u-1",
        "image": ["aGk="],
        "input_fidelity": "high",
        "moderation": "low",
    }
    assert (made.output_compression, made.strict_size) == (80, True)


@pytest.mark.parametrize("output_format", ["png", "webp"])
def test_a_transparent_background_is_fine_where_the_format_has_one(output_format):
    made = order(background="transparent", output_format=output_format)

    assert made.output_format == output_format


def test_a_jpeg_has_no_transparent_background():
    assert refusal(background="transparent", output_format="jpeg") == (
        "invalid_value",
        "background",
    )


@pytest.mark.parametrize(
    ("fields", "partial_images"),
    [
        ({"stream": True, "partial_images": 2}, 2),
        ({"stream": True, "partial_images": 0}, 0),
        ({"stream": True, "partial_images": None}, 0),
        ({"stream": True}, 0),
        ({"stream": False, "partial_images": 3}, 0),
        ({"partial_images": 3}, 0),
    ],
)
def test_partial_images_are_for_those_who_get_events(fields, partial_images):
    assert order(**fields).partial_images == partial_images
