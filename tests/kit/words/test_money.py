"""Amounts between people and the ledger."""

from decimal import Decimal

import pytest

from pictor.kit.words.money import from_decimal, scale_half_up, to_decimal


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("0", 0),
        ("10.25", 10_250_000),
        ("0.000001", 1),
        ("1.1000000", 1_100_000),
        ("-3", -3_000_000),
        (" 5 ", 5_000_000),
        ("9000000000", 9_000_000_000_000_000),
        (Decimal("0.21072"), 210_720),
    ],
)
def test_an_amount_of_at_most_six_decimals_is_whole_micros(text, micros):
    assert from_decimal(text) == micros


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0.0000001", "6 decimals"),
        ("1.2345678", "6 decimals"),
        (f"1.{'0' * 33}1", "6 decimals"),
        ("NaN", "not an amount"),
        ("Infinity", "not an amount"),
        (Decimal("Infinity"), "6 decimals"),
        ("1e2", "not an amount"),
        ("\uff11\uff10", "not an amount"),
        ("9000000000.000001", "too large"),
        ("9" * 30, "too large"),
        ("-" + "9" * 30, "too large"),
        ("9" * 999_995, "too large"),
        (Decimal("9" * 1_000_001), "too large"),
        ("", "not an amount"),
        ("ten", "not an amount"),
        ("1,5", "not an amount"),
        ("$5", "not an amount"),
        ("0x10", "not an amount"),
    ],
)
def test_anything_else_is_refused_and_never_rounded(text, why):
    with pytest.raises(ValueError, match=why):
        from_decimal(text)


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "0.000000"),
        (1, "0.000001"),
        (10_250_000, "10.250000"),
        (-1, "-0.000001"),
        (-10_250_000, "-10.250000"),
        (9_000_000_000_000_000, "9000000000.000000"),
    ],
)
def test_an_amount_is_shown_with_six_decimals(micros, text):
    assert to_decimal(micros) == text
    assert from_decimal(text) == micros


@pytest.mark.parametrize(
    ("amount", "numerator", "denominator", "micros"),
    [
        (10, 1, 4, 3),
        (10, 3, 4, 8),
        (1, 49, 100, 0),
        (1, 1, 2, 1),
        (3, 1, 2, 2),
        (-1, 1, 2, -1),
        (210_720, Decimal("1.0"), 1, 210_720),
        (210_720, Decimal("1.15"), 1, 242_328),
        (333_333, Decimal("1.000001"), 1, 333_333),
        (9_000_000_000_000_000, 1, 3, 3_000_000_000_000_000),
    ],
)
def test_a_scaled_amount_is_rounded_half_up(amount, numerator, denominator, micros):
    assert scale_half_up(amount, numerator, denominator) == micros
