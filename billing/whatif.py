"""The revenue of a period at other prices, beside its actual revenue. Pure; in micros.

The charge for an image follows from its price row and its pixels unless the hold caps it
(`pricing.due`), so the daily sales give it to the micro without reading generations. Sales whose
charge does not follow are left out on both sides, and named.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from uuid import UUID

from typing_extensions import override

from billing.pixel_prices import MEGAPIXEL, by_megapixels, megapixels
from billing.price_rows import ANY, AUTO, INPUT, MAX_NAMED, REFERENCE, PriceKey, PriceRow
from billing.pricing import NOTHING, PricedRequest, PriceTable, image_price
from billing.token_formula import Delivered
from pictor.kit.words.money import Micros, in_dollars


class LeftOutReason(StrEnum):
    """The reason, in words, why the price of a sale does not follow."""

    REFERENCES = "what reference images cost is not compared"
    NEW_REFERENCES = "reference images were included, and would cost"
    NO_PRICE = "it would have no price"
    OTHER_QUALITIES = "quality auto might be charged as another"
    HOLD = "a hold may cut it off"
    NO_SIZE = "its pixels are not known"
    MEGAPIXELS = "only its whole megapixels are known"


@dataclass(frozen=True, slots=True)
class SoldImages:
    """Images of one tenant and price row delivered in one size, and their charges.

    `asked` and `quality` name the row, `reference` and `input` that of reference images. Without a
    `day` they are of all days together.
    """

    tenant: UUID
    model: str
    asked: str
    quality: str
    delivered: str
    images: int
    captured: Micros
    day: date | None = None

    @property
    def key(self) -> PriceKey:
        return (self.model, self.asked, self.quality)


@dataclass(frozen=True, slots=True)
class Prices:
    """A tenant's table to compare with, and the tables it was charged by in the period."""

    table: PriceTable
    former: Sequence[PriceTable]


ByOwner = Mapping[UUID | None, Prices]
"""Everyone's prices (None), and those of each tenant with others."""


@dataclass(frozen=True, slots=True)
class TenantEffect:
    """A tenant's charges, and those it would have had."""

    tenant: UUID
    was: Micros
    becomes: Micros

    @property
    def change(self) -> Micros:
        """Positive if the charge would have been higher."""
        return Micros(self.becomes - self.was)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Sales left out on both sides; `captured` is their charge."""

    why: LeftOutReason
    key: PriceKey
    images: int
    captured: Micros

    @override
    def __str__(self) -> str:
        """`$0.42 of gpt-image-2 auto high: a hold may cut it off`."""
        named = self.key[:1] if self.key[1] == REFERENCE else self.key
        return f"{in_dollars(self.captured)} of {' '.join(named)}: {self.why}"


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The revenue a period would have had. `touched` are tenants, the largest change first."""

    touched: Sequence[TenantEffect]
    left_out: Sequence[LeftOut]

    @property
    def was(self) -> Micros:
        """The actual charges for the compared sales."""
        return Micros(sum(effect.was for effect in self.touched))

    @property
    def becomes(self) -> Micros:
        """The charges they would have had."""
        return Micros(sum(effect.becomes for effect in self.touched))

    @property
    def change(self) -> Micros:
        """Positive if they would have been higher."""
        return Micros(self.becomes - self.was)

    @property
    def percent(self) -> float | None:
        """The change in percent of the actual charges; None if those were 0."""
        return self.change * 100 / self.was if self.was else None

    @property
    def most_touched(self) -> Sequence[TenantEffect]:
        """The tenants with any change."""
        return [effect for effect in self.touched if effect.change]

    @property
    def uncompared(self) -> Micros:
        """The charges for the sales left out."""
        return Micros(sum(left_out.captured for left_out in self.left_out))

    def lines(self, named: Callable[[UUID], str], days: int) -> list[str]:
        """Return the same in sentences; `named` returns a tenant's name."""
        period = f"the last {days} days"
        if not self.touched and not self.left_out:
            return [f"Nothing was sold in {period}."]
        sentence = f"{period.capitalize()} would have brought {in_dollars(self.becomes)}"
        sentence += f" instead of {in_dollars(self.was)}"
        if self.percent is not None:
            sentence += f" ({self.percent:+.1f} %)"
        if self.most_touched:
            most = self.most_touched[0]
            sentence += f"; most touched: {named(most.tenant)} {_signed_amount(most.change)}"
        lines = [f"{sentence}."]
        if self.left_out:
            of = "; ".join(map(str, self.left_out[:MAX_NAMED]))
            more = len(self.left_out) - MAX_NAMED
            of += f"; and {more} more" if more > 0 else ""
            lines.append(f"Left out on both sides: {of}.")
        return lines


def _signed_amount(micros: int) -> str:
    """`+$3.10` or `-$0.04`."""
    return f"{'+' if micros >= 0 else ''}{in_dollars(micros)}"


def cut_off(sold: Iterable[SoldImages], prices: ByOwner) -> set[PriceKey]:
    """Return the rows whose charge a hold may cap: compare those day by day."""
    judge = _judge(prices)
    return {
        images.key
        for images in sold
        if judge(_owner(images, prices), images.key, images.delivered) is LeftOutReason.HOLD
    }


