"""What people type: the same at every door, and refused with words for whoever typed it."""

from datetime import UTC, date, datetime

import pytest

from pictor.kit.words import typed


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("12.50", 12_500_000),
        (" $1,000.50 ", 1_000_500_000),
        ("-$0.25", -250_000),
        ("\N{MINUS SIGN}0.25", -250_000),
        ("-1,000", -1_000_000_000),
        ("1,234,567.000001", 1_234_567_000_001),
    ],
)
def test_an_amount_may_have_a_dollar_sign_and_thousands(text, micros):
    assert typed.amount(text) == micros


@pytest.mark.parametrize(
    "text", ["", "$", "12,50", "1,00", "1,0000", "0,100", "1e3", "$$1", "\u0663"]
)
def test_an_amount_that_may_mean_another_is_refused(text):
    with pytest.raises(ValueError, match="is not an amount"):
        typed.amount(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-12-01 10:30 UTC",
        "2026-12-01 10:30UTC",
        "2026-12-01T10:30Z",
        "2026-12-01T12:30:00+02:00",
        " 2026-12-01 10:30:00.0Z ",
    ],
)
def test_a_time_with_its_zone_is_read_in_utc(text):
    assert typed.moment(text) == datetime(2026, 12, 1, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-12-01 10:30",
        "2026-12-01",
        "tomorrow",
        "2026-02-31 00:00 UTC",
        "2026-12-01 10:30+02:00 UTC",
        "9999-12-31T23:59-14:00",
        "0001-01-01T00:00+14:00",
        "",
    ],
)
def test_a_time_that_may_mean_another_is_refused(text):
    with pytest.raises(ValueError, match="is not a time with its zone, such as 2026-12-01 00:00 U"):
        typed.moment(text)


def test_a_day_is_read_and_another_word_refused():
    assert typed.day(" 2026-12-01 ") == date(2026, 12, 1)
    with pytest.raises(ValueError, match="'2026-02-30' is not a day, such as 2026-12-01"):
        typed.day("2026-02-30")


def test_a_number_within_its_limits_is_read():
    assert [typed.number(text) for text in ("0", " 7 ", "2147483647")] == [0, 7, 2147483647]
    assert typed.number("9223372036854775807", most=typed.LARGEST_ID) == typed.LARGEST_ID


@pytest.mark.parametrize("text", ["", "-1", "1.5", "1_0", "\u0663", "2147483648", "9" * 5000, "x"])
def test_another_number_is_refused(text):
    with pytest.raises(ValueError, match="is not a whole number from 0 to 2147483647") as refused:
        typed.number(text)

    assert len(str(refused.value)) < 100


@pytest.mark.parametrize(
    "text", ["a = 1\nb = { c = [2.5, true] }", '{"a": 1, "b": {"c": [2.5, true]}}']
)
def test_a_table_is_read_from_toml_or_json(text):
    assert typed.table(text) == {"a": 1, "b": {"c": [2.5, True]}}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a = 2026-12-01", "a value that is no JSON"),
        ("a = nan", "a value that is no JSON"),
        ('{"a": 1e999}', "a value that is no JSON"),
        ('{"a": "\\ud800"}', "a value that is no JSON"),
        ('{"a": "\\u0000"}', "a NUL character"),
        ('{"a": ' + "[" * 40 + "]" * 40 + "}", "nested too deeply"),
        ('{"a": ' + "[" * 99_999 + "]" * 99_999 + "}", "nested too deeply"),
    ],
)
def test_a_table_that_no_column_can_keep_is_refused(text, fault):
    with pytest.raises(ValueError, match=fault):
        typed.table(text)
