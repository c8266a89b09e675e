"""Money is shown exactly, with at least a price list's digits; times are shown in words."""

from datetime import timedelta

import pytest

from console.amounts import amount, balance, decimals_of, price, total, unit
from console.templatetags.console import ago, runway
from pictor.kit.words import clock


@pytest.mark.parametrize(
    ("micros", "text"),
    [(0, "$0.000"), (40_000, "$0.040"), (5_880, "$0.00588"), (1, "$0.000001"), (159_000, "$0.159")],
)
def test_a_price_has_at_least_three_decimals(micros, text):
    assert price(micros) == text


@pytest.mark.parametrize(
    ("micros", "text"),
    [(0, "$0.00"), (1_204_180_000, "$1,204.18"), (-40, "-$0.00004"), (-2_500_000, "-$2.50")],
)
def test_an_amount_has_at_least_two_decimals_and_its_sign_in_front(micros, text):
    assert amount(micros) == text


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "$0.00"),
        (1_204_184_999, "$1,204.18"),
        (41_205_000, "$41.21"),
        (-2_505_000, "-$2.51"),
        (10_000, "$0.01"),
        (9_999, "$0.009999"),
        (-40, "-$0.00004"),
    ],
)
def test_a_total_is_of_whole_cents_unless_it_is_less_than_one(micros, text):
    assert total(micros) == text


@pytest.mark.parametrize(
    ("micros", "text"),
    [(0, "$0.00"), (9_947_320, "$9.95"), (4_999, "$0.00"), (5_000, "$0.01"), (-15_000, "-$0.02")],
)
def test_a_balance_in_a_column_has_two_decimals(micros, text):
    assert balance(micros) == text


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        *((0, "$0.00000"), (40_000, "$0.04000"), (5_264, "$0.00526"), (5_265, "$0.00527")),
        (-52_680, "-$0.05268"),
    ],
)
def test_a_price_in_a_column_has_five_decimals(micros, text):
    assert unit(micros) == text


def test_the_prices_of_a_column_stand_in_line():
    decimals = decimals_of([159_000, 195_420])

    assert [price(micros, decimals) for micros in (159_000, 195_420)] == ["$0.15900", "$0.19542"]


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (0.9, "under a day"),
        (1.2, "≈ 1 day"),
        (8.6, "≈ 9 days"),
        (365, "≈ 365 days"),
        (365.1, "over a year"),
    ],
)
def test_a_balances_days_are_rounded_in_words(days, text):
    assert runway(days) == text


@pytest.mark.parametrize(
    ("hours", "words"),
    [(0, "now"), (1, "an hour ago"), (35, "1 day ago"), (24 * 16, "2 weeks ago")],
)
def test_a_time_is_told_by_its_largest_unit(hours, words):
    told = ago(clock.now() - timedelta(hours=hours))

    assert told.replace("\xa0", " ") == words
