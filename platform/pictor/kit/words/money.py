"""Money: whole micro-USD inside, decimal strings where people type or read.

Charges are rounded only here.

1 USD = 1,000,000 micros. Raises ValueError for an amount that is not a finite decimal with at
most six places.
"""

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import NewType

Micros = NewType("Micros", int)

PER_UNIT = 1_000_000
_PLAIN = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
MAX_MICROS = 9_000_000_000_000_000
"""Largest amount a person may enter: nine billion USD, far inside a signed 64-bit column."""
_MOST = Decimal(MAX_MICROS) / PER_UNIT


def from_decimal(amount: Decimal | str) -> Micros:
    """Return micros: '10.25' -> 10_250_000. At most six decimals, never rounded."""
    if isinstance(amount, str) and not _PLAIN.fullmatch(amount.strip()):
        raise ValueError(f"{amount!r} is not an amount")
    exact = Decimal(amount)
    # Compared as it is: a product of a million digits overflows.
    if exact.is_finite() and exact.copy_abs() > _MOST:
        raise ValueError(f"{str(amount)[:40]!r} is too large")
    micros = int(exact * PER_UNIT) if exact.is_finite() else 0
    if Decimal(micros).scaleb(-6) != exact:
        raise ValueError(f"{amount!r} is not an amount with at most 6 decimals")
    return Micros(micros)


def to_decimal(amount: int) -> str:
    """Return a decimal string: 10_250_000 -> '10.250000'. Always six decimals."""
    sign = "-" if amount < 0 else ""
    whole, part = divmod(abs(amount), PER_UNIT)
    return f"{sign}{whole}.{part:06d}"


def in_dollars(amount: int, decimals: int = 2) -> str:
    """Return dollars, never rounded: 1_204_180_000 -> '$1,204.18', -40 -> '-$0.00004'.

    `decimals` is the least number of decimals.
    """
    whole, _, places = to_decimal(abs(amount)).partition(".")
    kept = places.rstrip("0").ljust(decimals, "0")
    return f"{'-' if amount < 0 else ''}${int(whole):,}.{kept}"


def scale_half_up(amount: int, numerator: int | Decimal, denominator: int | Decimal = 1) -> Micros:
    """Return amount x numerator / denominator, rounded half up to a whole micro."""
    exact = Decimal(amount) * Decimal(numerator) / Decimal(denominator)
    return Micros(int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)))
