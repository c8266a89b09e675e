"""How money reads on a page. Pure; amounts are micro-USD, and none but a total is rounded.

A price per image has at least three decimals ($0.040), an amount at least two ($12.30); trailing
zeros beyond these are left out. A total has two.
"""

from collections.abc import Iterable

from pictor.kit.words.money import in_dollars, scale_half_up

PRICE_DECIMALS = 3
CENT = 10_000


def price(micros: int, decimals: int = PRICE_DECIMALS) -> str:
    """A price per image: 40_000 -> '$0.040', 5_880 -> '$0.00588'; a column's may be longer."""
    return in_dollars(micros, decimals)


def decimals_of(prices: Iterable[int]) -> int:
    """How many decimals a column of these prices needs, so that its digits stand in line."""
    return max((len(price(micros).partition(".")[2]) for micros in prices), default=PRICE_DECIMALS)


def amount(micros: int) -> str:
    """A sum: 1_204_180_000 -> '$1,204.18', -40 -> '-$0.00004'."""
    return in_dollars(micros)


def total(micros: int) -> str:
    """What a period sums up to: 41_203_517 -> '$41.20'; less than a cent as it is, '$0.0049'."""
    if abs(micros) < CENT:
        return amount(micros)
    return amount(scale_half_up(micros, 1, CENT) * CENT)
