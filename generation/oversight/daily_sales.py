"""Sales by day: transfers with the models, sizes and channels of their generations.

A minute's transfers are added a minute later. The images say which row a capture or a cost belongs
to: if they have several sizes, the amount is divided by their prices.
"""

import json
import logging
import time
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from billing.models import FIGURES, SoldRow
from billing.price_rows import ANY
from billing.pricing import PricedRequest
from billing.selectors import table_of
from billing.selectors.office.relations import corrected_before
from billing.selectors.office.sold import settled_position, sold_among
from billing.services.office.sold import Sold, add_next, rebuild_sold
from billing.sharing import PricedPart, parts_of, shares
from billing.token_formula import Delivered
from generation.selectors import COST_UNKNOWN
from pictor.kit.database.spans import Ids
from storage.selectors import STORED_IMAGES

logger = logging.getLogger(__name__)

LONGEST_SECONDS = 50.0
"""The rest is left to the next minute's run."""
_OF_LOSSES = frozenset({"losses_micros", "loss_corrections_micros"})
_FETCHED_AT_ONCE = 1000


def add_sold() -> None:
    """Add the transfers up to a minute ago. Call it outside any transaction; safe beside another.

    After a standstill it takes several runs to catch up, in transactions of 5,000 transfers.
    """
    to = settled_position()
    if to is None:
        logger.warning("sales are not counted: a transaction that moves money is still open")
        return
    end = time.monotonic() + LONGEST_SECONDS
    while add_next(sold_by, to=to) and time.monotonic() < end:
        pass


def rebuild() -> int:
    """Count everything again and return the number of rows that were wrong."""
    return rebuild_sold(sold_by)


class _Moved(NamedTuple):
    """A counted transfer with columns of its generation and attempt; '' and 0 if it has none."""

    day: date
    figure: str
    amount: int
    tenant_id: UUID | None
    is_demo: bool
    model: str
    channel: str
    asked: str
    quality_asked: str
    quality_billed: str
    sizes: Sequence[Sequence[int]]
    priced: str | None
    held: int
    captured: int
    is_unknown: bool
    is_by_rule: bool
    """True for a size that its contract does not list."""
    found: int
    """1 if this correction is the first to give an unknown cost, -1 if it takes that back."""

    @property
    def counts_images(self) -> bool:
        """True if images count with this transfer: with their charge, or else with their cost."""
        return self.figure == ("captured_micros" if self.captured else "cost_micros")

    def row(self, part: PricedPart) -> SoldRow:
        part = part.by_megapixel if self.is_by_rule else part
        return SoldRow(
            self.day,
            self.tenant_id,
            self.is_demo,
            self.model,
            part.asked,
            part.delivered,
            part.quality,
            self.channel,
        )


def _statement(transfers: Ids) -> str:
    """SQL for `_Moved`; OFFSET 0 forces look-ups by id, where a join would read whole tables."""
    return f"""
SELECT t.day, t.figure, t.amount, COALESCE(t.tenant_id, g.tenant_id),
       COALESCE(g.source = 'demo', false), COALESCE(g.model, ''), COALESCE(c.name, ''),
       COALESCE(g.priced ->> 'size', ''), COALESCE(g.priced ->> 'quality', ''),
       COALESCE(g.quality_billed, ''), COALESCE(i.sizes, '{{}}'),
       CASE WHEN i.differ OR g.priced ? 'references' THEN g.priced::text END,
       COALESCE(g.held_micros, 0), COALESCE(g.captured_micros, 0), COALESCE(u.is_unknown, false),
       COALESCE(g.tier = '{ANY}', false), COALESCE(k.found, 0)
  FROM {sold_among(transfers)} AS t
  LEFT JOIN LATERAL (
      SELECT * FROM generation_generation WHERE id = t.generation_id OFFSET 0
  ) AS g ON true
  LEFT JOIN LATERAL (
      SELECT * FROM generation_attempt WHERE id = t.attempt_id OFFSET 0
  ) AS a ON true
  LEFT JOIN generation_channel AS c ON c.id = COALESCE(a.channel_id, g.channel_id)
  LEFT JOIN LATERAL (
      SELECT array_agg(ARRAY[width, height] ORDER BY index) AS sizes,
             COUNT(DISTINCT (width, height)) > 1 AS differ
        FROM {STORED_IMAGES} AS stored WHERE stored.generation_id = g.id
  ) AS i ON true
  LEFT JOIN LATERAL (
      SELECT bool_or({COST_UNKNOWN.format("d")}) AS is_unknown FROM generation_attempt AS d
       WHERE (d.generation_id, d.dispatch) = (g.id, g.dispatch) AND d.attempt_class = 'delivered'
  ) AS u ON t.figure = 'captured_micros'
  LEFT JOIN LATERAL (
      SELECT (before = 0)::int - (before + t.amount = 0)::int AS found
        FROM {corrected_before("t.attempt_id", "t.id")} AS corrected (before)
  ) AS k ON t.figure = 'corrections_micros' AND g.captured_micros > 0
            AND {COST_UNKNOWN.format("a")}
"""  # noqa: S608 - built from constants, and ids in our own words


def sold_by(transfers: Ids) -> Sold:
    """Sum these transfers by row."""
    sold: dict[SoldRow, list[int]] = {}
    with connection.chunked_cursor() as cursor:
        cursor.execute(_statement(transfers))
        while rows := cursor.fetchmany(_FETCHED_AT_ONCE):
            for row in rows:
                _add(_Moved._make(row), sold)
    return sold


def _add(moved: _Moved, sold: dict[SoldRow, list[int]]) -> None:
    parts = _parts(moved)
    amounts = shares(moved.amount, [part.micros for part in parts])
    for part, amount in zip(parts, amounts, strict=True):
        images = part.images if moved.counts_images else 0
        unknown = images if moved.is_unknown else -moved.found * part.images
        if amount or images or unknown:
            figures = sold.setdefault(moved.row(part), [0] * len(FIGURES))
            figures[FIGURES.index(moved.figure)] += amount
            figures[FIGURES.index("images")] += images
            figures[FIGURES.index("unknown_images")] += unknown


def _parts(moved: _Moved) -> Sequence[PricedPart]:
    """The parts that an amount is divided by; a lost attempt delivered nothing."""
    if moved.figure in _OF_LOSSES or not moved.sizes:
        return [PricedPart(moved.asked, moved.quality_asked, "", 0, 0)]
    delivered = [Delivered(width, height) for width, height in moved.sizes]
    if moved.priced is None:
        size = delivered[0].size
        return [PricedPart(moved.asked, moved.quality_billed, size, len(delivered), 0)]
    priced = PricedRequest.from_json(json.loads(moved.priced))
    return parts_of(
        table_of(priced.books),
        priced=priced,
        quality=moved.quality_billed,
        delivered=delivered,
        hold=moved.held,
        captured=moved.captured,
    )
