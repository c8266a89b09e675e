"""How money reads on a page. Pure; amounts are micro-USD, and none is ever rounded.

A price per image has at least three decimals ($0.040), an amount at least two ($12.30); trailing
zeros beyond these are left out.
"""

from collections.abc import Iterable

from pictor.kit.money import in_dollars

PRICE_DECIMALS = 3


def price(micros: int, decimals: int = PRICE_DECIMALS) -> str:
    """A price per image: 40_000 -> '$0.040', 5_880 -> '$0.00588'; a column's may be longer."""
    return in_dollars(micros, decimals)


def decimals_of(prices: Iterable[int]) -> int:
    """How many decimals a column of these prices needs, so that its digits stand in line."""
    return max((len(price(micros).partition(".")[2]) for micros in prices), default=PRICE_DECIMALS)


def amount(micros: int) -> str:
    """A sum: 1_204_180_000 -> '$1,204.18', -40 -> '-$0.00004'."""
    return in_dollars(micros)
