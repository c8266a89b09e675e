from datetime import UTC, datetime

import pytest

from generation.channels import answers

NOW = datetime(2026, 11, 20, 8, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("Fri, 20 Nov 2026 08:01:00 GMT", 60.0),
        ("Fri, 20 Nov 2026 07:00:00 GMT", 0.0),
        ("-5", 0.0),
        ("1e99", 86_400.0),
        ("nan", None),
        ("soon", None),
        ("Mon, 01 Jan 99999999999 00:00:00 GMT", None),
        ("Fri, 20 Nov 2026 08:01:00 +999999999999", None),
        ("", None),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(value, seconds):
    assert answers.retry_after_of({"retry-after": value}, now=NOW) == seconds


@pytest.mark.parametrize(
    ("asked", "answered", "is_same"),
    [
        ("gpt-image-1", "gpt-image-1-2025-04-23", True),
        ("gpt-image-2-2026-04-21", "gpt-image-2", True),
        ("gemini-2.5-flash-image", "models/Gemini-2.5-flash-image-001", True),
        ("gemini-2.5-flash-image", "gemini-2.5-flash-image-09-2025", True),
        ("seedream-4-5", "bytedance/seedream-4-5-251128", True),
        ("gpt-image-1", "gpt-image-1-mini", False),
        ("gpt-image-1", "gpt-image-1.5", False),
        ("gpt-image-2", "gpt-image-2.6-flare", False),
        ("gpt-image-1", "gpt-image-2", False),
        ("gemini-3.7-flash-image", "gemini-3.8-flash-image", False),
        ("gemini-3-pro-image", "gemini-3-pro-image-preview", False),
    ],
)
def test_a_dated_snapshot_is_the_same_model(asked, answered, is_same):
    assert answers.is_same_model(asked, answered) is is_same


def test_no_retry_after_is_none():
    assert answers.retry_after_of({}, now=NOW) is None


def test_details_hold_no_secret_and_are_one_short_line():
    words = (
        "Incorrect API key live-secret-key or sk-proj-abc*****def\n"
        "see https://a.example/x.png?X-Amz-Signature=abc Bearer abcdef " + "x" * 900
    )

    detail = answers.redact(words, "live-secret-key")

    assert detail.startswith(
        "Incorrect API key [key] or [key] see https://a.example/x.png?[query] Bearer [key] xxx"
    )
    assert len(detail) == 500


@pytest.mark.parametrize(
    ("key", "words", "detail"),
    [
        ("k", "service not known: k", "service not known: [key]"),
        ("key", "wrong key", "wrong [key]"),
        ("k-long-one", "ak-long-ones", "a[key]s"),
    ],
)
def test_a_short_key_is_masked_as_a_word_alone_and_once(key, words, detail):
    assert answers.redact(answers.redact(words, key), key) == detail


@pytest.mark.parametrize(
    "header", ["x-request-id", "request-id", "apim-request-id", "x-oneapi-request-id"]
)
def test_the_upstreams_request_id_is_kept_up_to_120_characters(header):
    assert answers.request_id_of({header: "req_" + "3" * 116}) == "req_" + "3" * 116


@pytest.mark.parametrize(
    "value", ["a fox in the snow", "req_\x0712", "req_1\n", "лиса", "\x7f", "3" * 121, " ", ""]
)
def test_what_is_no_id_may_be_words_of_the_prompt_and_is_not_kept(value):
    assert answers.request_id_of({"x-request-id": value}) == ""
    assert answers.request_id_of({"x-request-id": value, "request-id": "r-1"}) == "r-1"


def test_no_request_id_is_an_empty_one():
    assert answers.request_id_of({"x-request-id": ""}) == ""
