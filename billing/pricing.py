"""Price rules: quote a request from prices, and compute the charge for delivered images. Pure.

Amounts are whole micro-USD. They are rounded half up, once per image, where a markup or a ratio of
pixels is applied (the published token formula rounds in its own way). Raises PriceMissing rather
than use another size's or quality's price: a request without a price is refused. The rule in prose,
with worked numbers: docs/pricing.md.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Literal

from pictor.kit.words.money import Micros, scale_half_up
from pictor.kit.words.untyped import Json

Kind = Literal["fixed", "formula"]
QualitySource = Literal["explicit", "reported", "inferred", "assumed"]

AUTO = "auto"
HIGH = "high"
ASSUMED_QUALITY = "medium"

REFERENCE, INPUT = "reference", "input"
"""Replace size and quality in the row of reference images, see `Quote.references`."""
NOTHING = Micros(0)
MICROS_PER_INPUT_TOKEN = 8
MICROS_PER_TOKEN = 30
TOKEN_AXES = MappingProxyType({"low": 16, "medium": 48, "high": 96})
"""Tokens along the long edge, by quality, in the published token formula."""

# Reported tokens further than this factor from every quality's formula are no evidence. Qualities
# lie a factor of about 9 and 4 apart, so nearly any count between two is within 3 of one of them.
# For some sizes the rounded short edge makes the first factor more than 9: low and medium of a
# 3072x1024 lie 9.6 apart, and the counts in the middle are evidence of neither.
_PLAUSIBLE_FACTOR = 3


class PriceMissing(Exception):
    """There is no price for this model, size and quality: the request is refused."""


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One price of a book: list price per image, the book's markup, and the size's pixels.

    In an `auto` row `micros` is the amount to hold, and width and height are the largest size it
    covers. A formula row prices delivered images by the token formula, a fixed one by the table.
    The row of reference images has the most to hold for each; the reported tokens are charged.
    """

    micros: Micros
    markup: Decimal
    width: int
    height: int
    kind: Kind = "fixed"

    @property
    def unit(self) -> Micros:
        """The price of one image, markup included, in micros."""
        return scale_half_up(self.micros, self.markup)

    @property
    def pixels(self) -> int:
        """The number of pixels of the size this row prices."""
        return self.width * self.height


PriceKey = tuple[str, str, str]
"""(model, size, quality), the size 'WxH' or 'auto'; or (model, REFERENCE, INPUT)."""

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

    @property
    def key(self) -> PriceKey:
        """The model, size and quality that it prices."""
        return (self.model, self.size, self.quality)

    @property
    def pixels(self) -> str:
        """The priced size as `WxH`."""
        return f"{self.width}x{self.height}"


