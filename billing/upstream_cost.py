"""What an attempt costs us, or may have cost us, and why nobody pays. Pure. Amounts: micro-USD.

The first of these that is known: what the vendor reported, the tokens it counted at the prices of
the channel's cost table, that table's cell of what was asked upstream, the route's flat cost. A
cost that is not known is none of them, and not 0.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import product
from typing import Literal

from billing.pricing import AUTO, NOTHING, TOKEN_AXES, Delivered, formula_tokens, infer_quality
from pictor.kit.words.money import Micros, scale_half_up

ANY = "any"
"""In place of a size or a quality: the cell of all that have none of their own."""
TOKENS = "tokens"
"""In place of a size: the row of a price of tokens, with one of TOKEN_ROWS as its quality."""
INPUT_TEXT, INPUT_IMAGE, OUTPUT = "input_text", "input_image", "output"
TOKEN_ROWS = (INPUT_TEXT, INPUT_IMAGE, OUTPUT)
PER_MILLION = Decimal("0.000001")
MOST_TOKENS = 2**31 - 1
"""Of one kind in one answer; an upstream that says more counts nothing that could be believed."""

CostKind = Literal["fixed", "formula", "tokens"]
CostKey = tuple[str, str, str]
"""(the vendor's model, 'WxH', AUTO, ANY or TOKENS, the vendor's quality, ANY or of TOKEN_ROWS)."""


class Loss(StrEnum):
    """Why what may have been paid for is charged to nobody."""

    WRONG_SIZE = "wrong_size"
    """Another size than `strict_size` asked for."""
    REFUSED_BILLED = "refused_billed"
    """The upstream refused the request, by its policy or as invalid, and may bill that."""
    UNKNOWN = "unknown"
    """It did not answer to the end."""
    BAD_RESULT = "bad_result"
    """It answered without a usable image."""
    STORAGE_FAILED = "storage_failed"
    """The image came, and we had no room for it or could not store it."""
    INTERRUPTED = "interrupted"
    """Cut off by the end of a process of ours."""


COUNTED = frozenset({Loss.WRONG_SIZE, Loss.REFUSED_BILLED})
"""What a caller can bring about at will: the tenant's ceiling of the day is on these."""


class CostSource(StrEnum):
    """How we know what an attempt cost."""

    REPORTED = "reported"
    """The vendor named the amount."""
    TOKENS = "tokens"
    """The tokens it counted, at the prices of the channel's cost table."""
    TABLE = "table"
    """That table's cell of what was asked."""
    FLAT = "flat"
    """The route's cost of one image."""
    UNKNOWN = "unknown"
    """None of these: it may have cost anything."""
    NOTHING = "nothing"
    """It was not billed, or it is a test's."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What it cost; 0 where that is unknown, so look at `is_known` before adding it up."""

    micros: Micros
    source: CostSource

    @property
    def is_known(self) -> bool:
        """Whether the amount means anything."""
        return self.source is not CostSource.UNKNOWN


