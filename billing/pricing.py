"""Price rules: quote a request from prices, and compute the charge for delivered images. Pure.

Amounts are whole micro-USD. They are rounded half up, once per image, where a markup or a ratio of
pixels is applied (the published token formula rounds in its own way). Raises PriceMissing rather
than use another size's or quality's price: a request without a price is refused. The rule in prose,
with worked numbers: docs/pricing.md.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from billing.pixel_prices import sides_of, terms_from
from billing.price_rows import ANY, AUTO, INPUT, REFERENCE, BookRow, PriceKey, PriceRow
from billing.token_formula import (
    MICROS_PER_INPUT_TOKEN,
    TOKEN_AXES,
    Delivered,
    formula_price,
    infer_quality,
)
from pictor.kit.words.money import Micros, scale_half_up
from pictor.kit.words.untyped import Json

QualitySource = Literal["explicit", "reported", "inferred", "assumed"]

HIGH = "high"
ASSUMED_QUALITY = "medium"

NOTHING = Micros(0)


class PriceMissing(Exception):
    """There is no price for this model, size and quality: the request is refused."""


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

    @classmethod
    def of_rows(cls, rows: Iterable[BookRow]) -> "PriceTable":
        """The list prices of rows that are in no published book."""
        return cls((), {row.key: row.priced(Decimal(1)) for row in rows})

    def qualities(self, model: str, size: str) -> Mapping[str, PriceRow]:
        """Return the rows of one model and size by quality; empty when it is unpriced."""
        listed = self._of_size.get((model, size), {})
        others = self._of_size.get((model, ANY))
        if others is None or size == AUTO or (sides := sides_of(size)) is None:
            return listed
        covered = {quality: row.at(*sides) for quality, row in others.items()}
        return {quality: row for quality, row in covered.items() if row is not None} | listed

    def row_of(self, key: PriceKey) -> PriceRow | None:
        """Return the row that prices a cell, if any."""
        model, size, quality = key
        return self.qualities(model, size).get(quality) or self.rows.get(key)

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
    infers: bool = True
    """The model has the token rule: reported tokens are evidence of a quality."""

    def as_json(self) -> dict[str, object]:
        """Return this as JSON values; `from_json` reads it back."""
        references = {"references": self.references} if self.references else {}
        return {
            **references,
            **({} if self.infers else {"infers": False}),
            "model": self.model,
            "size": self.size,
            "quality": self.quality,
            "quality_held": self.quality_held,
            "n": self.n,
            "books": list(self.books),
            "rows": {
                quality: [
                    *(row.micros, str(row.markup), row.width, row.height, row.kind),
                    *([row.terms.as_json()] if row.terms else []),
                ]
                for quality, row in self.rows.items()
            },
        }

    @classmethod
    def from_json(cls, data: Json) -> "PricedRequest":
        """Read what `as_json` wrote."""
        rows = {
            quality: PriceRow(
                Micros(micros), Decimal(markup), width, height, kind, terms_from(*terms or [None])
            )
            for quality, (micros, markup, width, height, kind, *terms) in data["rows"].items()
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
            infers=data.get("infers", True),
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


def quote(
    table: PriceTable,
    *,
    model: str,
    size: str,
    quality: str,
    n: int,
    references: int = 0,
    sold: Collection[str] | None = None,
    infers: bool = True,
) -> Quote:
    """Quote the most that `n` images can cost, made from `references` reference images.

    `quality` `auto` is held at the dearest that is `sold` (None: of all). Unless the model
    `infers`, reported tokens are no evidence of the quality. Raises PriceMissing.
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
        infers=infers,
    )
    total = Micros(unit * n + priced.references)
    return Quote(unit=unit, total=total, quality_held=held, priced=priced)


def least(table: PriceTable, priced: PricedRequest) -> Micros:
    """Return the cost of all images in the cheapest quality and, for size `auto`, cheapest size.

    Reference images may cost nothing where the upstream reports their tokens.
    """
    units = [
        min(unit, row.unit)
        for quality, row in priced.rows.items()
        for unit in (_units(table, priced, quality) if priced.size == AUTO else [row.unit])
    ]
    row = table.reference(priced.model)
    certain = priced.references if row and row.kind == "each" else 0
    if row and row.terms and row.unit:
        certain = priced.references // row.unit * (row.at(1, 1) or row).unit
    return Micros(min(units) * priced.n + certain)


def due(
    table: PriceTable,
    *,
    priced: PricedRequest,
    delivered: Sequence[Delivered],
    reported_quality: str | None,
    output_tokens: int | None,
    hold: Micros,
    input_image_tokens: int = 0,
    reference_pixels: Sequence[int] = (),
) -> AmountDue:
    """Compute the charge for delivered and reference images, never more than the hold.

    `table` must be made of the books the request was quoted from; raises ValueError otherwise.
    `output_tokens` is the usage the upstream reported for all delivered images,
    `input_image_tokens` that for reference images, which have `reference_pixels`. Images beyond the
    requested number cost nothing.
    """
    if table.books != priced.books:
        raise ValueError("a request is settled at the prices it was quoted at")
    quality, source = _billed_quality(priced, delivered, reported_quality, output_tokens)
    prices = [image_price(table, priced, quality, image) for image in delivered[: priced.n]]
    worth = _references_worth(table, priced, input_image_tokens, reference_pixels) if prices else 0
    references = min(worth, priced.references)
    total = min(sum(prices), hold - priced.references) + references
    return AmountDue(
        total=Micros(total),
        quality_billed=quality,
        quality_source=source,
        excess=Micros(sum(prices) + worth - total),
        references=Micros(references),
    )


def _references_worth(
    table: PriceTable, priced: PricedRequest, tokens: int, pixels: Sequence[int]
) -> int:
    """Return their fixed amount, or by pixels or reported tokens, if a hold was placed."""
    row = table.reference(priced.model)
    if row is None or not priced.references:
        return 0
    if row.terms is not None:
        there = (row.at(one, 1) for one in pixels)
        return sum(row.unit if one is None else min(one.unit, row.unit) for one in there)
    if row.kind == "each":
        return priced.references
    return scale_half_up(MICROS_PER_INPUT_TOKEN * max(tokens, 0), row.markup)


def _units(table: PriceTable, priced: PricedRequest, quality: str) -> list[Micros]:
    """Return an image's prices for `auto`: at its model's sizes, else by formula at all models'."""
    requested = priced.rows[quality]
    rows = {
        (model, row): (row.at(1, 1) or row).unit if size == ANY else row.unit
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
    inferred = infer_quality(delivered, tokens) if priced.infers else None
    if inferred is not None and inferred in priced.rows:
        return inferred, "inferred"
    assumed = ASSUMED_QUALITY if ASSUMED_QUALITY in priced.rows else priced.quality_held
    return assumed, "assumed"


def image_price(table: PriceTable, priced: PricedRequest, quality: str, image: Delivered) -> int:
    """Return one image's price: only a formula's may be above the requested price."""
    row = priced.rows[quality]
    if image.size == priced.size:
        return row.unit
    listed = table.qualities(priced.model, image.size).get(quality)
    if row.kind == "formula" and quality in TOKEN_AXES:
        if listed is not None:
            return listed.unit
        return scale_half_up(formula_price(image.width, image.height, quality=quality), row.markup)
    if listed is None and row.terms is not None:
        listed = row.at(image.width, image.height)
    if listed is not None:
        return min(row.unit, listed.unit)
    # For a size without a row: the requested price, scaled by pixels. Rounded once, with markup.
    scaled = scale_half_up(row.micros * image.width * image.height, row.markup, row.pixels)
    return min(row.unit, scaled)
