"""The public price list and its calculator: rows computed from contracts and current prices. Pure.

Raises nothing for a person's input: a value that is not on offer becomes the model's default.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from billing.price_rows import ANY, PriceRow
from billing.pricing import PriceMissing, PriceTable, least, quote
from console.amounts import decimals_of
from generation.catalogue.contracts import AUTO, ContractTerms
from generation.catalogue.plans import prices_of
from generation.channels.declaration import Task
from pictor.kit.words import typed
from pictor.kit.words.money import Micros

MAX_IMAGES = 10_000_000
DEFAULT_IMAGES = 1_000
DEFAULT_MODEL = "gpt-image-2-origin"
EXPLICIT = "medium"


@dataclass(frozen=True, slots=True)
class PricedSize:
    """One line of a model's list: a size, its tier, a price per quality, None if unpriced."""

    name: str
    tier: str
    ratio: str
    prices: tuple[Micros | None, ...]


@dataclass(frozen=True, slots=True)
class PricedModel:
    """A model's list.

    `least` is the least that an image of it is charged. `has_tiers` if its sizes differ in tier,
    `takes_images` if a request may begin with some.
    """

    name: str
    qualities: tuple[str, ...]
    sizes: tuple[PricedSize, ...]
    has_tiers: bool
    decimals: int
    least: Micros
    reference: PriceRow | None = None
    """The price of each reference image; None if they are included."""
    sunset_at: datetime | None = None
    successor: str = ""
    takes_images: bool = False


@dataclass(frozen=True, slots=True)
class Calculation:
    """The calculator's result: the form as understood, and the sum, None if unpriced."""

    model: PricedModel
    size: str
    quality: str
    images: int
    unit: Micros | None
    total: Micros | None
    is_limit: bool
    """True if the size is `auto`, or `any` of a rule: the sum is the most that is held."""


def priced_models(contracts: Iterable[ContractTerms], table: PriceTable) -> tuple[PricedModel, ...]:
    """The models that have a price, the latest first, because their names count upwards."""
    latest = sorted(contracts, key=lambda contract: contract.model, reverse=True)
    shown = (_priced_model(contract, table) for contract in latest)
    return tuple(model for model in shown if model is not None)


def calculate(models: Sequence[PricedModel], *, query: Mapping[str, str]) -> Calculation | None:
    """The sum for the requested model, size, quality and number of images; None without prices."""
    if not models:
        return None
    by_name = {model.name: model for model in models}
    model = by_name.get(query.get("model", "")) or by_name.get(DEFAULT_MODEL, models[0])
    sizes = {size.name: size for size in model.sizes}
    size = sizes.get(query.get("size", ""), model.sizes[0])
    quality = query.get("quality", "")
    if quality not in model.qualities:
        quality = EXPLICIT if EXPLICIT in model.qualities else model.qualities[0]
    images = _number(query.get("images", ""))
    unit = size.prices[model.qualities.index(quality)]
    total = None if unit is None else Micros(unit * images)
    is_limit = total is not None and size.name in {AUTO, ANY}
    return Calculation(model, size.name, quality, images, unit, total, is_limit=is_limit)


def _number(text: str) -> int:
    try:
        return min(max(typed.number(text), 1), MAX_IMAGES)
    except ValueError:
        return DEFAULT_IMAGES


def _priced_model(contract: ContractTerms, table: PriceTable) -> PricedModel | None:
    words = tuple(word for word in contract.qualities if word != AUTO)
    sizes = [
        PricedSize(
            name=str(option.size),
            tier="Base" if option.tier == "base" else option.tier,
            ratio=option.ratio,
            prices=_prices(table, contract, str(option.size), words),
        )
        for option in contract.options
    ]
    for word in contract.priced_sizes[len(sizes) :]:
        prices = _prices(table, contract, word, words)
        sizes.append(PricedSize(name=word, tier="", ratio="", prices=prices))
    found = [price for size in sizes for price in size.prices if price is not None]
    if not found:
        return None
    return PricedModel(
        name=contract.model,
        qualities=words,
        sizes=tuple(sizes),
        has_tiers=len({size.tier for size in sizes if size.tier}) > 1,
        decimals=decimals_of(found),
        least=min([*found, *_least_of_auto(contract, table), *_least_of_rule(contract, table)]),
        reference=table.reference(contract.model),
        sunset_at=contract.sunset_at,
        successor=contract.successor,
        takes_images=contract.tasks > {Task.GENERATE},
    )


def _least_of_auto(contract: ContractTerms, table: PriceTable) -> list[Micros]:
    """The least that an image of any size and quality is charged: below each listed, perhaps."""
    if not contract.accepts_auto:
        return []
    model, sold = contract.model, contract.qualities
    try:
        quoted = quote(table, model=model, size=AUTO, quality=AUTO, n=1, sold=sold)
    except PriceMissing:
        return []
    return [least(table, quoted.priced)]


def _least_of_rule(contract: ContractTerms, table: PriceTable) -> list[Micros]:
    """The least that an image of a size by the rule is charged, in each quality."""
    rows = table.qualities(contract.model, ANY).values() if contract.size_rule else []
    smallest = contract.size_rule.min_pixels if contract.size_rule else 1
    return [row.unit for any_row in rows if (row := any_row.at(smallest, 1))]


def _prices(
    table: PriceTable, contract: ContractTerms, size: str, words: Sequence[str]
) -> tuple[Micros | None, ...]:
    rows = prices_of(contract, table, size)
    return tuple(rows[word].unit if word in rows else None for word in words)
