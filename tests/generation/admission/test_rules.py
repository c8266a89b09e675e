"""The limits of a contract: size, quality, count, prompt and format."""

from typing import Any

import pytest

from generation.admission.rules import Order, check
from generation.catalogue.contracts import SizeOption
from generation.catalogue.parameters import Parameter
from generation.channels.size_rules import Size, SizeRule
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


SEEDED = (
    Parameter("seed", "integer", least=0, most=5),
    Parameter("guidance", "number", least=0, most=9, default=3),
)


def test_a_models_own_parameters_are_passed_on_and_its_defaults_are_not_written():
    contract = contract_of("gpt-image-2", parameters=SEEDED)
    sent = {"model": "gpt-image-2", "prompt": "a fox", "user": "u"}

    made = check(contract, {**sent, "parameters": {"seed": 5, "guidance": None}})

    assert made.fields == {"user": "u", "seed": 5}
    assert check(contract, sent).fields == {"user": "u"}
    with pytest.raises(InvalidRequest) as refused:
        check(contract, {**sent, "parameters": {"seed": 6}})
    assert (refused.value.code, refused.value.param) == ("invalid_value", "seed")


RATIOS = (
    *(SizeOption(Size(side, side), tier, "1:1") for side, tier in ((1024, "1K"), (2048, "2K"))),
    SizeOption(Size(1376, 768), "1K", "16:9"),
    SizeOption(Size(1280, 720), "1K", "16:9"),
)


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ({"aspect_ratio": "16:9"}, "1376x768"),
        ({"resolution": "2K"}, "2048x2048"),
        ({"aspect_ratio": "1:1", "resolution": "2K"}, "2048x2048"),
        ({"aspect_ratio": "16:9", "resolution": None}, "1376x768"),
        ({}, "1024x1024"),
    ],
)
def test_a_ratio_and_a_resolution_choose_the_largest_size(asked, size):
    contract = contract_of("gpt-image-2", options=RATIOS, takes_ratio=True)
    request = {"model": "gpt-image-2", "prompt": "a fox", "parameters": asked}

    made = check(contract, request)

    assert (made.size_requested, made.size, made.fields) == (size, size, {})
    assert check(contract, {**request, "size": size}).size == size


RULE = SizeRule(16, 256, 4096, 65_536, 4_194_304, 3)


@pytest.mark.parametrize(
    ("asked", "size", "tier"),
    [
        ({"size": "1008x1344"}, "1008x1344", "any"),
        ({"size": "2048x2048"}, "2048x2048", "2K"),
        ({}, "1024x1024", "1K"),
        ({"parameters": {"aspect_ratio": "16:9"}}, "1376x768", "1K"),
    ],
)
def test_a_size_by_the_rule_is_taken_and_chosen_by_no_ratio(asked, size, tier):
    contract = contract_of("gpt-image-2", options=RATIOS, takes_ratio=True, size_rule=RULE)

    made = check(contract, {"model": "gpt-image-2", "prompt": "a fox", **asked})

    assert (made.size_requested, made.size, made.tier) == (size, size, tier)


@pytest.mark.parametrize(
    ("options", "listed"),
    [(RATIOS, "1024x1024, 2048x2048, 1376x768, 1280x720, auto; any"), ((), "auto; any")],
)
def test_the_refusal_of_a_size_states_the_rule(options, listed):
    contract = contract_of("gpt-image-2", options=options, size_rule=RULE)

    with pytest.raises(InvalidRequest) as refused:
        check(contract, {"model": "gpt-image-2", "prompt": "a fox", "size": "1000x1344"})

    assert (refused.value.code, refused.value.param) == ("invalid_size", "size")
    assert refused.value.message == (
        f"gpt-image-2 does not make that size. It makes: {listed} size with width and height"
        " divisible by 16, from 256 to 4096, from 65536 to 4194304 pixels, at most 3:1."
    )


TWO = (
    "size 9x9 contradicts aspect_ratio 1:1 and resolution 2K, which is 2048x2048. Send one of them."
)


