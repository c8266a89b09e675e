"""Fields and their types; limits of contracts are tested in admission/test_rules.py."""

from typing import Any

import pytest

from generation.api.requests import parse
from pictor.kit.words.errors import InvalidRequest


def parsed(**fields: Any) -> dict[str, Any]:
    return parse({"model": "gpt-image-2", **fields}, default_model=None)


def refusal(**fields: Any) -> tuple[str, str | None]:
    with pytest.raises(InvalidRequest) as refused:
        parsed(**fields)
    return refused.value.code, refused.value.param


@pytest.mark.parametrize("model", [{}, {"model": None}, {"model": ""}])
def test_a_missing_model_is_refused(model):
    with pytest.raises(InvalidRequest) as refused:
        parse({"prompt": "a fox", **model}, default_model=None)

    assert (refused.value.code, refused.value.param) == ("missing_required_parameter", "model")


@pytest.mark.parametrize("model", [{}, {"model": None}, {"model": ""}])
def test_the_slash_form_has_a_default_model(model):
    assert parse(model, default_model="gpt-image-2-origin") == {"model": "gpt-image-2-origin"}


def test_a_named_model_wins_over_the_default():
    assert parse({"model": "dall-e-2"}, default_model="gpt-image-2-origin") == {"model": "dall-e-2"}


@pytest.mark.parametrize(
    ("sent", "count"),
    [
        (1, 1),
        (10, 10),
        (0, 1),
        ("0", 1),
        ("1", 1),
        ("03", 3),
        ("10", 10),
        ("007", 7),
        ("00000000000000000000000000010", 10),
        ("000", 1),
    ],
)
def test_a_count_is_an_integer_or_ascii_digits(sent, count):
    assert parsed(n=sent)["n"] == count


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (11, "invalid_value"),
        (100, "invalid_value"),
        (-1, "invalid_value"),
        (10**30, "invalid_value"),
        ("11", "invalid_value"),
        ("9" * 5000, "invalid_value"),
        ("", "invalid_type"),
        ("three", "invalid_type"),
        ("-1", "invalid_type"),
        ("+1", "invalid_type"),
        (" 3", "invalid_type"),
        ("3 ", "invalid_type"),
        ("1.0", "invalid_type"),
        ("1.5", "invalid_type"),
        ("1e0", "invalid_type"),
        ("0x1", "invalid_type"),
        ("\uff11", "invalid_type"),
        ("\u0663", "invalid_type"),
        ("²", "invalid_type"),
        (1.5, "invalid_type"),
        (True, "invalid_type"),
        (False, "invalid_type"),
        ([], "invalid_type"),
        ([1], "invalid_type"),
        ({}, "invalid_type"),
        ({"n": 1}, "invalid_type"),
    ],
)
def test_any_other_count_is_refused(sent, code):
    assert refusal(n=sent) == (code, "n")


@pytest.mark.parametrize("name", ["prompt", "size", "quality", "user", "safety_identifier"])
@pytest.mark.parametrize("value", [1, True, ["x"], {"x": 1}, 1.5])
def test_a_text_is_a_json_string(name, value):
    assert refusal(**{name: value}) == ("invalid_type", name)


def test_a_text_stays_as_it_came():
    assert parsed(prompt="  a fox\n")["prompt"] == "  a fox\n"
    assert parsed(prompt="")["prompt"] == ""


def test_a_text_has_no_nul():
    assert refusal(prompt="a\x00fox") == ("invalid_value", "prompt")
    assert refusal(model="gpt\x00") == ("invalid_value", "model")


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("response_format", "base64", "b64"),
        ("response_format", "url", "URL"),
        ("output_format", "webp", "gif"),
        ("output_format", "webp", "svg"),
        ("moderation", "low", "high"),
        ("input_fidelity", "high", "medium"),
    ],
)
def test_a_word_is_one_of_a_few(name, good, bad):
    assert parsed(**{name: good})[name] == good
    assert refusal(**{name: bad}) == ("invalid_value", name)
    assert refusal(**{name: 5}) == ("invalid_type", name)


@pytest.mark.parametrize("name", ["style", "background"])
def test_what_is_passed_on_has_a_limit_in_characters(name):
    assert parsed(**{name: "狐" * 64_000})[name] == "狐" * 64_000
    assert parsed(**{name: {"a": "狐" * 63_991}})[name] == {"a": "狐" * 63_991}
    assert refusal(**{name: "狐" * 64_001}) == ("string_above_max_length", name)
    assert refusal(**{name: {"a": "狐" * 63_992}}) == ("string_above_max_length", name)


@pytest.mark.parametrize("name", ["watermark", "stream", "strict_size"])
def test_a_flag_is_true_or_false(name):
    assert parsed(**{name: True})[name] is True
    assert parsed(**{name: False})[name] is False


@pytest.mark.parametrize("name", ["watermark", "stream", "strict_size"])
@pytest.mark.parametrize("value", ["true", "false", 1, 0, [], {}])
def test_a_flag_must_be_a_json_boolean(name, value):
    assert refusal(**{name: value}) == ("invalid_type", name)


@pytest.mark.parametrize(
    ("name", "least", "most"), [("output_compression", 0, 100), ("partial_images", 0, 3)]
)
def test_a_number_lies_within_its_bounds(name, least, most):
    assert parsed(**{name: least})[name] == least
    assert parsed(**{name: most})[name] == most
    assert refusal(**{name: least - 1}) == ("invalid_value", name)
    assert refusal(**{name: most + 1}) == ("invalid_value", name)
    refusals = [refusal(**{name: value}) for value in ("1", "a", 1.5, True, [], [1])]
    assert refusals == [("invalid_type", name)] * 6


@pytest.mark.parametrize("name", ["style", "background", "mask"])
def test_a_style_is_a_string_or_an_object(name):
    assert parsed(**{name: "vivid"})[name] == "vivid"
    assert parsed(**{name: {"a": [1, {"b": None}]}})[name] == {"a": [1, {"b": None}]}
    refusals = [refusal(**{name: value}) for value in (5, True, ["vivid"])]
    assert refusals == [("invalid_type", name)] * 3


@pytest.mark.parametrize("value", ["aGk=", {"url": "x"}, ["aGk=", {"b64_json": "aGk="}], []])
def test_an_image_is_a_string_an_object_or_an_array_of_these(value):
    assert parsed(image=value)["image"] == value


@pytest.mark.parametrize("value", [5, True, [1], [["aGk="]], [None]])
def test_any_other_image_is_refused(value):
    assert refusal(image=value) == ("invalid_type", "image")


def test_a_null_field_is_an_absent_one():
    assert parsed(n=None, size=None, watermark=None, image=None) == {"model": "gpt-image-2"}


def test_other_fields_are_parameters_which_a_contract_may_know():
    read = parsed(prompt="a fox", seed=5, look=None)

    assert read["parameters"] == {"seed": 5, "look": None}


def test_too_many_other_fields_are_refused_at_once():
    many = {f"z{number:02}": 1 for number in range(23)}

    assert refusal(**many) == ("unknown_parameter", "z00")
    assert len(parsed(**dict(list(many.items())[:22]))["parameters"]) == 22
