"""A book's prices by model, each with what was earned on it in the last 30 days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from billing.models import PriceBook
from billing.pricing import QUALITIES, REFERENCE, BookRow, PriceKey
from billing.selectors import Margin, image_cost
from pictor.kit.words.money import Micros, scale_half_up

MOST_FOUND = 100
"""Prices that a search shows."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A price and what sold of it in 30 days.

    Attributes:
        unit: what is charged, with the book's markup.
    """

    row: BookRow
    unit: Micros
    sold: Margin | None

    @property
    def name(self) -> str:
        """As forms send it."""
        return " ".join(self.row.key)

    @property
    def anchor(self) -> str:
        """Its id on a page."""
        return "-".join(("of", *self.row.key))

    @property
    def is_held(self) -> bool:
        """Whether the price is only held, and what is charged follows from something else."""
        return self.row.kind == "formula" or self.row.size == REFERENCE

    @property
    def images(self) -> int:
        """That sold of it."""
        return self.sold.images if self.sold else 0

    @property
    def cost(self) -> Micros | None:
        """Of an image; None where nobody knows."""
        return image_cost(self.sold)

    @property
    def earned(self) -> Micros | None:
        """What is charged for an image: this price, or what was, where it is only held."""
        if not self.is_held:
            return self.unit
        return Micros(self.sold.revenue // self.sold.images) if self.images and self.sold else None

    @property
    def percent(self) -> float | None:
        """The margin of it; None where the cost is not known."""
        if self.cost is None or not self.earned:
            return None
        return (self.earned - self.cost) * 100 / self.earned

    @property
    def is_below_cost(self) -> bool:
        """Whether each image loses money."""
        return self.cost is not None and self.earned is not None and self.earned < self.cost


@dataclass(frozen=True, slots=True)
class Model:
    """A model's prices in a book, what sold most first."""

    name: str
    cells: Sequence[Cell]

    @property
    def images(self) -> int:
        """That sold of it in 30 days."""
        return sum(cell.images for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Line:
    """A size, with its cell in each quality; None where it has no price."""

    size: str
    cells: Sequence[tuple[str, Cell | None]]


@dataclass(frozen=True, slots=True)
class Grid:
    """A model's prices: a line for each size, what sold most first; reference images apart."""

    model: Model
    qualities: Sequence[str]
    lines: Sequence[Line]
    reference: Cell | None


def models_of(
    rows: Sequence[BookRow], book: PriceBook, sold: Mapping[PriceKey, Margin]
) -> list[Model]:
    """The models of a book, what sold most first."""
    cells: dict[str, list[Cell]] = {}
    for row in rows:
        unit = scale_half_up(row.micros, book.markup)
        cells.setdefault(row.model, []).append(Cell(row, unit, sold.get(row.key)))
    models = [
        Model(name, sorted(found, key=lambda one: (-one.images, one.row.key)))
        for name, found in cells.items()
    ]
    return sorted(models, key=lambda one: (-one.images, one.name))


def grid_of(model: Model) -> Grid:
    """Its prices as a table."""
    by_size: dict[str, dict[str, Cell]] = {}
    reference = None
    for cell in model.cells:
        if cell.row.size == REFERENCE:
            reference = cell
        else:
            by_size.setdefault(cell.row.size, {})[cell.row.quality] = cell
    words = {word for found in by_size.values() for word in found}
    known = [word for word in QUALITIES if word in words]
    qualities = [*known, *sorted(words - {*known})]
    sizes = sorted(by_size.items(), key=_place)
    lines = [Line(size, [(word, found.get(word)) for word in qualities]) for size, found in sizes]
    return Grid(model, qualities, lines, reference)


def matching(models: Sequence[Model], text: str) -> list[Cell]:
    """The prices with all these words in their model, size or quality, MOST_FOUND at most."""
    words = text.lower().replace("\N{MULTIPLICATION SIGN}", "x").split()
    cells = [cell for model in models for cell in model.cells]
    return [cell for cell in cells if all(word in cell.name.lower() for word in words)][:MOST_FOUND]


def _place(line: tuple[str, Mapping[str, Cell]]) -> tuple[int, int, str]:
    """What sold most first, then the smaller ones."""
    size, cells = line
    rows = [cell.row for cell in cells.values()]
    sold = sum(cell.images for cell in cells.values())
    return (-sold, rows[0].width * rows[0].height, size)
