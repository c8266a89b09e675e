"""The actual or possible cost of an attempt, and the reasons for losses. Pure; in micro-USD.

The first known of these counts: the amount the vendor reported, the tokens it counted at the prices
of the channel's cost table, the vendor's units at that table's, its cell for the request sent
upstream, the route's flat cost. If none is known, the cost is unknown, not 0.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import product
from typing import Literal

from billing.pixel_prices import MAX_PIXELS, PixelTerms, sides_of
from billing.price_rows import AUTO
from billing.pricing import NOTHING
from billing.token_formula import TOKEN_AXES, Delivered, formula_tokens, infer_quality
from pictor.kit.words.money import Micros, scale_half_up

ANY = "any"
"""Stands for a size or a quality: the cell for all that have none of their own."""
TOKENS = "tokens"
"""Stands for a size: a row for the price of tokens, with one of TOKEN_ROWS as its quality."""
UNITS = "units"
"""Stands for a size: a row for the price of the vendor's own unit, whose quality is ANY."""
INPUT_TEXT, INPUT_IMAGE, OUTPUT = "input_text", "input_image", "output"
TOKEN_ROWS = (INPUT_TEXT, INPUT_IMAGE, OUTPUT)
PER_MILLION = Decimal("0.000001")
MAX_TOKENS = 2**31 - 1
"""The limit for one kind in one answer; a larger count is not believed."""

CostKind = Literal["fixed", "formula", "pixels", "tokens", "units"]
CostKey = tuple[str, str, str]
"""(the vendor's model, 'WxH', AUTO, ANY, TOKENS or UNITS, its quality, ANY or of TOKEN_ROWS)."""


class Loss(StrEnum):
    """The reason why a possible cost is charged to no tenant."""

    WRONG_SIZE = "wrong_size"
    """The image has another size than `strict_size` requires."""
    REFUSED_BILLED = "refused_billed"
    """The upstream refused the request, by its policy or as invalid, and may bill that."""
    UNKNOWN = "unknown"
    """The upstream did not answer to the end."""
    BAD_RESULT = "bad_result"
    """The upstream answered without a usable image."""
    STORAGE_FAILED = "storage_failed"
    """The image came, but there was no room for it or storing it failed."""
    INTERRUPTED = "interrupted"
    """The end of one of our processes cut the attempt off."""


COUNTED = frozenset({Loss.WRONG_SIZE, Loss.REFUSED_BILLED})
"""Losses that a caller can cause at will: the tenant's daily ceiling counts these."""


class CostSource(StrEnum):
    """The source of an attempt's cost."""

    REPORTED = "reported"
    """The vendor named the amount."""
    TOKENS = "tokens"
    """The tokens the vendor counted, at the prices of the channel's cost table."""
    TABLE = "table"
    """The cost table's cell for the request."""
    FLAT = "flat"
    """The route's cost of one image."""
    UNKNOWN = "unknown"
    """None of these is known: the attempt may have cost anything."""
    NOTHING = "nothing"
    """The attempt was not billed, or is a test."""


@dataclass(frozen=True, slots=True)
class Cost:
    """An attempt's cost; 0 if it is unknown, so check `is_known` before adding it up."""

    micros: Micros
    source: CostSource

    @property
    def is_known(self) -> bool:
        """True if the amount is meaningful."""
        return self.source is not CostSource.UNKNOWN


