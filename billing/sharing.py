"""A generation's money over the price rows that it is of. Pure; amounts are micros."""

from collections.abc import Sequence
from dataclasses import dataclass

from billing.pricing import INPUT, REFERENCE, Delivered, PricedRequest, PriceTable, image_price


@dataclass(frozen=True, slots=True)
class PricedPart:
    """One price row and delivered size of a generation: what was charged for it, how many images.

    `asked` and `quality` name the row, `reference` and `input` that of reference images.
    """

    asked: str
    quality: str
    delivered: str
    images: int
    micros: int


def parts_of(
    table: PriceTable,
    *,
    priced: PricedRequest,
    quality: str,
    delivered: Sequence[Delivered],
    hold: int,
    captured: int,
) -> list[PricedPart]:
    """What was captured, by delivered size in the order of the images, then reference images.

    `table` is made of the books that the request was quoted from, `quality` is the billed one, and
    of `delivered` there is one at least.
    """
    prices: dict[str, int] = {}
    for image in delivered:
        price = image_price(table, priced, quality, image)
        prices[image.size] = prices.get(image.size, 0) + price
    most = hold - priced.references
    references = max(captured - min(sum(prices.values()), most), 0) if priced.references else 0
    of_images = shares(captured - references, list(prices.values()))
    sizes = [image.size for image in delivered]
    parts = [
        PricedPart(priced.size, quality, size, sizes.count(size), micros)
        for size, micros in zip(prices, of_images, strict=True)
    ]
    return [*parts, PricedPart(REFERENCE, INPUT, "", 0, references)] if references else parts


def shares(amount: int, weights: Sequence[int]) -> list[int]:
    """An amount, above or below 0, shared out by weights; the first has the remainder."""
    whole = sum(weights)
    rest = [abs(amount) * weight // whole if whole else 0 for weight in weights[1:]]
    parts = [abs(amount) - sum(rest), *rest]
    return [part if amount >= 0 else -part for part in parts]
