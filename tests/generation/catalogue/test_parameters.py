"""A contract's own parameters: what each takes, and what cannot be one."""

import pytest

from generation.admission import fields
from generation.catalogue.parameters import RESERVED, Parameter, faults_of, parameter_of
from pictor.kit.bytes.multipart import FormText
from pictor.kit.words.errors import InvalidRequest

SEED = {"name": "seed", "type": "integer", "least": 0, "most": 5}
GUIDANCE = {"name": "guidance", "type": "number", "least": 0.5, "most": 20, "default": 3.5}
STYLE = {"name": "look", "type": "word", "words": ["photo", "drawing"], "default": "photo"}
NEGATIVE = {"name": "negative_prompt", "type": "text", "most": 5}
GROUNDING = {"name": "grounding", "type": "flag", "default": False}


@pytest.mark.parametrize(
    ("row", "value", "read"),
    [
        (SEED, 5, 5),
        (SEED, 5.0, 5),
        (SEED, FormText("5"), 5),
        (GUIDANCE, 7, 7),
        (GUIDANCE, FormText("7.5"), 7.5),
        (STYLE, "drawing", "drawing"),
        (NEGATIVE, "naïve", "naïve"),
        (NEGATIVE, FormText("12345"), "12345"),
        (GROUNDING, True, True),
        (GROUNDING, FormText("TRUE"), True),
    ],
)
def test_a_value_is_read_in_its_type(row, value, read):
    found = parameter_of(row).checked(value)

    assert (found, type(found)) == (read, type(read))


@pytest.mark.parametrize(
    ("row", "value", "code", "words"),
    [
        (SEED, 6, "invalid_value", "seed must be between 0 and 5."),
        (SEED, -1, "invalid_value", "seed must be between 0 and 5."),
        (SEED, 2.5, "invalid_type", "seed must be an integer."),
        (SEED, True, "invalid_type", "seed must be an integer."),
        (SEED, "5", "invalid_type", "seed must be an integer."),
        (SEED, FormText("five"), "invalid_type", "seed must be an integer."),
        (SEED, [5], "invalid_type", "seed must be an integer."),
        (GUIDANCE, float("nan"), "invalid_value", "guidance must be between 0.5 and 20."),
        (GUIDANCE, float("inf"), "invalid_value", "guidance must be between 0.5 and 20."),
        (GUIDANCE, "7", "invalid_type", "guidance must be a number."),
        (STYLE, "oil", "invalid_value", "look must be one of photo, drawing."),
        (STYLE, 1, "invalid_type", "look must be a string."),
        (NEGATIVE, "123456", "string_above_max_length",
         "negative_prompt must have at most 5 characters."),
        (NEGATIVE, "\0", "invalid_value", "negative_prompt must not contain NUL characters."),
        (GROUNDING, "true", "invalid_type", "grounding must be true or false."),
        (GROUNDING, FormText("yes"), "invalid_type", "grounding must be true or false."),
        (GROUNDING, {}, "invalid_type", "grounding must be true or false."),
    ],
)  # fmt: skip
def test_another_value_is_refused(row, value, code, words):
    with pytest.raises(InvalidRequest) as refused:
        parameter_of(row).checked(value)

    assert (refused.value.code, refused.value.message, refused.value.param) == (
        code,
        words,
        row["name"],
    )


def test_each_is_described_by_a_schema():
    rows = (SEED, GUIDANCE, STYLE, NEGATIVE, GROUNDING)
    assert [parameter_of(row).schema for row in rows] == [
        {"type": "integer", "minimum": 0, "maximum": 5},
        {"type": "number", "minimum": 0.5, "maximum": 20, "default": 3.5},
        {"type": "string", "enum": ["photo", "drawing"], "default": "photo"},
        {"type": "string", "maxLength": 5},
        {"type": "boolean", "default": False},
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "Seed"}, "cannot be the name of a parameter"),
        ({"name": "model"}, "cannot be the name of a parameter"),
        ({"name": None}, "cannot be the name of a parameter"),
        ({"name": "a" * 33}, "cannot be the name of a parameter"),
        ({"type": "whole"}, "needs a type: integer, number, word, text, flag"),
        ({"words": []}, "has no words: it is integer"),
        ({"least": None}, "has bounds that are no numbers"),
        ({"least": 0.5}, "has bounds that are no numbers"),
        ({"least": True}, "has bounds that are no numbers"),
        ({"least": 6}, "has bounds the wrong way round, or too large"),
        ({"most": 2**53}, "has bounds the wrong way round, or too large"),
        ({"default": 6}, "has a default that it refuses: seed must be between 0 and 5."),
    ],
)
def test_what_cannot_be_a_parameter_is_said(changes, words):
    assert [*faults_of({**SEED, **changes})] == [words]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"name": "seed", "type": "integer", "least": 0}, "needs most"),
        ({"name": "look", "type": "word", "words": []}, "needs 1 to 50 words, each once"),
        ({"name": "look", "type": "word", "words": ["a", "a"]}, "needs 1 to 50 words, each once"),
        ({"name": "look", "type": "word", "words": "photo"}, "must have a list of words"),
        ({"name": "no", "type": "text", "most": 4_001},
         "has bounds the wrong way round, or too large"),
    ],
)  # fmt: skip
def test_what_a_type_needs_is_said(row, words):
    assert [*faults_of(row)] == [words]


def test_no_field_of_ours_can_be_a_parameter():
    bodies = (fields.GENERATION, fields.EDIT, fields.EDIT_FORM, fields.VARIATION_FORM, fields.QUOTE)
    assert {one.name for body in bodies for one in body} <= RESERVED


def test_a_parameter_is_read_as_it_was_stored():
    assert parameter_of(STYLE) == Parameter(
        "look", "word", words=("photo", "drawing"), default="photo"
    )
