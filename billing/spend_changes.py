"""Why spending changed from one period to another: volume, price and mix. Pure."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

from pictor.kit.words.money import Micros

Cell = TypeVar("Cell", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Spend:
    """Images and their charge, of a cell or of all."""

    images: int = 0
    captured: int = 0


@dataclass(frozen=True, slots=True)
class SpendChange(Generic[Cell]):
    """The change of one cell's charge, in micros; its three parts add up to it.

    Attributes:
        volume: what it would be if all cells had grown alike, at the prices of before.
        price: the images of now times the change of the charge per image.
        mix: the rest: more or less of this cell than of others; all of it for a new cell.
    """

    cell: Cell
    before: Spend
    now: Spend
    volume: Micros
    price: Micros

    @property
    def difference(self) -> Micros:
        return Micros(self.now.captured - self.before.captured)

    @property
    def mix(self) -> Micros:
        return Micros(self.difference - self.volume - self.price)


def changes_of_spend(
    before: Mapping[Cell, Spend], now: Mapping[Cell, Spend]
) -> list[SpendChange[Cell]]:
    """Return the change of each cell, the largest first.

    Volume and price of all are rounded once, and what rounding leaves goes to the largest cell. If
    there was nothing before, all of it is volume.
    """
    cells = {cell: (before.get(cell, Spend()), now.get(cell, Spend())) for cell in {*before, *now}}
    images_before = sum(was.images for was, _ in cells.values())
    grown = sum(is_now.images for _, is_now in cells.values()) - images_before
    volumes, prices = {}, {}
    for cell, (was, is_now) in cells.items():
        volumes[cell] = (
            Fraction(was.captured * grown, images_before)
            if images_before
            else Fraction(is_now.captured - was.captured)
        )
        kept = bool(images_before and was.images)
        at_old_price = Fraction(is_now.images * was.captured, was.images) if kept else Fraction()
        prices[cell] = is_now.captured - at_old_price if kept else Fraction()
    sizes = {cell: sum(one.captured for one in spends) for cell, spends in cells.items()}
    largest = max(cells, key=lambda cell: (sizes[cell], str(cell)), default=None)
    volume, price = _rounded(volumes, largest), _rounded(prices, largest)
    changes = [
        SpendChange(cell, was, is_now, volume[cell], price[cell])
        for cell, (was, is_now) in cells.items()
        if was != is_now or was.captured
    ]
    return sorted(changes, key=lambda change: (-abs(change.difference), str(change.cell)))


def _rounded(parts: Mapping[Cell, Fraction], largest: Cell | None) -> dict[Cell, Micros]:
    """Round each part, and give the largest cell what is missing to the rounded sum."""
    rounded = {cell: round(part) for cell, part in parts.items()}
    if largest is not None:
        rounded[largest] += round(sum(parts.values(), Fraction())) - sum(rounded.values())
    return {cell: Micros(micros) for cell, micros in rounded.items()}