@pytest.mark.parametrize(
    ("asked", "param", "words"),
    [
        ({"aspect_ratio": "3:2"}, "aspect_ratio", "aspect_ratio must be one of 1:1, 16:9."),
        ({"resolution": "4K"}, "resolution", "resolution must be one of 1K, 2K."),
        ({"aspect_ratio": "16:9", "resolution": "2K"}, "resolution",
         "gpt-image-2 makes 16:9 only in resolution 1K."),
        ({"aspect_ratio": "16:9", "size": "1024x1024"}, "size",
         "size 1024x1024 contradicts aspect_ratio 16:9, which is 1376x768. Send one of them."),
        ({"resolution": "2K", "aspect_ratio": "1:1", "size": "9x9"}, "size", TWO),
    ],
)  # fmt: skip
def test_a_ratio_that_no_size_has_or_another_size_is_refused(asked, param, words):
    contract = contract_of("gpt-image-2", options=RATIOS, takes_ratio=True)
    size = {"size": asked.pop("size")} if "size" in asked else {}
    request = {"model": "gpt-image-2", "prompt": "a fox", "parameters": asked, **size}

    with pytest.raises(InvalidRequest) as refused:
        check(contract, request)

    assert (refused.value.param, refused.value.message) == (param, words)


def test_a_ratio_is_unknown_to_a_model_that_does_not_take_it():
    assert refusal(parameters={"aspect_ratio": "1:1"}) == ("unknown_parameter", "aspect_ratio")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("promt", "Did you mean 'prompt'?"),
        ("respose_format", "Did you mean 'response_format'?"),
        ("Size", "Did you mean 'size'?"),
        ("sead", "Did you mean 'seed'?"),
        ("zzzzz", "Known: model, prompt, n, size"),
    ],
)
def test_an_unknown_field_is_refused_with_the_nearest_known_one(name, hint):
    contract = contract_of("gpt-image-2", parameters=SEEDED)
    with pytest.raises(InvalidRequest) as refused:
        check(contract, {"model": "gpt-image-2", "prompt": "a fox", "parameters": {name: "x"}})

    assert (refused.value.code, refused.value.param) == ("unknown_parameter", name)
    assert hint in refused.value.message


@pytest.mark.parametrize("task", ["generate", "edit"])
def test_a_parameter_of_another_model_is_unknown_even_when_it_is_null(task):
    assert refusal("gpt-image-2", task=task, parameters={"seed": None}) == (
        "unknown_parameter",
        "seed",
    )


def test_an_endless_field_name_is_cut():
    code, param = refusal(parameters={"z" * 100_000: 1})

    assert (code, len(param or "")) == ("unknown_parameter", 100)


@pytest.mark.parametrize(("image", "number"), [("a", 1), (["a"], 1), (["a", "b"], 2)])
def test_a_model_takes_so_many_reference_images(image, number):
    contract = contract_of("gpt-image-2", most_references=2)
    request = {"model": "gpt-image-2", "prompt": "a fox"}

    assert check(contract, {**request, "image": image}).references == number
    with pytest.raises(InvalidRequest, match="takes at most 2 reference images") as refused:
        check(contract, {**request, "image": ["a", "b", "c"]})
    assert (refused.value.code, refused.value.param) == ("invalid_image", "image")


def test_a_model_may_take_no_reference_image():
    contract = contract_of("gpt-image-2", most_references=0)
    request = {"model": "gpt-image-2", "prompt": "a fox"}

    assert check(contract, request).references == 0
    with pytest.raises(InvalidRequest, match="gpt-image-2 takes no reference images") as refused:
        check(contract, {**request, "image": "a"})
    assert (refused.value.code, refused.value.param) == ("invalid_image", "image")


def test_a_format_is_one_of_the_models_the_first_by_default():
    contract = contract_of("gpt-image-2", formats=("jpeg", "png"))
    request = {"model": "gpt-image-2", "prompt": "a fox"}

    assert check(contract, request).output_format == "jpeg"
    assert check(contract, {**request, "output_format": "png"}).output_format == "png"
    with pytest.raises(InvalidRequest, match="must be one of jpeg, png for gpt-image-2") as refused:
        check(contract, {**request, "output_format": "webp"})
    assert refused.value.param == "output_format"


@pytest.mark.parametrize("output_format", ["png", "webp"])
def test_a_transparent_background_is_fine_where_the_format_has_one(output_format):
    made = order(background="transparent", output_format=output_format)

    assert made.output_format == output_format


@pytest.mark.parametrize(
    ("formats", "words"),
    [
        (("jpeg", "png", "webp"), "needs output_format png or webp; jpeg has no transparency."),
        (("jpeg", "webp"), "A transparent background needs output_format webp; jpeg has no"),
        (("jpeg",), "gpt-image-2 makes jpeg only, which has no transparency."),
    ],
    ids=str,
)
def test_who_asks_a_jpeg_to_be_transparent_is_told_what_the_model_can_do(formats, words):
    request = {"model": "gpt-image-2", "prompt": "a fox", "background": "transparent"}

    with pytest.raises(InvalidRequest) as refused:
        check(contract_of("gpt-image-2", formats=formats), request)

    assert words in refused.value.message


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