NO_COST = Cost(NOTHING, CostSource.NOTHING)
UNKNOWN_COST = Cost(NOTHING, CostSource.UNKNOWN)


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """The upstream's count of tokens for all images of the answer."""

    input_text: int
    input_image: int
    output: int


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request as it was sent to an upstream.

    Attributes:
        model: the vendor's name.
        size: 'WxH' or AUTO.
        quality: the vendor's word; empty if none was sent.
        n: the number of images.
        at: the start of the attempt, which selects the cost table.
    """

    model: str
    size: str
    quality: str
    n: int
    at: datetime


@dataclass(frozen=True, slots=True)
class UpstreamResult:
    """The upstream's answer.

    Attributes:
        images: those that passed verification; empty if nothing came back.
        tokens: None if the upstream counted none.
        quality: as the upstream reported it.
        reported: the amount that the upstream named, if any.
        units: those that the upstream charges, in its own unit.
        lost: further images that did not come, and may be paid for: taken to cost as much.
    """

    images: Sequence[Delivered] = ()
    tokens: TokenCounts | None = None
    quality: str | None = None
    reported: Micros | None = None
    lost: int = 0
    units: Decimal | None = None


NOTHING_CAME = UpstreamResult()


@dataclass(frozen=True, slots=True)
class CostRow:
    """One row of a cost table.

    `micros` is the cost of one image (`fixed`), of the first megapixel or step of `terms`
    (`pixels`), of the vendor's own unit (`units`), or of a million tokens: by the published formula
    at the size and quality (`formula`), or as the upstream counts them (`tokens`).
    """

    model: str
    size: str
    quality: str
    micros: Micros
    kind: CostKind = "fixed"
    terms: PixelTerms | None = None

    @property
    def key(self) -> CostKey:
        """The model, size and quality that it is the cost of."""
        return (self.model, self.size, self.quality)

    @property
    def amounts(self) -> Sequence[Micros]:
        """Each amount that it has and, by megapixel, that of the largest image."""
        if self.terms is None:
            return (self.micros,)
        largest = self.terms.micros(MAX_PIXELS) or NOTHING
        return (self.micros, self.terms.further, *(step[1] for step in self.terms.steps), largest)

    def of_image(self, size: str, words: Sequence[str]) -> Micros | None:
        """The cost of one image, of the first known of these qualities; None if it is unknown."""
        if self.kind == "fixed":
            return self.micros
        sides = sides_of(size)
        if sides is None:
            return None
        if self.terms is not None:
            return self.terms.micros(sides[0] * sides[1])
        quality = next((word for word in words if word in TOKEN_AXES), None)
        if quality is None:
            return None
        tokens = formula_tokens(*sides, quality=quality)
        return scale_half_up(tokens * self.micros, PER_MILLION)


@dataclass(frozen=True, slots=True)
class CostTable:
    """The costs at a vendor's account from a time on. Never changes."""

    effective_from: datetime
    rows: Mapping[CostKey, CostRow]

    @property
    def has_tokens(self) -> bool:
        """True if tokens of any model have a price."""
        return any(row.kind == "tokens" for row in self.rows.values())

    def of_tokens(self, model: str, tokens: TokenCounts) -> Micros | None:
        """Return the cost of these tokens; None if a needed price is missing."""
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

    def of_images(self, request: SentRequest, came: UpstreamResult) -> Micros | None:
        """Return the cost of the units charged, or of the images' cells; None if one has none."""
        unit = self.rows.get((request.model, UNITS, ANY))
        if unit is not None and came.units is not None:
            return scale_half_up(unit.micros, came.units)
        words = list(_qualities(request, came))
        costs = [self._image_cost(request, size, words) for size in _sizes(request, came)]
        known = [cost for cost in costs if cost is not None]
        return Micros(sum(known)) if len(known) == len(costs) else None

    def _image_cost(self, request: SentRequest, size: str, words: Sequence[str]) -> Micros | None:
        row = self.nearest(request.model, (request.size, size), words)
        return None if row is None else row.of_image(size, words)

    def nearest(self, model: str, sizes: Sequence[str], words: Sequence[str]) -> CostRow | None:
        """Return the row for the first of these sizes and qualities that has one, or for ANY."""
        keys = ((model, *cell) for cell in product((*sizes, ANY), (*words, ANY)))
        return next((self.rows[key] for key in keys if key in self.rows), None)


@dataclass(frozen=True, slots=True)
class Costs:
    """All known costs of a route.

    Attributes:
        flat: the cost of any one image.
        tables: its channel's tables, in the order in which they take over.
        is_free: nothing is paid, because it serves tests.
    """

    flat: int | None = None
    tables: tuple[CostTable, ...] = ()
    is_free: bool = False

    def table_at(self, moment: datetime) -> CostTable | None:
        """Return the table in force at `moment`, or None."""
        begun = [table for table in self.tables if table.effective_from <= moment]
        return begun[-1] if begun else None


def upstream_cost(
    costs: Costs,
    *,
    sent: SentRequest,
    came: UpstreamResult = NOTHING_CAME,
    may_have_billed: bool = True,
) -> Cost:
    """Return the cost of a call, assumed to be billed unless that is impossible.

    Counts the images that came or, if none did, the requested number.
    """
    if costs.is_free or not may_have_billed:
        return NO_COST
    known = _of_what_came(costs, sent, came)
    if not came.lost:
        return known
    images = len(came.images) or sent.n
    return replace(known, micros=scale_half_up(known.micros, images + came.lost, images))


def _of_what_came(costs: Costs, sent: SentRequest, came: UpstreamResult) -> Cost:
    if came.reported is not None:
        return Cost(came.reported, CostSource.REPORTED)
    table = costs.table_at(sent.at)
    if table is not None and came.tokens is not None and came.tokens.output:
        amount = table.of_tokens(sent.model, came.tokens)
        if amount is not None:
            return Cost(amount, CostSource.TOKENS)
    if table is not None:
        amount = table.of_images(sent, came)
        if amount is not None:
            return Cost(amount, CostSource.TABLE)
    if costs.flat is not None:
        return Cost(Micros(costs.flat * (len(came.images) or sent.n)), CostSource.FLAT)
    return UNKNOWN_COST


def _sizes(request: SentRequest, came: UpstreamResult) -> list[str]:
    """Return each image's size: as requested, or as delivered if the upstream chose."""
    if request.size == AUTO and came.images:
        return [image.size for image in came.images]
    return [request.size] * (len(came.images) or request.n)


def _qualities(request: SentRequest, came: UpstreamResult) -> Iterator[str]:
    """Yield names for a cell's quality, best first: as requested, then as delivered for `auto`."""
    yield request.quality or AUTO
    if request.quality in {"", AUTO}:
        if came.quality:
            yield came.quality
        inferred = infer_quality(came.images, came.tokens.output if came.tokens else None)
        if inferred:
            yield inferred
