"""The prices of a book by model, each with the margin of the last 30 days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import QueryDict

from billing.models import PriceBook
from billing.price_rows import ANY, REFERENCE, BookRow, PriceKey
from billing.selectors.office.repricing import image_cost
from billing.selectors.office.sold import Margin, total_of
from pictor.kit.words.money import Micros, scale_half_up

PRICE = "price "
"""Prefix of the form fields with typed prices."""
MAX_FOUND = 100
"""Number of prices that a search shows."""


@dataclass(frozen=True, slots=True)
class PriceCell:
    """A price and its sales in 30 days.

    Attributes:
        unit: the charge, with the book's markup.
        cost_in_force: that of an image at the dearest channel; None if it is unknown.
        typed: the new price in the form that was sent.
        is_ticked: True if that form selects the price.
    """

    row: BookRow
    unit: Micros
    sold: Margin | None
    cost_in_force: Micros | None = None
    typed: str = ""
    is_ticked: bool = False

    @property
    def name(self) -> str:
        return " ".join(self.row.key)

    @property
    def anchor(self) -> str:
        return "-".join(("of", *self.row.key))

    @property
    def is_empty(self) -> bool:
        """True if the cell is on offer without a price."""
        return not self.row.micros

    @property
    def is_held(self) -> bool:
        """True if the charge for an image may be another than `unit`."""
        return self.row.is_held or self.row.terms is not None

    @property
    def images(self) -> int:
        return self.sold.images if self.sold else 0

    @property
    def mean_cost(self) -> Micros | None:
        """The mean cost of the images sold; None if it is unknown."""
        return image_cost(self.sold)

    @property
    def cost(self) -> Micros | None:
        """The mean cost, or else the cost in force; None if both are unknown."""
        return self.cost_in_force if self.mean_cost is None else self.mean_cost

    @property
    def earned(self) -> Micros | None:
        """The charge for an image: the price, or the average charge if the price is only a hold."""
        if not self.is_held:
            return self.unit or None
        return Micros(self.sold.revenue // self.sold.images) if self.images and self.sold else None

    @property
    def percent(self) -> float | None:
        if self.cost is None or not self.earned:
            return None
        return (self.earned - self.cost) * 100 / self.earned

    @property
    def is_below_cost(self) -> bool:
        return self.cost is not None and self.earned is not None and self.earned < self.cost


@dataclass(frozen=True, slots=True)
class Model:
    """The prices of a model in a book, most sold first."""

    name: str
    cells: Sequence[PriceCell]

    @property
    def images(self) -> int:
        return sum(cell.images for cell in self.cells)


@dataclass(frozen=True, slots=True)
class SizeLine:
    """A size with its cell in each quality; None without a price."""

    size: str
    cells: Sequence[tuple[str, PriceCell | None]]


@dataclass(frozen=True, slots=True)
class Grid:
    """The prices of a model: a line for each size, most sold first; reference images apart."""

    model: Model
    qualities: Sequence[str]
    lines: Sequence[SizeLine]
    reference: PriceCell | None


def models_of(
    rows: Sequence[BookRow],
    book: PriceBook,
    sold: Mapping[PriceKey, Margin],
    costs: Mapping[PriceKey, Micros],
    sent: QueryDict,
) -> list[Model]:
    """Return the models of a book, most sold first, with the prices that a form has sent."""
    cells: dict[str, list[PriceCell]] = {}
    sold = {**sold, **_sold_of_any(rows, sold)}
    ticked = set(sent.getlist("cell"))
    for row in rows:
        unit, name = scale_half_up(row.micros, book.markup), " ".join(row.key)
        facts = (sold.get(row.key), costs.get(row.key))
        cell = PriceCell(row, unit, *facts, sent.get(PRICE + name, ""), name in ticked)
        cells.setdefault(row.model, []).append(cell)
    models = [
        Model(name, sorted(lines, key=lambda line: (-line.images, line.row.key)))
        for name, lines in cells.items()
    ]
    return sorted(models, key=lambda model: (-model.images, model.name))


def _sold_of_any(
    rows: Sequence[BookRow], sold: Mapping[PriceKey, Margin]
) -> Mapping[PriceKey, Margin]:
    """Return the sales of rows of size `any`: those of each size without a row of its own."""
    own = {row.key for row in rows}
    return {
        row.key: total_of(
            [
                margin
                for key, margin in sold.items()
                if (key[0], ANY, key[2]) == row.key and (key == row.key or key not in own)
            ]
        )
        for row in rows
        if row.size == ANY
    }


def grid_of(model: Model) -> Grid:
    """Return the model's prices by size and quality, the cheaper qualities first."""
    by_size: dict[str, dict[str, PriceCell]] = {}
    reference = None
    for cell in model.cells:
        if cell.row.size == REFERENCE:
            reference = cell
        else:
            by_size.setdefault(cell.row.size, {})[cell.row.quality] = cell
    dearest: dict[str, Micros] = {}
    for by_quality in by_size.values():
        for word, cell in by_quality.items():
            dearest[word] = max(cell.unit, dearest.get(word, cell.unit))
    qualities = sorted(dearest, key=lambda word: (dearest[word], word))
    sizes = sorted(by_size.items(), key=_place)
    lines = [
        SizeLine(size, [(word, by_quality.get(word)) for word in qualities])
        for size, by_quality in sizes
    ]
    return Grid(model, qualities, lines, reference)


def matching(models: Sequence[Model], text: str) -> list[PriceCell]:
    """Return at most MAX_FOUND prices that have all words in model, size or quality."""
    words = text.lower().replace("\N{MULTIPLICATION SIGN}", "x").split()
    cells = [cell for model in models for cell in model.cells]
    return [cell for cell in cells if all(word in cell.name.lower() for word in words)][:MAX_FOUND]


def _place(line: tuple[str, Mapping[str, PriceCell]]) -> tuple[int, int, str]:
    """Return the sort key of a line: most sold first, then smaller sizes."""
    size, cells = line
    rows = [cell.row for cell in cells.values()]
    sold = sum(cell.images for cell in cells.values())
    return (-sold, rows[0].width * rows[0].height, size)
