"""Cost tables of channels by operators: a new one takes effect now or later."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Unpack

from django.core.exceptions import ValidationError
from django.db import transaction
from typing_extensions import override

from accounts.services import By, record
from billing import locks
from billing.cost_csv import MAX_COST_MICROS, CostFile
from billing.price_rows import AUTO, MAX_NAMED
from billing.pricing import PriceTable
from billing.selectors import current_table
from billing.supply import waits_for_upgrade
from billing.upstream_cost import ANY, OUTPUT, TOKENS, CostRow, Costs, CostSource, CostTable
from generation.catalogue.costs import cells
from generation.catalogue.services.channel_lock import take_turns
from generation.catalogue.services.routes import Routes
from generation.models import Channel
from generation.models import CostTable as StoredCosts
from generation.selectors import cost_tables
from pictor.kit.words import clock, typed
from pictor.kit.words.money import Micros, scale_half_up, to_decimal

LARGE_FACTOR = 5
MAX_FACTOR = 10**12
LOOKED_AT = ("512x512", "1024x1024", "2048x2048", "4096x4096")
"""The sizes at which a cost by pixels is held against the last."""
DOUBTFUL_COST = "doubtful_cost"
"""The code of a refusal that is answered by typing a cost again."""
COSTS_CHANGED = "costs_changed"
"""The code of a refusal of a change based on outdated costs."""


@dataclass(frozen=True, slots=True)
class CostDoubt:
    """A cost that may be mistyped; `than` says what it was compared with."""

    what: str
    micros: Micros
    than: str

    @override
    def __str__(self) -> str:
        """`dall-e-3 1024x1024 hd: 8.000000 USD, more than 5 times the last, 0.080000`."""
        return f"{self.what}: {to_decimal(self.micros)} USD, {self.than}"


@transaction.atomic
def set_costs(
    *,
    channel: Channel,
    rows: Sequence[CostRow],
    source: str,
    effective_from: datetime | None = None,
    again: Micros | None = None,
    newest: int | None = None,
    **by: Unpack[By],
) -> StoredCosts:
    """Write a channel's complete costs from a time on, or from now; past attempts keep theirs.

    Raises ValidationError for a time in the past, and for a cost more than 5 times the last one
    or above the price, unless `again` is the highest of these: a person typed it again. Also raises
    it if `newest`, the table that the person has seen, is not the id of the newest one, 0 for none.
    """
    take_turns()
    locks.decisions_on_prices()
    channel.refresh_from_db()
    if newest is not None and newest != newest_costs(channel):
        raise ValidationError("its costs changed since these were shown", code=COSTS_CHANGED)
    has_new = {row.kind for row in rows} - {"fixed", "formula", "tokens"}
    if has_new and (why := waits_for_upgrade()):
        raise ValidationError(f"the cost table {why}")
    doubts = costs_in_doubt(channel, rows, effective_from)
    refuse_doubtful(doubts, again=again)
    stored = _store(channel, rows, source, effective_from)
    after = {
        "effective_from": stored.effective_from.isoformat(),
        "costs": len(rows),
        "source": stored.source,
        "typed_again": [str(doubt) for doubt in doubts],
    }
    record(channel.audited, "channel.costs", after=after, **by)
    return stored


def costs_in_doubt(
    channel: Channel, rows: Sequence[CostRow], effective_from: datetime | None
) -> list[CostDoubt]:
    """Costs that may be mistyped. Raises ValidationError for a time in the past."""
    now = clock.now()
    if effective_from is not None and effective_from < now:
        raise ValidationError(
            "costs begin now or later: the costs of past attempts stay as they are"
        )
    begins = effective_from or now
    table = CostTable(begins, {row.key: row for row in rows})
    return list(_table_doubts(channel, table, begins))


def newest_costs(channel: Channel) -> int:
    """The id of the newest table; 0 for none."""
    newest = StoredCosts.objects.filter(channel=channel).order_by("-id")
    return newest.values_list("id", flat=True).first() or 0


def copied(other: Channel, factor: str) -> CostFile:
    """Another channel's present costs times a factor such as '0.8', and their source."""
    now = clock.now()
    table = Costs(tables=cost_tables([other.pk], since=now)[other.pk]).table_at(now)
    if table is None:
        raise ValidationError(f"{other.name} has no cost table in force")
    try:
        number = typed.decimal(factor, such_as="0.8")
    except ValueError as error:
        raise ValidationError(str(error)) from None
    source = f"{factor} x {other.name} as of {table.effective_from.isoformat()}"
    return CostFile(scaled(list(table.rows.values()), number), source)


def _store(
    channel: Channel, rows: Sequence[CostRow], source: str, effective_from: datetime | None
) -> StoredCosts:
    terms = [row.terms.as_json() if row.terms else None for row in rows]
    stored = StoredCosts(
        channel=channel,
        rows=[[*row.key, row.kind, row.micros] for row in rows],
        terms=terms if any(terms) else None,
        source=" ".join(source.split())[:500],
    )
    if effective_from is not None:
        stored.effective_from = effective_from
    stored.save(force_insert=True)
    stored.refresh_from_db()
    return stored


