"""What changes from one table of prices to another. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from typing_extensions import override

from billing.pricing import INPUT, REFERENCE, PriceKey, PriceRow
from pictor.kit.money import to_decimal


@dataclass(frozen=True, slots=True)
class PriceChange:
    """One price before and after, None where there is none.

    A model without a row of reference images includes them.
    """

    key: PriceKey
    was: PriceRow | None
    becomes: PriceRow | None

    @property
    def differs(self) -> bool:
        """Whether it is a change at all."""
        return self._words(self.was) != self._words(self.becomes)

    @override
    def __str__(self) -> str:
        """`dall-e-3 1024x1024 hd: 0.080000 USD -> 0.090000 USD`."""
        return f"{' '.join(self.key)}: {self._words(self.was)} -> {self._words(self.becomes)}"

    def _words(self, row: PriceRow | None) -> str:
        if row is not None:
            return _words(self.key, row)
        return "included" if self._is_of_references else "no price"

    @property
    def _is_of_references(self) -> bool:
        return self.key[1:] == (REFERENCE, INPUT)


def changes_between(
    before: Mapping[PriceKey, PriceRow], after: Mapping[PriceKey, PriceRow]
) -> list[PriceChange]:
    """What differs in what is charged or said of it, in the order of the keys."""
    changes = (
        PriceChange(key, before.get(key), after.get(key)) for key in sorted({*before, *after})
    )
    return [one for one in changes if one.differs]


def _words(key: PriceKey, row: PriceRow) -> str:
    usd = f"{to_decimal(row.unit)} USD"
    if row.kind == "formula":
        times = "" if row.markup == 1 else f" x{row.markup.normalize():f}"
        return f"{usd} (formula{times})"
    pixels = f"{row.width}x{row.height}"
    return usd if pixels == key[1] else f"{usd} for {pixels}"