def brought_by(sold: Collection[SoldImages], prices: ByOwner) -> WhatIf:
    """Price each image by these tables, beside its actual charge.

    A generation belongs to one tenant, row and day. If a hold may cap the charge for an image, all
    of that tenant, row and day are left out, as images of other sizes share the cap.
    """
    judge = _judge(prices)
    verdicts = [(row, judge(_owner(row, prices), row.key, row.delivered)) for row in sold]
    cut = {_together(row) for row, verdict in verdicts if verdict is LeftOutReason.HOLD}
    by_tenant: dict[UUID, tuple[int, int]] = {}
    left: dict[tuple[LeftOutReason, PriceKey], tuple[int, int]] = {}
    for row, verdict in verdicts:
        price = LeftOutReason.HOLD if _together(row) in cut else verdict
        if isinstance(price, LeftOutReason):
            images, captured = left.get((price, row.key), (0, 0))
            left[price, row.key] = (images + row.images, captured + row.captured)
        else:
            was, becomes = by_tenant.get(row.tenant, (0, 0))
            by_tenant[row.tenant] = (was + row.captured, becomes + row.images * price)
    touched = [
        TenantEffect(who, Micros(was), Micros(then)) for who, (was, then) in by_tenant.items()
    ]
    return WhatIf(
        sorted(touched, key=lambda effect: (-abs(effect.change), str(effect.tenant))),
        [*_in_order(left), *_newly_charged(sold, prices)],
    )


def _owner(sold: SoldImages, prices: ByOwner) -> UUID | None:
    return sold.tenant if sold.tenant in prices else None


def _together(sold: SoldImages) -> tuple[date | None, UUID, PriceKey]:
    return (sold.day, sold.tenant, sold.key)


def _in_order(left: Mapping[tuple[LeftOutReason, PriceKey], tuple[int, int]]) -> list[LeftOut]:
    """Return the parts left out, those with the highest charge first."""
    left_out = [
        LeftOut(why, key, images, Micros(captured))
        for (why, key), (images, captured) in left.items()
    ]
    return sorted(left_out, key=lambda left_out: (-left_out.captured, left_out.why, left_out.key))


def _newly_charged(sold: Iterable[SoldImages], prices: ByOwner) -> list[LeftOut]:
    """Return models whose reference images were included: their daily number is not kept."""
    pairs = {(images.model, _owner(images, prices)) for images in sold}
    models = sorted(
        {
            model
            for model, owner in pairs
            if prices[owner].table.reference(model)
            and any(
                former.reference(model) is None and any(key[0] == model for key in former.rows)
                for former in prices[owner].former
            )
        }
    )
    return [
        LeftOut(LeftOutReason.NEW_REFERENCES, (model, REFERENCE, INPUT), 0, NOTHING)
        for model in models
    ]


def _judge(prices: ByOwner) -> Callable[[UUID | None, PriceKey, str], Micros | LeftOutReason]:
    """Return a cached function for an image's price at an owner's table, or why it fails."""

    @cache
    def judge(owner: UUID | None, key: PriceKey, delivered: str) -> Micros | LeftOutReason:
        return _price(prices[owner], key, delivered)

    return judge


def _price(prices: Prices, key: PriceKey, delivered: str) -> Micros | LeftOutReason:
    model, size, quality = key
    if size == REFERENCE:
        return LeftOutReason.REFERENCES
    rows = prices.table.qualities(model, size)
    row = rows.get(quality)
    if row is None:
        return LeftOutReason.NO_PRICE
    before = (former.qualities(model, size).keys() for former in prices.former)
    if any(words and words != rows.keys() for words in before):  # without prices nothing was sold
        return LeftOutReason.OTHER_QUALITIES
    if size == ANY:
        return price_of_any(prices.table, key, delivered)
    width, _, height = delivered.partition("x")
    if not height:
        return LeftOutReason.NO_SIZE
    image = Delivered(int(width), int(height))
    price = image_price(prices.table, _request(prices.table, key, row), quality, image)
    # For `auto`, the dearest is held.
    return Micros(price) if price <= row.unit else LeftOutReason.HOLD


def price_of_any(table: PriceTable, key: PriceKey, delivered: str) -> Micros | LeftOutReason:
    """The price of an image of a size by a rule (`PricedPart.by_megapixel`).

    It follows if it is the same for all images of so many megapixels, also for those delivered in
    a size with a row of its own.
    """
    model, _, quality = key
    row = table.qualities(model, ANY).get(quality)
    if row is None:
        return LeftOutReason.NO_PRICE
    number, is_whole = delivered.removesuffix("mp"), delivered.endswith("mp")
    terms = row.terms
    is_alike = terms is None or terms == by_megapixels([terms.first, terms.further])
    priced = row.at(MEGAPIXEL, int(number)) if is_whole and is_alike else None
    if priced is None or row.kind == "formula":
        return LeftOutReason.MEGAPIXELS
    listed = [
        (megapixels(other.width, other.height) - int(number), other.unit - priced.unit)
        for (name, size, word), other in table.rows.items()
        if (name, word) == (model, quality) and size not in {AUTO, ANY}
    ]
    differs = any((more >= 0 > dearer) or (more == 0 < dearer) for more, dearer in listed)
    return LeftOutReason.MEGAPIXELS if differs else priced.unit


def _request(table: PriceTable, key: PriceKey, row: PriceRow) -> PricedRequest:
    model, size, quality = key
    return PricedRequest(model, size, quality, quality, 1, table.books, {quality: row})
