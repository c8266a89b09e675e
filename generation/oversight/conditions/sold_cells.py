"""The present price and cost of the cells sold since yesterday.

A cell is a price row of a model, as one channel delivers it. If the channel charges for tokens, or
for the pixels of sizes by a rule, its cost is the average of its images. Yesterday counts, so that
midnight ends no condition.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import NamedTuple

from billing.price_rows import ANY, PriceKey
from billing.pricing import PriceMissing, PriceTable, image_price, quote
from billing.selectors.office.price_layers import tables_in_force
from billing.selectors.office.sold import SoldCell, cells_sold
from billing.token_formula import Delivered
from billing.upstream_cost import NOTHING_CAME, UpstreamResult
from billing.whatif import LeftOutReason, price_of_any
from generation.catalogue.costs import cost_of_cell, is_by_tokens
from generation.channels.size_rules import Size
from generation.oversight.conditions.detected import Outlook, PresentCondition
from pictor.kit.words import ids
from pictor.kit.words.money import Micros, in_dollars


class _OnSale(NamedTuple):
    """A cell that was sold since yesterday, and still is on sale.

    Attributes:
        name: of the cell, with its tenant if the tenant has a price of its own.
        cost: None if it is unknown.
        is_unknown: True if the cost of some images is unknown.
    """

    name: str
    cell: SoldCell
    price: Micros
    cost: Micros | None
    is_unknown: bool


def below_cost(outlook: Outlook) -> Iterator[PresentCondition]:
    """Cells sold since yesterday whose price in force is below their cost in force."""
    lost, images = Counter[str](), Counter[str]()
    words: dict[str, str] = {}
    for cell in _on_sale(outlook):
        if cell.cost is not None and cell.price < cell.cost:
            lost[cell.name] += (cell.cost - cell.price) * cell.cell.images
            images[cell.name] += cell.cell.images
            words[cell.name] = (
                f"sold at {in_dollars(cell.price, 3)}, costs {in_dollars(cell.cost, 3)}"
            )
    for name, text in words.items():
        sold = f"{_number(images[name], 'image')} since yesterday"
        yield PresentCondition(name, Micros(lost[name]), f"{text}; {sold}")


def cost_unknown(outlook: Outlook) -> Iterator[PresentCondition]:
    """Models that a channel delivered since yesterday in cells without a known cost."""
    cells: dict[str, list[SoldCell]] = {}
    for cell in _on_sale(outlook):
        if cell.is_unknown:
            cells.setdefault(f"{cell.cell.model} on {cell.cell.channel}", []).append(cell.cell)
    for name, unknown in cells.items():
        images = sum(cell.images for cell in unknown)
        rows = sorted({f"{cell.asked} {cell.quality}" for cell in unknown})
        cells_named = f"{_number(len(rows), 'cell')} without a known cost, such as {rows[0]}"
        words = f"{_number(images, 'image')} since yesterday in {cells_named}"
        yield PresentCondition(name, None, words)


def _number(many: int, thing: str) -> str:
    return f"{many} {thing}{'' if many == 1 else 's'}"


def _on_sale(outlook: Outlook) -> Iterator[_OnSale]:
    tables = tables_in_force(outlook.now)
    everyones = tables.get(None)
    own = [tenant for tenant in tables if tenant is not None]
    routes = {(route.model, route.channel_name): route for route in outlook.routes()}
    yesterday = outlook.now.astimezone(UTC).date() - timedelta(days=1)
    for cell in cells_sold(yesterday, apart=own):
        contract = outlook.catalogue.contract(cell.model)
        route = routes.get((cell.model, cell.channel))
        price = _price(tables.get(cell.tenant, everyones), cell)
        is_over = contract is None or contract.has_ended(outlook.now)
        if contract is None or is_over or route is None or price is None:
            continue
        cost = cost_of_cell(route, contract, _key(cell), at=outlook.now, came=_came(cell))
        if cost is not None:
            is_own = price != _price(everyones, cell)
            known = cost.micros if cost.is_known else None
            is_mean = is_by_tokens(route, at=outlook.now) or (cell.asked == ANY and known is None)
            mean = _mean(cell) if is_mean else None
            yield _OnSale(
                name=_name(cell, is_own=is_own),
                cell=cell,
                price=price,
                cost=known if mean is None else mean,
                is_unknown=known is None and (mean is None or cell.unknown_images > 0),
            )


def _key(cell: SoldCell) -> PriceKey:
    return (cell.model, cell.asked, cell.quality)


def _came(cell: SoldCell) -> UpstreamResult:
    is_known = cell.delivered and cell.asked != ANY
    return UpstreamResult(images=[_pixels(cell.delivered)]) if is_known else NOTHING_CAME


def _mean(cell: SoldCell) -> Micros | None:
    """The average cost of the images with a known cost."""
    known = cell.images - cell.unknown_images
    return Micros(cell.cost // known) if known else None


def _price(table: PriceTable | None, cell: SoldCell) -> Micros | None:
    """The charge for one more such image."""
    if table is None:
        return None
    if cell.asked == ANY:
        return _price_by_rule(table, cell)
    try:
        quoted = quote(table, model=cell.model, size=cell.asked, quality=cell.quality, n=1)
    except PriceMissing:
        return None
    if not cell.delivered or cell.quality not in quoted.priced.rows:
        return quoted.unit
    price = image_price(table, quoted.priced, cell.quality, _pixels(cell.delivered))
    return Micros(min(price, quoted.unit))


def _price_by_rule(table: PriceTable, cell: SoldCell) -> Micros | None:
    """The charge for one more; if that does not follow from whole megapixels, what it was."""
    found = price_of_any(table, _key(cell), cell.delivered)
    if not isinstance(found, LeftOutReason):
        return found
    is_priced = found is not LeftOutReason.NO_PRICE
    return Micros(cell.captured // cell.images) if is_priced else None


def _pixels(delivered: str) -> Delivered:
    size = Size.parse(delivered)
    return Delivered(size.width, size.height)


def _name(cell: SoldCell, *, is_own: bool) -> str:
    size = cell.asked
    if cell.delivered not in {"", cell.asked}:
        size = f"{cell.asked} as {cell.delivered}"
    whose = f" for {ids.public(ids.TENANT, cell.tenant)}" if is_own and cell.tenant else ""
    return f"{cell.model} {size} {cell.quality} on {cell.channel}{whose}"
