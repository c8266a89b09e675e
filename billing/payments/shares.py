"""Shares of a charge: a card's cents as micros of the balance. Pure.

Tax and fees are in no transfer: what a payment buys is spread over all the cents that were charged
for it, so that all cents take exactly all micros, however they are split.
"""

from dataclasses import dataclass

from pictor.kit.words.money import Micros, in_dollars, scale_half_up

MICROS_PER_CENT = 10_000


def micros_of(cents: int) -> Micros:
    return Micros(cents * MICROS_PER_CENT)


def dollars_of(cents: int) -> str:
    return in_dollars(micros_of(cents))


@dataclass(frozen=True, slots=True)
class CardCharge:
    """A payment's charge: what it bought, its cents, and what of both went back so far."""

    credited: Micros
    cents: int
    gone_cents: int = 0
    gone_micros: int = 0

    def share_of(self, cents: int) -> Micros:
        """Return the micros that the next cents take, half up, counted from the first."""
        so_far = scale_half_up(self.credited, self.gone_cents + cents, self.cents)
        return Micros(max(so_far - self.gone_micros, 0))

    def cents_for(self, micros: int) -> int:
        """Return the whole cents whose share is nearest to that many next micros."""
        return scale_half_up(self.cents, self.gone_micros + micros, self.credited) - self.gone_cents
