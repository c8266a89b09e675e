"""The changes from one table of prices to another, and which of them are large. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256

from typing_extensions import override

from billing.pixel_prices import in_usd
from billing.price_rows import ANY, INPUT, REFERENCE, PriceKey, PriceRow
from billing.pricing import NOTHING, PriceTable
from pictor.kit.words.money import to_decimal

LARGE_PERCENT = 50
_PIXELS = (1, 2048**2, 4096**2)
"""Where prices by pixels are compared, besides the row's own size and the ends of steps."""


@dataclass(frozen=True, slots=True)
class PriceChange:
    """One price before and after; None if there is none.

    A model without a row of reference images includes them.
    """

    key: PriceKey
    was: PriceRow | None
    becomes: PriceRow | None

    @property
    def model(self) -> str:
        return self.key[0]

    @property
    def is_large(self) -> bool:
        """True if a price changes by more than LARGE_PERCENT; never if a cell is added or removed.

        A formula's charges follow only from its markup; its row is only held.
        """
        pairs = (
            (self._micros(self.was), self._micros(self.becomes)),
            (_formula_markup(self.was), _formula_markup(self.becomes)),
            *self._by_pixels,
        )
        if any(was is not None and becomes is None for was, becomes in self._by_pixels):
            return True  # some size loses its price
        return any(
            _is_far(was, becomes)
            for was, becomes in pairs
            if was is not None and becomes is not None
        )

    @property
    def _by_pixels(self) -> Sequence[tuple[Decimal | None, Decimal | None]]:
        """The prices before and after at several sizes, if one of them follows from the pixels."""
        rows = (self.was, self.becomes)
        terms = [row.terms for row in rows if row is not None and row.terms is not None]
        is_of_many = self.key[1] in {ANY, REFERENCE} or len(terms) == len(rows)
        if not terms or not is_of_many or None in rows:
            return ()
        ends = {most for one in terms for most, _ in one.steps}
        return [(_at(self.was, pixels), _at(self.becomes, pixels)) for pixels in {*_PIXELS, *ends}]

    @property
    def falls(self) -> bool:
        """True if the charge falls, or a cell without a price gets one."""
        if self.was is None or self.becomes is None:
            return self.becomes is not None
        if self.becomes.unit < self.was.unit:
            return True
        return any(was and unit and unit < was for was, unit in self._by_pixels)

    @property
    def differs(self) -> bool:
        """True if the price or its description changes."""
        return self.words(self.was) != self.words(self.becomes)

    @property
    def percent(self) -> Decimal | None:
        """The change of the charge in percent; None without a price before or after."""
        was, becomes = self._micros(self.was), self._micros(self.becomes)
        if not was or becomes is None:
            return None
        return (becomes - was) * 100 / was

    @override
    def __str__(self) -> str:
        """`dall-e-3 1024x1024 hd: 0.080000 USD -> 0.090000 USD`."""
        return f"{' '.join(self.key)}: {self.words(self.was)} -> {self.words(self.becomes)}"

    def _micros(self, row: PriceRow | None) -> Decimal | None:
        if row is not None:
            return Decimal(row.unit)
        return Decimal(NOTHING) if self._is_of_references else None

    def words(self, row: PriceRow | None) -> str:
        """The row before or after it in words."""
        if row is not None:
            return _words(self.key, row)
        return "included" if self._is_of_references else "no price"

    @property
    def _is_of_references(self) -> bool:
        return self.key[1:] == (REFERENCE, INPUT)


def changes_between(
    before: Mapping[PriceKey, PriceRow], after: Mapping[PriceKey, PriceRow]
) -> list[PriceChange]:
    """Return the changes in charges or their descriptions, in the order of the keys.

    A size whose own row comes or goes has the price of the row `any` besides.
    """
    was, becomes = PriceTable((), before), PriceTable((), after)
    changes = (
        PriceChange(key, was.row_of(key), becomes.row_of(key)) for key in sorted({*before, *after})
    )
    return [change for change in changes if change.differs]


def digest_of_changes(changes: Sequence[PriceChange]) -> str:
    """Return a digest, hexadecimal, which differs for any changes other than those reviewed."""
    return sha256("\n".join(map(str, changes)).encode()).hexdigest()[:32]


def _words(key: PriceKey, row: PriceRow) -> str:
    usd = f"{to_decimal(row.unit)} USD"
    if row.kind == "formula":
        times = "" if row.markup == 1 else f" x{row.markup.normalize():f}"
        return f"{usd} (formula{times})"
    pixels = f"{row.width}x{row.height}"
    if row.terms is not None:
        covers = f", up to {pixels}" if key[1] == REFERENCE else ""
        return row.by_pixels(in_usd) + covers
    return usd if pixels == key[1] else f"{usd} for {pixels}"


def _formula_markup(row: PriceRow | None) -> Decimal | None:
    return row.markup if row is not None and row.kind == "formula" else None


def _at(row: PriceRow | None, pixels: int) -> Decimal | None:
    """Return the price of so many pixels; None where there is none."""
    there = None if row is None else row.at(pixels, 1)
    return None if there is None else Decimal(there.unit)


def _is_far(was: Decimal, becomes: Decimal) -> bool:
    return abs(becomes - was) * 100 > was * LARGE_PERCENT
