"""The steps of the size picker, each with the price of an image. Pure: one price table for all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from billing.pricing import PriceMissing, PriceTable, Quote, least, quote
from console.workspace.shared.choices import Ratio, RequestDraft
from generation.catalogue.contracts import AUTO, SizeOption
from pictor.kit.words.money import Micros

Price = Micros | None
"""The price of one image in the draft's quality; None if there is none."""


@dataclass(frozen=True, slots=True)
class Picker:
    """The picker's choices with their prices.

    A tier has its lowest possible price, and so has `each`, the draft's own size. A ratio and a
    size have their quoted price, which is the highest if the quality is left open.
    """

    tiers: Sequence[tuple[str, str, Price]]
    ratios: Sequence[tuple[Ratio, Price]]
    sizes: Sequence[tuple[SizeOption, Price]]
    each: Price


def picker_of(draft: RequestDraft, table: PriceTable) -> Picker:
    """The draft's choices, priced as each would be quoted."""
    names = [*(str(option.size) for option in draft.contract.options), AUTO, draft.size]
    quotes = {size: _size_quote(draft, table, size) for size in dict.fromkeys(names)}
    priced = {size: quoted for size, quoted in quotes.items() if quoted is not None}
    lowest = {size: least(table, quoted.priced) for size, quoted in priced.items()}
    most = {size: quoted.unit for size, quoted in priced.items()}
    return Picker(
        tiers=[(name, size, _least_of(lowest, draft.sizes_of(name))) for name, size in draft.tiers],
        ratios=[(ratio, most.get(ratio.size)) for ratio in draft.ratios],
        sizes=[(option, most.get(str(option.size))) for option in draft.sizes],
        each=lowest.get(draft.size),
    )


def _size_quote(draft: RequestDraft, table: PriceTable, size: str) -> Quote | None:
    """The quote for one image of this size; None if it has no price."""
    try:
        return quote(
            table,
            model=draft.contract.model,
            size=size,
            quality=draft.quality,
            n=1,
            sold=draft.contract.qualities,
        )
    except PriceMissing:
        return None


def _least_of(prices: Mapping[str, Micros], sizes: Iterable[str]) -> Price:
    return min((prices[size] for size in sizes if size in prices), default=None)