@dataclass(frozen=True, slots=True)
class PriceTable:
    """The prices that apply to one tenant from now until `valid_until`. Never changes.

    `books` names the published books it was made of, the tenant's own last: the same books always
    give the same table.
    """

    books: tuple[int, ...]
    rows: Mapping[PriceKey, PriceRow]
    valid_until: datetime | None = None
    _of_size: Mapping[tuple[str, str], dict[str, PriceRow]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        of_size: dict[tuple[str, str], dict[str, PriceRow]] = {}
        for (model, size, quality), row in self.rows.items():
            if quality not in {AUTO, INPUT}:
                of_size.setdefault((model, size), {})[quality] = row
        object.__setattr__(self, "_of_size", of_size)

    def qualities(self, model: str, size: str) -> Mapping[str, PriceRow]:
        """Return the rows of one model and size by quality; empty when it is unpriced."""
        return self._of_size.get((model, size), {})

    def reference(self, model: str) -> PriceRow | None:
        """Return the row of the model's reference images; None if they are included."""
        return self.rows.get((model, REFERENCE, INPUT))


@dataclass(frozen=True, slots=True)
class PricedRequest:
    """A request and the prices it was quoted at: kept with the generation, to settle from."""

    model: str
    size: str
    quality: str
    quality_held: str
    n: int
    books: tuple[int, ...]
    rows: Mapping[str, PriceRow] = field(default_factory=dict)
    references: Micros = NOTHING
    """The micros held for all reference images together."""

    def as_json(self) -> dict[str, object]:
        """Return this as JSON values; `from_json` reads it back."""
        references = {"references": self.references} if self.references else {}
        return {
            **references,
            "model": self.model,
            "size": self.size,
            "quality": self.quality,
            "quality_held": self.quality_held,
            "n": self.n,
            "books": list(self.books),
            "rows": {
                quality: [row.micros, str(row.markup), row.width, row.height, row.kind]
                for quality, row in self.rows.items()
            },
        }

    @classmethod
    def from_json(cls, data: Json) -> "PricedRequest":
        """Read what `as_json` wrote."""
        rows = {
            quality: PriceRow(Micros(micros), Decimal(markup), width, height, kind)
            for quality, (micros, markup, width, height, kind) in data["rows"].items()
        }
        return cls(
            model=data["model"],
            size=data["size"],
            quality=data["quality"],
            quality_held=data["quality_held"],
            n=data["n"],
            books=tuple(data["books"]),
            rows=rows,
            references=Micros(data.get("references", 0)),
        )


@dataclass(frozen=True, slots=True)
class Quote:
    """The most a request can cost, which is held: `unit` per image, `total` for all.

    The total includes `references`, for the reference images.
    """

    unit: Micros
    total: Micros
    quality_held: str
    priced: PricedRequest

    @property
    def references(self) -> Micros:
        """The most that all reference images can cost, in micros."""
        return self.priced.references


@dataclass(frozen=True, slots=True)
class Delivered:
    """The size of one delivered image in pixels, read from its bytes."""

    width: int
    height: int

    @property
    def size(self) -> str:
        """The size as price rows name it: 'WxH'."""
        return f"{self.width}x{self.height}"


@dataclass(frozen=True, slots=True)
class AmountDue:
    """The charge, and the evidence of quality it rests on.

    `references` is the part of it for reference images; `excess` is the value beyond the hold: our
    loss.
    """

    total: Micros
    quality_billed: str
    quality_source: QualitySource
    excess: Micros
    references: Micros = NOTHING


def formula_tokens(width: int, height: int, *, quality: str) -> int:
    """Return an image's output tokens by the published formula; quality low, medium or high."""
    axis = TOKEN_AXES[quality]
    short, long = sorted((width, height))
    across = round(Fraction(axis * short, long))
    return -(-axis * across * (2_000_000 + width * height) // 4_000_000)


def formula_price(width: int, height: int, *, quality: str) -> Micros:
    """Return the list price of one image by the token formula, in micros."""
    return Micros(MICROS_PER_TOKEN * formula_tokens(width, height, quality=quality))


def quote(
    table: PriceTable,
    *,
    model: str,
    size: str,
    quality: str,
    n: int,
    references: int = 0,
    sold: Collection[str] | None = None,
) -> Quote:
    """Quote the most that `n` images can cost, made from `references` reference images.

    `quality` `auto` is held at the dearest that is `sold` (None: of all). Raises PriceMissing.
    """
    rows, held = table.qualities(model, size), quality
    if quality == AUTO:
        rows = {word: row for word, row in rows.items() if sold is None or word in sold}
        held = max(rows, key=lambda word: (rows[word].unit, word == HIGH, word), default=AUTO)
    if held not in rows:
        raise PriceMissing(f"{model} has no price for size {size} in quality {quality}")
    unit = rows[held].unit
    reference = table.reference(model)
    priced = PricedRequest(
        model=model,
        size=size,
        quality=quality,
        quality_held=held,
        n=n,
        books=table.books,
        rows=rows if quality == AUTO else {held: rows[held]},
        references=Micros(reference.unit * references if reference else 0),
    )
    total = Micros(unit * n + priced.references)
    return Quote(unit=unit, total=total, quality_held=held, priced=priced)


def least(table: PriceTable, priced: PricedRequest) -> Micros:
    """Return the cost of all images in the cheapest quality and, for size `auto`, cheapest size.

    Reference images may cost nothing: the upstream reports their tokens.
    """
    units = [
        unit
        for quality, row in priced.rows.items()
        for unit in (_units(table, priced, quality) if priced.size == AUTO else [row.unit])
    ]
    return Micros(min(units) * priced.n)


def due(
    table: PriceTable,
    *,
    priced: PricedRequest,
    delivered: Sequence[Delivered],
    reported_quality: str | None,
    output_tokens: int | None,
    hold: Micros,
    input_image_tokens: int = 0,
) -> AmountDue:
    """Compute the charge for delivered and reference images, never more than the hold.

    `table` must be made of the books the request was quoted from; raises ValueError otherwise.
    `output_tokens` is the usage the upstream reported for all delivered images,
    `input_image_tokens` that for reference images. Images beyond the requested number cost nothing.
    """
    if table.books != priced.books:
        raise ValueError("a request is settled at the prices it was quoted at")
    quality, source = _billed_quality(priced, delivered, reported_quality, output_tokens)
    prices = [image_price(table, priced, quality, image) for image in delivered[: priced.n]]
    worth = _references_worth(table, priced, input_image_tokens) if prices else 0
    references = min(worth, priced.references)
    total = min(sum(prices), hold - priced.references) + references
    return AmountDue(
        total=Micros(total),
        quality_billed=quality,
        quality_source=source,
        excess=Micros(sum(prices) + worth - total),
        references=Micros(references),
    )


def _references_worth(table: PriceTable, priced: PricedRequest, tokens: int) -> int:
    """Return the price of the reported tokens if a hold was placed for them; rounded once."""
    row = table.reference(priced.model)
    if row is None or not priced.references:
        return 0
    return scale_half_up(MICROS_PER_INPUT_TOKEN * max(tokens, 0), row.markup)


def _units(table: PriceTable, priced: PricedRequest, quality: str) -> list[Micros]:
    """Return an image's prices for `auto`: at its model's sizes, else by formula at all models'."""
    requested = priced.rows[quality]
    rows = {
        (model, row): row.unit
        for (model, size, word), row in table.rows.items()
        if size != AUTO and word == quality
    }
    own = [unit for (model, _), unit in rows.items() if model == priced.model]
    if own or not rows or requested.kind != "formula" or quality not in TOKEN_AXES:
        return own or [requested.unit]
    sizes = {(row.width, row.height) for _, row in rows}
    return [
        scale_half_up(formula_price(*size, quality=quality), requested.markup) for size in sizes
    ]


def _billed_quality(
    priced: PricedRequest,
    delivered: Sequence[Delivered],
    reported: str | None,
    tokens: int | None,
) -> tuple[str, QualitySource]:
    """Return the charged quality and its source: explicit, reported, inferred or assumed."""
    if priced.quality != AUTO:
        return priced.quality, "explicit"
    if reported is not None and reported in priced.rows:
        return reported, "reported"
    inferred = infer_quality(delivered, tokens)
    if inferred is not None and inferred in priced.rows:
        return inferred, "inferred"
    assumed = ASSUMED_QUALITY if ASSUMED_QUALITY in priced.rows else priced.quality_held
    return assumed, "assumed"


def infer_quality(delivered: Sequence[Delivered], tokens: int | None) -> str | None:
    """Return the quality whose formula comes nearest to the reported tokens by factor, or None."""
    if not delivered or not tokens or tokens < 0:
        return None

    factors: dict[str, Fraction] = {}
    for quality in TOKEN_AXES:
        expected = sum(
            formula_tokens(image.width, image.height, quality=quality) for image in delivered
        )
        if expected:  # a strip of 4096x16 has none
            factors[quality] = Fraction(max(expected, tokens), min(expected, tokens))
    nearest = min(factors, key=factors.__getitem__, default=None)
    return nearest if nearest and factors[nearest] <= _PLAUSIBLE_FACTOR else None


def image_price(table: PriceTable, priced: PricedRequest, quality: str, image: Delivered) -> int:
    """Return one image's price: never above the requested price of a fixed row."""
    row = priced.rows[quality]
    if image.size == priced.size:
        return row.unit
    listed = table.rows.get((priced.model, image.size, quality))
    if row.kind == "formula" and quality in TOKEN_AXES:
        if listed is not None:
            return listed.unit
        return scale_half_up(formula_price(image.width, image.height, quality=quality), row.markup)
    if listed is not None:
        return min(row.unit, listed.unit)
    # For a size without a row: the requested price, scaled by pixels. Rounded once, with markup.
    scaled = scale_half_up(row.micros * image.width * image.height, row.markup, row.pixels)
    return min(row.unit, scaled)
