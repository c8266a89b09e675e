"""A cost table made from a bill: the vendor's charge for an image of each cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from billing import cost_csv
from billing.upstream_cost import ANY, CostKey, CostRow
from generation.models import Channel, VendorBill
from generation.selectors import cost_table_of, stored_cost_tables
from pictor.kit.database.cursors import all_rows
from pictor.kit.words import clock
from pictor.kit.words.money import Micros

_UNITS = """
SELECT a.upstream_model, COALESCE(NULLIF(a.upstream_size, ''), %(any)s),
       COALESCE(NULLIF(a.upstream_quality, ''), %(any)s),
       round(l.theirs_micros::numeric / COALESCE(NULLIF(a.images_received, 0), a.n, 1))::bigint,
       COUNT(*)
  FROM (
    (SELECT * FROM generation_billline WHERE bill_id = %(bill)s AND outcome = 'equal'
      ORDER BY id LIMIT %(most)s)
    UNION ALL
    (SELECT * FROM generation_billline WHERE bill_id = %(bill)s AND outcome = 'different'
      ORDER BY id LIMIT %(most)s)
  ) AS l JOIN generation_attempt AS a ON a.id = l.attempt_id
 WHERE l.theirs_micros > 0 AND a.attempt_class = 'delivered'
 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 5 DESC, 4 DESC
"""


@dataclass(frozen=True, slots=True)
class UnitCost:
    """The cost of one image of a cell by a bill: the amount charged most often.

    Attributes:
        key: the vendor's model, size and quality.
        micros: of one image.
        calls: the number of calls charged that.
        others: the number of calls charged something else.
    """

    key: CostKey
    micros: Micros
    calls: int
    others: int


def unit_costs(bill: VendorBill, *, most: int | None = None) -> list[UnitCost]:
    """The costs of the cells with matched calls; none for a bill of days, which has no calls.

    At most the first `most` equal and `most` different lines are looked at; None is all of them.
    """
    rows = all_rows(_UNITS, {"bill": bill.pk, "any": ANY, "most": most})
    by_cell: dict[CostKey, UnitCost] = {}
    for model, size, quality, micros, calls in rows:
        key = (model, size, quality)
        first = by_cell.get(key)
        by_cell[key] = (
            UnitCost(key, Micros(micros), calls, 0)
            if first is None
            else UnitCost(key, first.micros, first.calls, first.others + calls)
        )
    return list(by_cell.values())


def in_force(channel: Channel) -> Mapping[CostKey, CostRow]:
    """The costs in the channel's present table; none without one."""
    now = clock.now()
    stored = [table for table in stored_cost_tables(channel) if table.effective_from <= now]
    return cost_table_of(stored[-1]).rows if stored else {}


def draft_of(bill: VendorBill, units: Sequence[UnitCost]) -> str:
    """A whole cost table as CSV: the one in force, with these costs in place of its own."""
    rows = {**in_force(bill.channel)}
    rows |= {unit.key: CostRow(*unit.key, unit.micros, "fixed") for unit in units}
    source = f"{bill.name}, a bill of {bill.period[0]:%-d %b %Y} to {bill.period[1]:%-d %b %Y}"
    return cost_csv.to_csv(rows.values(), source=source)
