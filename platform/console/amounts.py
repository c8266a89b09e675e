"""Amounts of money for pages. Pure; amounts are micro-USD, and only totals are rounded.

A price per image has at least three decimals ($0.040), an amount at least two ($12.30); further
trailing zeros are left out. A total has two. In a column a balance has two decimals and a price
five, and the exact amount stands in its cell's title; sums of usage have all six.
"""

from collections.abc import Iterable

from pictor.kit.words.money import in_dollars, scale_half_up

PRICE_DECIMALS = 3
CENT = 10_000
UNIT = 10
"""The micros of a price's last decimal in a column."""


def price(micros: int, decimals: int = PRICE_DECIMALS) -> str:
    """A price per image: 40_000 -> '$0.040', 5_880 -> '$0.00588'; a column may need more digits."""
    return in_dollars(micros, decimals)


def decimals_of(prices: Iterable[int]) -> int:
    """The decimals that a column of these prices needs, so that its digits are aligned."""
    return max((len(price(micros).partition(".")[2]) for micros in prices), default=PRICE_DECIMALS)


def amount(micros: int) -> str:
    """A sum: 1_204_180_000 -> '$1,204.18', -40 -> '-$0.00004'."""
    return in_dollars(micros)


def cents(number: int | None) -> str:
    """A payment's amount: 2_050 -> '$20.50'; empty for None."""
    return "" if number is None else amount(number * CENT)


def signed(micros: int, decimals: int = 2) -> str:
    """A change, with at least so many decimals: 40_000 -> '+$0.04', -40 -> '-$0.00004'."""
    return ("+" if micros > 0 else "") + in_dollars(micros, decimals)


def total(micros: int) -> str:
    """A period's total: 41_203_517 -> '$41.20'; less than a cent is not rounded: '$0.0049'."""
    if abs(micros) < CENT:
        return amount(micros)
    return amount(scale_half_up(micros, 1, CENT) * CENT)


def balance(micros: int) -> str:
    """A balance in a column: 9_947_320 -> '$9.95'."""
    return in_dollars(scale_half_up(micros, 1, CENT) * CENT)


def unit(micros: int) -> str:
    """A price or charge in a column: 40_000 -> '$0.04000', 5_268 -> '$0.00527'."""
    return in_dollars(scale_half_up(micros, 1, UNIT) * UNIT, 5)
