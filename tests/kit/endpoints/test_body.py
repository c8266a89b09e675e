"""A request's JSON, read strictly."""

from typing import Any

import pytest

from pictor.kit.endpoints.body import Body
from pictor.kit.words.errors import InvalidRequest


def fields(skeleton: bytes) -> dict[str, Any]:
    return Body(skeleton=skeleton).fields()


def nested(levels: int, *, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return b'{"a":' + opening * (levels - 1) + closing * (levels - 1) + b"}"


@pytest.mark.parametrize(
    ("skeleton", "expected"),
    [
        (b"{}", {}),
        (b' \n{"n": 1}\t', {"n": 1}),
        ('{"prompt":"ein größerer Fuchs: 🦊"}'.encode(), {"prompt": "ein größerer Fuchs: 🦊"}),
        (b'{"prompt":"\\ud83e\\udd8a"}', {"prompt": "🦊"}),
        (b'{"a":[1,-2,3.5,1e3,true,false,null]}', {"a": [1, -2, 3.5, 1000.0, True, False, None]}),
        (b'{"n":12345678901234567890}', {"n": 12345678901234567890}),
    ],
)
def test_an_object_is_read(skeleton, expected):
    assert fields(skeleton) == expected


@pytest.mark.parametrize(
    ("skeleton", "why"),
    [
        (b"", "The body is empty"),
        (b" \n", "The body is empty"),
        (b"[]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b"5", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b"{", "Expecting property name .* at line 1 column 2"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": 1,}', "not JSON"),
        (b'{"a": 1} {}', "Extra data"),
        (b'{"a": 01}', "not JSON"),
        (b'{"a": "\n"}', "control character"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'{\x00"a": 1}', "not JSON"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b'{"a": -Infinity}', "-Infinity is not a JSON number"),
        (b'{"a": 1, "a": 2}', "the same key twice"),
        (b'{"b": {"a": 1, "a": 1}}', "the same key twice"),
        (b'{"a": ' + b"9" * 100_000 + b"}", "more than 1000 digits"),
        ('{"a": \uff11}'.encode(), "not JSON"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(skeleton, why):
    with pytest.raises(InvalidRequest, match=why) as refused:
        fields(skeleton)

    assert (refused.value.status, refused.value.code) == (400, "invalid_json")


def test_32_levels_are_read():
    fields(nested(32))
    fields(b'{"a":' * 32 + b"1" + b"}" * 32)


@pytest.mark.parametrize(
    "skeleton",
    [nested(34), b'{"a":' * 34 + b"1" + b"}" * 34, nested(500), nested(200_000)],
    ids=["arrays", "objects", "hundreds", "thousands"],
)
def test_deeper_ones_are_refused(skeleton):
    with pytest.raises(InvalidRequest, match="nested deeper than 32 levels"):
        fields(skeleton)


@pytest.mark.parametrize(
    ("skeleton", "param"),
    [
        (b'{"prompt": "a\\u0000b"}', "prompt"),
        (b'{"prompt": "\\ud800"}', "prompt"),
        (b'{"style": {"x": ["\\udfff"]}}', "style"),
        (b'{"style": {"\\u0000": 1}}', "style"),
        (b'{"\\ud800": 1}', "?"),
    ],
)
def test_text_that_a_database_would_refuse_is_refused_by_field(skeleton, param):
    with pytest.raises(InvalidRequest, match="NUL characters or lone surrogates") as refused:
        fields(skeleton)

    assert (refused.value.code, refused.value.param) == ("invalid_value", param)


@pytest.mark.parametrize("number", [b"9" * 21, b"-" + b"9" * 21, b"1" + b"0" * 30, b"9" * 1000])
def test_a_number_that_nothing_holds_is_refused_by_field(number):
    with pytest.raises(InvalidRequest, match="at most 20 digits") as refused:
        fields(b'{"style": {"x": [' + number + b"]}}")

    assert (refused.value.code, refused.value.param) == ("invalid_value", "style")