FREE = Cost(NOTHING, CostSource.NOTHING)
UNKNOWN = Cost(NOTHING, CostSource.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Tokens:
    """As the upstream counted them, for all images of the answer."""

    input_text: int
    input_image: int
    output: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What an upstream was asked for.

    Attributes:
        model: the vendor's name.
        size: 'WxH' or AUTO.
        quality: the vendor's word; empty where none was sent.
        n: images.
        at: when the attempt began: the table of that moment is its table.
    """

    model: str
    size: str
    quality: str
    n: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Came:
    """What came of it.

    Attributes:
        images: those that could be decoded; none where nothing came back.
        tokens: None where the upstream counted none.
        quality: as the upstream reported it.
        reported: the amount that it named, where it names one.
    """

    images: Sequence[Delivered] = ()
    tokens: Tokens | None = None
    quality: str | None = None
    reported: Micros | None = None


NOTHING_CAME = Came()


@dataclass(frozen=True, slots=True)
class CostRow:
    """One row of a cost table.

    `micros` is what one image costs (`fixed`), or a million tokens do: those of the published
    formula at the size and quality (`formula`), or those that the upstream counts (`tokens`).
    """

    model: str
    size: str
    quality: str
    micros: Micros
    kind: CostKind = "fixed"

    @property
    def key(self) -> CostKey:
        """What it is the cost of."""
        return (self.model, self.size, self.quality)


@dataclass(frozen=True, slots=True)
class CostTable:
    """What a vendor's account costs us from a moment on. Never changes."""

    effective_from: datetime
    rows: Mapping[CostKey, CostRow]

    @property
    def has_tokens(self) -> bool:
        """Whether tokens have a price, of any model."""
        return any(row.kind == "tokens" for row in self.rows.values())

    def of_tokens(self, model: str, tokens: Tokens) -> Micros | None:
        """What these tokens cost; None where a price of some of them is missing."""
        counted = {
            INPUT_TEXT: tokens.input_text,
            INPUT_IMAGE: tokens.input_image,
            OUTPUT: tokens.output,
        }
        micros = 0
        for word, number in counted.items():
            row = self.rows.get((model, TOKENS, word))
            if number and row is None:
                return None
            micros += number * row.micros if row else 0
        return scale_half_up(micros, PER_MILLION)

    def of_images(self, asked: Asked, came: Came) -> Micros | None:
        """What the images cost by their cells; None where one has none."""
        words = list(_qualities(asked, came))
        costs = [self._of_image(asked, size, words) for size in _sizes(asked, came)]
        known = [cost for cost in costs if cost is not None]
        return Micros(sum(known)) if len(known) == len(costs) else None

    def _of_image(self, asked: Asked, size: str, words: Sequence[str]) -> Micros | None:
        for place, word in product(dict.fromkeys((asked.size, size, ANY)), (*words, ANY)):
            row = self.rows.get((asked.model, place, word))
            if row is not None:
                return row.micros if row.kind == "fixed" else _by_formula(row, size, words)
        return None


@dataclass(frozen=True, slots=True)
class Costs:
    """All that is known of what a route costs.

    Attributes:
        flat: what one image costs, whatever it is.
        tables: of its channel, in the order in which they take over.
        is_free: nothing is paid for there: it is asked for tests.
    """

    flat: int | None = None
    tables: tuple[CostTable, ...] = ()
    is_free: bool = False

    def table_at(self, moment: datetime) -> CostTable | None:
        """The one in force."""
        begun = [table for table in self.tables if table.effective_from <= moment]
        return begun[-1] if begun else None


def upstream_cost(
    costs: Costs, *, asked: Asked, came: Came = NOTHING_CAME, may_have_billed: bool = True
) -> Cost:
    """The cost of a call, counted as if it had been paid wherever that is possible.

    Of as many images as came or, where none did, as were asked for.
    """
    if costs.is_free or not may_have_billed:
        return FREE
    if came.reported is not None:
        return Cost(came.reported, CostSource.REPORTED)
    table = costs.table_at(asked.at)
    if table is not None and came.tokens is not None and came.tokens.output:
        amount = table.of_tokens(asked.model, came.tokens)
        if amount is not None:
            return Cost(amount, CostSource.TOKENS)
    if table is not None:
        amount = table.of_images(asked, came)
        if amount is not None:
            return Cost(amount, CostSource.TABLE)
    if costs.flat is not None:
        return Cost(Micros(costs.flat * (len(came.images) or asked.n)), CostSource.FLAT)
    return UNKNOWN


def _sizes(asked: Asked, came: Came) -> list[str]:
    """Of each image: as asked, or as it came where that was left to the upstream."""
    if asked.size == AUTO and came.images:
        return [image.size for image in came.images]
    return [asked.size] * (len(came.images) or asked.n)


def _qualities(asked: Asked, came: Came) -> Iterator[str]:
    """The words of a cell, best first: as asked; of what was left to the upstream, as it came."""
    yield asked.quality or AUTO
    if asked.quality in {"", AUTO}:
        if came.quality:
            yield came.quality
        inferred = infer_quality(came.images, came.tokens.output if came.tokens else None)
        if inferred:
            yield inferred


def _by_formula(row: CostRow, size: str, words: Sequence[str]) -> Micros | None:
    """The formula's tokens of one image; None where its size or quality is not known."""
    width, _, height = size.partition("x")
    quality = next((word for word in words if word in TOKEN_AXES), None)
    if quality is None or not (width.isdigit() and height.isdigit()):
        return None
    tokens = formula_tokens(int(width), int(height), quality=quality)
    return scale_half_up(tokens * row.micros, PER_MILLION)
