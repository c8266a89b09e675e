"""Rows of price books, and what they are called. Pure; amounts are micros."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal, get_args

from billing.pixel_prices import PixelTerms
from pictor.kit.words.money import MAX_MICROS, Micros, scale_half_up

Kind = Literal["fixed", "formula", "each", "pixels"]
"""`each` is of reference images alone: a fixed amount, where other kinds charge their tokens.

`pixels` rows have terms, from which the amount of each size follows.
"""
AUTO = "auto"
ANY = "any"
"""Stands for a size in a row: each that has no row of its own, `auto` excepted."""
REFERENCE, INPUT = "reference", "input"
"""Replace size and quality in the row of reference images, see `Quote.references`."""


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One price of a book: list price per image, the book's markup, and the size's pixels.

    In an `auto` row `micros` is the amount to hold, and width and height are the largest size it
    covers. A formula row prices delivered images by the token formula, a fixed one by the table,
    one with `terms` by its pixels: `micros` is then the amount at the row's own size. The row of
    reference images has the most to hold for each: the kind `each` charges that, others the
    reported tokens, one with terms by the pixels of each.
    """

    micros: Micros
    markup: Decimal
    width: int
    height: int
    kind: Kind = "fixed"
    terms: PixelTerms | None = None

    @property
    def unit(self) -> Micros:
        """The price of one image, markup included, in micros."""
        return scale_half_up(self.micros, self.markup)

    @property
    def pixels(self) -> int:
        """The number of pixels of the size this row prices."""
        return self.width * self.height

    def at(self, width: int, height: int) -> "PriceRow | None":
        """This row at another size; None if its terms do not cover that."""
        micros = self.micros if self.terms is None else self.terms.micros(width * height)
        if micros is None:
            return None
        return replace(self, micros=micros, width=width, height=height)

    def by_pixels(self, usd: Callable[[Micros], str]) -> str:
        """Its terms with each amount in those words, and the markup; empty without terms."""
        if self.terms is None:
            return ""
        times = "" if self.markup == 1 else f", times {self.markup.normalize():f}"
        return self.terms.said(usd) + times


def kind_of(stored: str) -> Kind:
    """The kind of a stored row; one that is not known is fixed."""
    known: Mapping[str, Kind] = {kind: kind for kind in get_args(Kind)}
    return known.get(stored, "fixed")


PriceKey = tuple[str, str, str]
"""(model, size, quality), the size 'WxH', AUTO or ANY; or (model, REFERENCE, INPUT)."""

MAX_NAMED = 5


def price_words(keys: Sequence[PriceKey]) -> str:
    """Name the first MAX_NAMED keys for a person to read, and the number of the others."""
    named = ", ".join(" ".join(key) for key in keys[:MAX_NAMED])
    return f"{named} and {len(keys) - MAX_NAMED} more" if len(keys) > MAX_NAMED else named


@dataclass(frozen=True, slots=True)
class BookRow:
    """One row to be written into a price book; the book has the markup. Fields as in PriceRow."""

    model: str
    size: str
    quality: str
    micros: Micros
    width: int
    height: int
    kind: Kind = "fixed"
    terms: PixelTerms | None = None

    @property
    def key(self) -> PriceKey:
        """The model, size and quality that it prices."""
        return (self.model, self.size, self.quality)

    @property
    def is_held(self) -> bool:
        """True if it is only held: its charge follows from a formula or from tokens."""
        is_token = self.size == REFERENCE and self.kind not in {"each", "pixels"}
        return is_token or self.kind == "formula"

    @property
    def pixels(self) -> str:
        """The priced size as `WxH`."""
        return f"{self.width}x{self.height}"

    @property
    def stored(self) -> list[object]:
        """What it has besides its key, as JSON values; its terms only if it has any."""
        terms = [] if self.terms is None else [self.terms.as_json()]
        return [self.micros, self.kind, self.width, self.height, *terms]

    def times(self, change: Callable[[Micros], Micros]) -> "BookRow":
        """This row with each of its amounts changed."""
        if self.terms is None:
            return replace(self, micros=change(self.micros))
        terms = self.terms.scaled(change)
        micros = terms.micros(self.width * self.height)
        return replace(self, micros=self.micros if micros is None else micros, terms=terms)

    def priced(self, markup: Decimal) -> PriceRow:
        return PriceRow(self.micros, markup, self.width, self.height, self.kind, self.terms)


def row_by(row: BookRow, terms: PixelTerms | None) -> BookRow:
    """Return the row with these terms, which give the amount at its size. Raises ValueError."""
    if terms is None:
        return row
    micros = terms.micros(row.width * row.height)
    if micros is None:
        raise ValueError(f"no step covers {row.pixels}")
    if terms.most > MAX_MICROS:
        raise ValueError("a large image would cost more than nine billion USD")
    return replace(row, micros=micros, kind="pixels", terms=terms)
