"""New prices for a draft's rows: by one operation on many of them, or typed singly. Pure.

An operation sets the charged price: if the book has a markup, the list price becomes the least one
that is charged so. Raises ValueError, in words, for invalid input.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, Decimal
from hashlib import sha256
from typing import Literal

from billing.price_changes import LARGE_PERCENT
from billing.price_rows import ANY, BookRow, PriceKey
from pictor.kit.words import typed
from pictor.kit.words.money import MAX_MICROS, Micros, from_decimal, scale_half_up

OperationKind = Literal["by", "cost-times", "round-up"]
LEAST_PERCENT, MAX_PERCENT = Decimal(-99), Decimal(1000)
MAX_TIMES = Decimal(100)
_EXAMPLES: Mapping[str, str] = {"by": "5 or -2.5", "cost-times": "1.3", "round-up": "0.001"}
_HALF = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation: a percentage up or down, a factor of the cost, or rounding up to a step.

    `number` is the percentage, the factor, or the step in micros.
    """

    kind: OperationKind
    number: Decimal


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row of a draft before and after; before, a cell without a price has a row of 0."""

    was: BookRow
    becomes: BookRow

    @property
    def key(self) -> PriceKey:
        """The row's model, size and quality."""
        return self.was.key

    @property
    def times(self) -> Decimal | None:
        """The factor between the prices; None if the old one is 0."""
        return Decimal(self.becomes.micros) / self.was.micros if self.was.micros else None

    @property
    def is_large(self) -> bool:
        """True if the price changes by more than LARGE_PERCENT: perhaps mistyped."""
        far = abs(self.becomes.micros - self.was.micros) * 100
        return 0 < self.was.micros * LARGE_PERCENT < far


@dataclass(frozen=True, slots=True)
class Repriced:
    """The result of an operation.

    Attributes:
        same: the number of prices that stay the same.
        by_formula: skipped prices that are only held: their charges follow from a formula or
            tokens.
        unknown: skipped prices whose cost is unknown.
    """

    changes: Sequence[RowChange]
    same: int = 0
    by_formula: Sequence[PriceKey] = field(default=())
    unknown: Sequence[PriceKey] = field(default=())

    @property
    def digest(self) -> str:
        """A digest of the changes, so that only the reviewed ones are saved."""
        return sha256(repr(self.changes).encode()).hexdigest()[:32]

    @property
    def large(self) -> int:
        """The number of changes by more than LARGE_PERCENT."""
        return sum(change.is_large for change in self.changes)


def operation(kind: str, text: str) -> Operation:
    """Read a typed operation: `5%` or `-5`, `1.3`, `0.001`."""
    bare = text.strip().removeprefix("$").removesuffix("%").strip()
    number = typed.decimal(bare, such_as=_EXAMPLES.get(kind, "1.5"))
    if kind == "by":
        if not (LEAST_PERCENT <= number <= MAX_PERCENT) or not number:
            raise ValueError(f"{text!r} is not a percentage from -99 to 1000, other than 0")
        return Operation("by", number)
    if kind == "cost-times":
        if not 0 < number <= MAX_TIMES:
            raise ValueError(f"{text!r} is not a factor above 0, up to 100")
        return Operation("cost-times", number)
    if kind == "round-up":
        step = from_decimal(bare)
        if step <= 0:
            raise ValueError(f"{text!r} is not an amount above 0")
        return Operation("round-up", Decimal(step))
    raise ValueError(f"{kind!r} is not one of {', '.join(_EXAMPLES)}")


def reprice(
    rows: Iterable[BookRow],
    how: Operation,
    *,
    markup: Decimal,
    costs: Callable[[PriceKey], Micros | None],
) -> Repriced:
    """Apply an operation to these rows of a book with that markup.

    `costs` returns the cost of one image of a cell, or None if it is unknown.
    """
    if not markup:
        raise ValueError("a markup of 0 gives every image away: set the markup first")
    changes, by_formula, unknown, same = [], [], [], 0
    for row in rows:
        if row.is_held:
            by_formula.append(row.key)
            continue
        change = _change(row, how, markup, costs)
        if change is None:
            unknown.append(row.key)
        elif (becomes := row.times(change)) == row:
            same += 1
        else:
            _check_price(row.key, becomes.micros)
            changes.append(RowChange(row, becomes))
    return Repriced(changes, same, by_formula, unknown)


def reprice_by_hand(rows: Iterable[BookRow], prices: Mapping[PriceKey, str]) -> Repriced:
    """Apply typed list prices in dollars; rows without one, or with an empty one, stay."""
    changes, same = [], 0
    for row in rows:
        text = prices.get(row.key, "").strip().removeprefix("$")
        if text and row.terms is not None:
            raise ValueError(f"{' '.join(row.key)}: its price is by pixels: upload it as CSV")
        micros = _read_price(row.key, text) if text else row.micros
        if micros == row.micros:
            same += 1
        else:
            changes.append(RowChange(row, replace(row, micros=micros)))
    return Repriced(changes, same)


def _read_price(key: PriceKey, text: str) -> Micros:
    try:
        micros = from_decimal(text)
    except ValueError as error:
        raise ValueError(f"{' '.join(key)}: {error}, such as 0.21") from None
    return _check_price(key, micros)


def _check_price(key: PriceKey, micros: int) -> Micros:
    if not 0 < micros <= MAX_MICROS:
        raise ValueError(f"{' '.join(key)}: a price must be above 0 and at most nine billion")
    return Micros(micros)


def _change(
    row: BookRow, how: Operation, markup: Decimal, costs: Callable[[PriceKey], Micros | None]
) -> Callable[[Micros], Micros] | None:
    """Return what becomes of each amount of a row; None if its cost is unknown."""
    if how.kind == "by":
        return lambda amount: scale_half_up(amount, 100 + how.number, 100)
    if how.kind == "round-up":
        return lambda amount: _rounded_up(amount, how.number, markup)
    # An `any` row's own size is one of those that it prices.
    cost = costs((row.model, row.pixels, row.quality) if row.size == ANY else row.key)
    if cost is None or (row.terms is not None and not row.micros):
        return None
    wanted = Micros(int((cost * how.number).to_integral_value(ROUND_CEILING)))
    becomes = _charging(wanted, row.micros, markup)
    # By pixels, each amount changes as the one at the row's own size does.
    if row.terms is None:
        return lambda _: becomes
    return lambda amount: scale_half_up(amount, becomes, row.micros)


def _rounded_up(amount: Micros, step: Decimal, markup: Decimal) -> Micros:
    unit = Decimal(scale_half_up(amount, markup))
    wanted = (unit / step).to_integral_value(ROUND_CEILING) * step
    return _charging(Micros(int(wanted)), amount, markup)


def _charging(wanted: Micros, present: Micros, markup: Decimal) -> Micros:
    """Return the present list price if it is charged so, else the least one that is."""
    is_charged_so = scale_half_up(present, markup) == wanted
    return present if is_charged_so else Micros(_charged_at_least(wanted, markup))


def _charged_at_least(micros: int, markup: Decimal) -> int:
    """Return the least list price that charges this amount, rounded half up as charges are."""
    return max(int(((micros - _HALF) / markup).to_integral_value(ROUND_CEILING)), 0)
