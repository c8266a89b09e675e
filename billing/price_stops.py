"""Price changes that a person must confirm: large changes, and prices below cost. Pure.

Operators read each reason as a sentence, then type a reason of their own and the number of prices
that each sentence is about, so that none is confirmed unread.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from typing_extensions import override

from billing.price_changes import LARGE_PERCENT, PriceChange
from billing.price_rows import ANY, MAX_NAMED, PriceKey, PriceRow, price_words
from billing.pricing import PriceTable
from billing.upstream_cost import Cost
from pictor.kit.words.money import Micros, to_decimal


@dataclass(frozen=True, slots=True)
class CellCost:
    """One cell at one channel that may serve it, and the cost of one image there."""

    key: PriceKey
    channel: str
    cost: Cost
    is_sandbox: bool = False


@dataclass(frozen=True, slots=True)
class BelowCost:
    """A price below the cost at its dearest channel. `row` is the key of the row that prices it."""

    key: PriceKey
    price: Micros
    dearest: CellCost
    row: PriceKey

    @override
    def __str__(self) -> str:
        """`dall-e-3 1024x1024 hd: 0.080000 USD, costs 0.090000 USD at acme`."""
        cost = to_decimal(self.dearest.cost.micros)
        return (
            f"{' '.join(self.key)}: {to_decimal(self.price)} USD,"
            f" costs {cost} USD at {self.dearest.channel}"
        )


@dataclass(frozen=True, slots=True)
class BookStep:
    """A book's changes as it begins, and those of them that are large on models sold lately.

    `later` names a book that follows the changed one, with its date; empty for the changed one.
    """

    changes: Sequence[PriceChange]
    large: Sequence[PriceChange]
    later: str = ""

    @property
    def words(self) -> str:
        """`changed prices: 2; by more than 50 % on models that sold in the last 30 days: 1`."""
        begin = f"{self.later} then comes with " if self.later else ""
        return (
            f"{begin}changed prices: {len(self.changes)}; by more than {LARGE_PERCENT} % on models"
            f" that sold in the last 30 days: {len(self.large)}"
        )


@dataclass(frozen=True, slots=True)
class Confirmed:
    """An operator's typed reason, number of changed prices and number of prices below cost."""

    reason: str = ""
    changes: int | None = None
    below_cost: int | None = None


UNCONFIRMED = Confirmed()


@dataclass(frozen=True, slots=True)
class Stops:
    """The confirmations needed before prices change.

    Attributes:
        below: the prices that fall below cost, or further below.
        below_before: the prices below cost that do not fall: they need no confirmation.
        unknown: the prices without a known cost: they need none either.
    """

    steps: Sequence[BookStep] = ()
    below: Sequence[BelowCost] = ()
    below_before: Sequence[BelowCost] = ()
    unknown: Sequence[PriceKey] = ()

    @property
    def number_of_changes(self) -> int | None:
        """The number to type; None if no change is large."""
        return sum(len(step.changes) for step in self.steps) if self.steps else None

    @property
    def number_below_cost(self) -> int | None:
        """The number to type; None if no price falls below cost."""
        return len(self.below) or None

    @property
    def are_any(self) -> bool:
        """True if any confirmation is needed."""
        return bool(self.steps or self.below)

    @property
    def lines(self) -> list[str]:
        """The number of prices for each of the reasons, and the number of unknown costs."""
        return [*(step.words for step in self.steps), *self._in_all(), *self._cost_words()]

    def refusal(self, confirmed: Confirmed) -> str:
        """Return every reason and the missing confirmations; empty if none is missing."""
        if not self.are_any or not (lacking := self._lacking(confirmed)):
            return ""
        sentences = [_sentence(step.words, step.large) for step in self.steps]
        if self.below:
            sentences.append(_sentence(f"{len(self.below)} new below cost", self.below))
        return " ".join([*sentences, *(f"{words}." for words in self._in_all()), lacking])

    def _lacking(self, confirmed: Confirmed) -> str:
        questions = (
            ("the number of changed prices", self.number_of_changes, confirmed.changes),
            ("the number of new prices below cost", self.number_below_cost, confirmed.below_cost),
        )
        needed = [(what, right, typed) for what, right, typed in questions if right is not None]
        if not confirmed.reason.strip() or any(typed is None for _, _, typed in needed):
            return f"It needs a reason, and {', and '.join(what for what, _, _ in needed)}."
        wrong = [f"{typed} is not {what}." for what, right, typed in needed if typed != right]
        return " ".join(wrong)

    def _in_all(self) -> list[str]:
        several = len(self.steps) > 1
        return [f"changed prices in all: {self.number_of_changes}"] if several else []

    def _below_words(self) -> str:
        before = f", {len(self.below_before)} as before" if self.below_before else ""
        return f"{len(self.below)} new below cost{before}"

    def _cost_words(self) -> Iterator[str]:
        if self.below or self.below_before:
            yield self._below_words()
        if self.unknown:
            yield f"unknown cost: {len(self.unknown)} prices, as {price_words(self.unknown[:1])}"


def apart(
    below: Sequence[BelowCost], changes: Sequence[PriceChange]
) -> tuple[list[BelowCost], list[BelowCost]]:
    """Part prices below cost into those that fall by these changes, and the others."""
    falling = {change.key for change in changes if change.falls}
    return (
        [cell for cell in below if cell.row in falling],
        [cell for cell in below if cell.row not in falling],
    )


def judged_by_cost(
    prices: Mapping[PriceKey, PriceRow],
    served: Sequence[CellCost],
    *,
    of: Collection[PriceKey] | None = None,
) -> tuple[list[BelowCost], list[PriceKey]]:
    """Return the prices below their dearest known cost, and those without any known cost.

    Only those by rows `of` these keys, if given. Those that lose most come first. A sandbox with an
    unknown cost is ignored.
    """
    table = PriceTable((), prices)
    dearest: dict[PriceKey, CellCost] = {}
    unknown = set()

    def row(key: PriceKey) -> PriceKey:
        return key if key in prices else (key[0], ANY, key[2])

    for cell in served:
        is_judged = of is None or row(cell.key) in of
        if not is_judged or table.row_of(cell.key) is None:
            continue
        if not cell.cost.is_known:
            unknown |= set() if cell.is_sandbox else {cell.key}
        elif cell.key not in dearest or cell.cost.micros > dearest[cell.key].cost.micros:
            dearest[cell.key] = cell
    below = [
        BelowCost(key, price.unit, cell, row(key))
        for key, cell in dearest.items()
        if (price := table.row_of(key)) is not None and cell.cost.micros > price.unit
    ]
    below.sort(key=lambda cell: (cell.price - cell.dearest.cost.micros, cell.key))
    return below, sorted(unknown - dearest.keys())


def later_name(name: str, begins: datetime) -> str:
    """Return the name of a following book: `list:3 at 2026-12-01T00:00:00+00:00`."""
    return f"{name} at {begins.isoformat()}"


def _sentence(words: str, about: Sequence[object]) -> str:
    named = "; ".join(map(str, about[:MAX_NAMED]))
    more = f"; and {len(about) - MAX_NAMED} more" if len(about) > MAX_NAMED else ""
    return f"{words}, {named}{more}."
