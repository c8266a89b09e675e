"""Divides a generation's charge among its price rows. Pure; amounts are micros."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from billing.pixel_prices import megapixels
from billing.price_rows import ANY, INPUT, REFERENCE
from billing.pricing import PricedRequest, PriceTable, image_price
from billing.token_formula import Delivered


@dataclass(frozen=True, slots=True)
class PricedPart:
    """One price row and delivered size of a generation, with its charge and number of images.

    `asked` and `quality` name the row, `reference` and `input` that of reference images.
    """

    asked: str
    quality: str
    delivered: str
    images: int
    micros: int

    @property
    def by_megapixel(self) -> "PricedPart":
        """The same for a size by a rule: in the row ANY, `delivered` is `4mp`, rounded up.

        It is `4mp+` for an image of more megapixels than the 4 that were asked for.
        """
        if self.asked == REFERENCE:
            return self
        if not self.delivered:
            return replace(self, asked=ANY)
        asked, made = (
            megapixels(*map(int, size.split("x"))) for size in (self.asked, self.delivered)
        )
        return replace(self, asked=ANY, delivered=f"{min(asked, made)}mp{'+' * (made > asked)}")


def parts_of(
    table: PriceTable,
    *,
    priced: PricedRequest,
    quality: str,
    delivered: Sequence[Delivered],
    hold: int,
    captured: int,
) -> list[PricedPart]:
    """Divide the captured amount by delivered size in the order of the images, references last.

    `table` is made of the books that the request was quoted from, `quality` is the billed one, and
    `delivered` has at least one image.
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
    """Divide an amount, positive or negative, by weights; the first part gets the remainder."""
    whole = sum(weights)
    rest = [abs(amount) * weight // whole if whole else 0 for weight in weights[1:]]
    parts = [abs(amount) - sum(rest), *rest]
    return [part if amount >= 0 else -part for part in parts]