def scaled(rows: Collection[CostRow], factor: Decimal) -> list[CostRow]:
    """The rows times a factor above 0, each rounded half up to a micro."""
    if not (factor.is_finite() and 0 < factor <= MAX_FACTOR):
        raise ValidationError(f"a factor must be above 0, not {factor}")

    def change(micros: Micros) -> Micros:
        return scale_half_up(micros, factor)

    found = [
        replace(row, micros=change(row.micros), terms=row.terms and row.terms.scaled(change))
        for row in rows
    ]
    of_rows, after = ([micros for row in each for micros in row.amounts] for each in (rows, found))
    if any(becomes == 0 < was for was, becomes in zip(of_rows, after, strict=True)):
        raise ValidationError(f"with a factor of {factor} a cost would round to nothing")
    if max(after, default=0) > MAX_COST_MICROS:
        raise ValidationError(f"with a factor of {factor} a cost is above the maximum")
    return found


def refuse_doubtful(doubts: Sequence[CostDoubt], *, again: Micros | None) -> None:
    """Raise ValidationError unless the highest of these costs was typed again."""
    if not doubts or again == max(doubt.micros for doubt in doubts):
        return
    named = "; ".join(map(str, doubts[:MAX_NAMED]))
    more = f"; and {len(doubts) - MAX_NAMED} more" if len(doubts) > MAX_NAMED else ""
    lacking = (
        "Type the highest of them again."
        if again is None
        else f"{to_decimal(again)} is not the highest of them."
    )
    raise ValidationError(f"{named}{more}. {lacking}", code=DOUBTFUL_COST)


def doubts_of_flat(known: Routes, planned: Routes) -> Iterator[CostDoubt]:
    """Flat costs of routes that may be mistyped, next to the last cost and the dearest price.

    Prices cannot change before the caller's transaction ends.
    """
    locks.decisions_on_prices()
    prices = current_table(None, clock.now())
    for model, terms in planned.items():
        was = known[model].cost_micros if model in known else None
        becomes = terms.cost_micros
        if becomes is None or becomes == was:
            continue
        if was and becomes > LARGE_FACTOR * was:
            yield CostDoubt(model, Micros(becomes), _times(was))
            continue
        units = [row.unit for key, row in prices.rows.items() if key[0] == model]
        dearest = max(units, default=None)
        if dearest is not None and becomes > dearest:
            words = f"above the price, at most {to_decimal(dearest)}"
            yield CostDoubt(model, Micros(becomes), words)


def _table_doubts(channel: Channel, table: CostTable, begins: datetime) -> Iterator[CostDoubt]:
    before = Costs(tables=cost_tables([channel.pk], since=begins)[channel.pk]).table_at(begins)
    flat = dict(channel.routes.values_list("upstream_model", "cost_micros"))
    for row in table.rows.values():
        far_above = [
            CostDoubt(what, becomes, _times(was))
            for what, becomes, was in _beside_last(row, before, flat.get(row.model))
            if was and becomes is not None and becomes > LARGE_FACTOR * was
        ]
        yield from far_above[-1:]
    yield from _above_price(channel, table, current_table(None, begins))


def _beside_last(
    row: CostRow, before: CostTable | None, flat: int | None
) -> Iterator[tuple[str, Micros | None, int | None]]:
    """The row, its cost and that which it replaces, in the same unit; by pixels at several sizes.

    None if unknown.
    """
    name = " ".join(row.key)
    if row.kind in {"formula", "tokens", "units"}:
        same = before.rows.get(row.key) if before else None
        yield name, row.micros, same.micros if same and same.kind == row.kind else None
        return
    words = [row.quality]
    last = before.nearest(row.model, [row.size], words) if before else None
    by_pixels = row.terms or (last and last.terms)
    for size in LOOKED_AT if by_pixels and row.size in {ANY, AUTO} else (row.size,):
        was = last.of_image(size, words) if last else None
        what = name if size == row.size else f"{name} at {size}"
        yield what, row.of_image(size, words), flat if was is None else was


def _above_price(channel: Channel, table: CostTable, prices: PriceTable) -> Iterator[CostDoubt]:
    """Yield cells that cost more than their price, by tokens if the formula prices the model."""
    begins = table.effective_from
    of_formula = {model for (model, _, _), row in prices.rows.items() if row.kind == "formula"}
    above = cells(channel, (table,), at=begins)
    for cell, by_tokens in zip(above, cells(channel, (_formula(table),), at=begins), strict=True):
        price, cost = prices.row_of(cell.key), cell.cost
        if price is None:
            continue
        if cell.key[0] in of_formula and cost.source is not CostSource.TABLE:
            cost = by_tokens.cost
        if cost.micros > price.unit:
            words = f"above the price, {to_decimal(price.unit)}"
            yield CostDoubt(" ".join(cell.key), cost.micros, words)


def _formula(table: CostTable) -> CostTable:
    """The table's prices of output tokens as costs by the published formula."""
    rows = [
        CostRow(row.model, ANY, ANY, row.micros, "formula")
        for row in table.rows.values()
        if (row.size, row.quality) == (TOKENS, OUTPUT)
    ]
    return CostTable(table.effective_from, {row.key: row for row in rows})


def _times(was: int) -> str:
    return f"more than {LARGE_FACTOR} times the last, {to_decimal(was)}"
