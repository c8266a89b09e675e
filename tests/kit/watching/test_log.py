"""Log lines: one JSON object each, without secrets."""

import json
import logging
from typing import Any

import pytest

from pictor.kit.watching.log import LineFormatter, request_id, without_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key sk-pictor-abcdefgh12345678 refused", "key sk-*** refused"),
        ("sk-proj-AbC_123-xyz", "sk-***"),
        ("Invalid key: rk_live_51Hxyz9", "Invalid key: sk_***"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer ***"),
        ("authorization: bEaReR   abc'", "authorization: Bearer ***'"),
        ("postgresql://pictor:hunter2@db:5432/x", "postgresql://pictor:***@db:5432/x"),
        ("redis://:hunter2@cache/0", "redis://:***@cache/0"),
        (
            "GET /i.png?X-Amz-Credential=AKIA%2F20261120&X-Amz-Signature=0a1b2c&x=1",
            "GET /i.png?X-Amz-Credential=***&X-Amz-Signature=***&x=1",
        ),
        ("GET /invite/Zm94ZXM-x_1/", "GET /invite/***/"),
        ("GET /open/Zm94ZXM-x_1?next=/", "GET /open/***?next=/"),
        ("https://user@host/path", "https://user@host/path"),
        ("a desk-lamp and a bearer", "a desk-lamp and a bearer"),
        ("sk-short", "sk-short"),
    ],
)
def test_a_text_like_a_secret_is_replaced(text, shown):
    assert without_secrets(text) == shown


def line_of(record: logging.LogRecord) -> dict[str, str]:
    text = LineFormatter().format(record)
    assert "\n" not in text
    found: dict[str, str] = json.loads(text)
    return found


def make_record(message: str, *arguments: object, exc_info: Any = None) -> logging.LogRecord:
    record = logging.LogRecord("one.two", logging.WARNING, "f.py", 1, message, arguments, exc_info)
    record.created = 1_800_000_000.1234
    return record


def test_a_line_says_when_how_grave_who_and_what():
    assert line_of(make_record("a %s of %d\n", "pair", 2)) == {
        "at": "2027-01-15T08:00:00.123+00:00",
        "level": "warning",
        "logger": "one.two",
        "message": "a pair of 2\n",
    }


def test_a_line_within_a_request_has_its_id():
    token = request_id.set("req_1")

    line = line_of(make_record("x"))

    request_id.reset(token)
    assert line["request_id"] == "req_1"


def test_a_line_of_an_exception_has_its_traceback_without_secrets():
    with pytest.raises(ValueError, match="invalid literal") as raised:
        int("sk-pictor-abcdefgh12345678")

    line = line_of(make_record("failed", exc_info=(raised.type, raised.value, raised.tb)))

    assert line["error"].startswith("Traceback (most recent call last):")
    assert line["error"].endswith("with base 10: 'sk-***'")
