"""A tenant's ledger by month: opening balance, movements, closing balance.

Amounts are micros; months are those of a time zone, begun as usage counts them
(billing/periods.py).

A month's entries are a run of the tenant's numbers that ends before the first entry dated after the
month, so each closing balance is the next month's opening balance. An entry is dated before it
waits for the tenant's lock, so its date may lie a moment before that of the entry numbered before
it. Because the first later entry decides, a month gets no more entries once a later month has one.

No query reads all entries of a month. The edges are searched by number, as dates hardly fall while
numbers rise; the balances are stored on the entries at the edges; money that came in is read from
the index of the moves by staff; the rest of the difference was charged.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

from billing.models import Transfer
from billing.periods import bucket_end, buckets_between, day_of, day_start
from pictor.kit.database.cursors import all_rows
from pictor.kit.words.money import Micros
from pictor.kit.words.untyped import Json, Row

LATENESS = timedelta(minutes=1)
"""The most that an entry's date can lie before that of the entry numbered before it.

Locks wait 2 s at most, statements 5 s, and clocks are kept in step.
"""
GIVEN = (
    Transfer.Kind.TOP_UP,
    Transfer.Kind.CREDIT,
    Transfer.Kind.REFUND,
    Transfer.Kind.ADJUSTMENT,
    Transfer.Kind.REVERSAL,
    Transfer.Kind.PAY_BACK,
    Transfer.Kind.PAY_BACK_FAILED,
    Transfer.Kind.CHARGEBACK,
    Transfer.Kind.REINSTATED,
    Transfer.Kind.REPAYMENT,
)
"""The kinds that bring money in, or take it out again; an adjustment does either.

They have their own index. Counted is what is available by them: none of it for what becomes owed.
"""

# `halved` narrows each edge down to two neighbours, the first dated `LATENESS` before the edge;
# from there on, `edges` finds the last number before the edge.
_MONTHS = """
WITH RECURSIVE balance AS (
    SELECT available_account_id, seq FROM billing_tenantbalance WHERE tenant_id = %(tenant)s
), halved (at, low, high) AS (
    SELECT at, 0::bigint, seq + 1 FROM balance, unnest(%(edges)s::timestamptz[]) AS edge (at)
    UNION ALL
    SELECT at, CASE WHEN is_before THEN middle ELSE low END,
           CASE WHEN is_before THEN high ELSE middle END
      FROM (SELECT at, low, high, (low + high) / 2 AS middle FROM halved
             WHERE high - low > 1) AS open
           LEFT JOIN LATERAL (
               SELECT created_at < at - %(lateness)s AS is_before FROM billing_transfer
                WHERE tenant_id = %(tenant)s AND seq = middle) AS probe ON TRUE
), edges AS (
    SELECT at, COALESCE((SELECT t.seq - 1 FROM billing_transfer AS t
                          WHERE t.tenant_id = %(tenant)s AND t.seq > low AND t.created_at >= at
                          ORDER BY t.seq LIMIT 1), balance.seq) AS seq
      FROM halved, balance WHERE high - low = 1
), months AS (
    SELECT at, seq, LAG(at) OVER by_time AS since, LAG(seq) OVER by_time AS after
      FROM edges WINDOW by_time AS (ORDER BY at)
)
SELECT at, months.seq, available_after, held_after, encode(seal, 'hex'),
       (SELECT jsonb_object_agg(kind, moved) FROM (
           SELECT kind, SUM(CASE available_account_id WHEN credit_id THEN amount
                                 WHEN debit_id THEN -amount ELSE 0 END)::bigint AS moved
             FROM billing_transfer AS t, balance
            WHERE t.tenant_id = %(tenant)s AND t.seq > after AND t.seq <= months.seq
              AND kind IN ({given})
            GROUP BY kind) AS given),
       {charges}
  FROM months LEFT JOIN billing_transfer AS last
    ON last.tenant_id = %(tenant)s AND last.seq = months.seq
 ORDER BY at
""".replace("{given}", ", ".join(f"'{kind.value}'" for kind in GIVEN))
_LIST = _MONTHS.replace("{charges}", "NULL")
_ONE = _MONTHS.replace(
    "{charges}",
    """(SELECT jsonb_agg(jsonb_build_array(model, tier, images, captured)
                         ORDER BY captured DESC, model, tier)
          FROM (SELECT model, tier, SUM(images)::bigint AS images,
                       SUM(captured_micros)::bigint AS captured
                  FROM billing_usagerollup
                 WHERE tenant_id = %(tenant)s AND hour >= since AND hour < at
                 GROUP BY model, tier HAVING SUM(captured_micros) > 0) AS used)""",
)
"""Adds the charges that usage records, in the same snapshot."""


@dataclass(frozen=True, slots=True)
class BalanceAfter:
    """A tenant's balances after an entry, with that entry's number and seal (hexadecimal).

    Before the first entry the numbers are 0 and the seal is empty.
    """

    seq: int
    available: Micros
    held: Micros
    seal: str

    @property
    def total(self) -> Micros:
        """Available and held together: the money not yet charged."""
        return Micros(self.available + self.held)


@dataclass(frozen=True, slots=True)
class Charge:
    """The charges for a model's images of one size tier, by the usage of the month's hours."""

    model: str
    tier: str
    images: int
    captured: Micros


@dataclass(frozen=True, slots=True)
class MonthStatement:
    """A month of a tenant's ledger, from `start` to before `end`.

    `given` maps the kinds in `GIVEN` to what came in; those that take are negative. `charges` are
    filled only by `monthly_statement`.
    """

    number: str
    start: datetime
    end: datetime
    is_final: bool
    opening: BalanceAfter
    closing: BalanceAfter
    given: Mapping[str, Micros]
    charges: tuple[Charge, ...]

    @property
    def came_in(self) -> Micros:
        """Top-ups, credits and refunds, less what was taken or repaid."""
        return Micros(sum(self.given.values()))

    @property
    def charged(self) -> Micros:
        """The captures: nothing else leaves the two balances."""
        return Micros(self.opening.total + self.came_in - self.closing.total)

    @property
    def entries(self) -> int:
        return self.closing.seq - self.opening.seq

    @property
    def elsewhere(self) -> Micros:
        """Charges of this month that usage counts in another month; negative for the reverse.

        A request that ends in a month's last moment may be entered in the next one.
        """
        return Micros(self.charged - sum(charge.captured for charge in self.charges))


def monthly_statements(tenant_id: UUID, *, zone: ZoneInfo, now: datetime) -> list[MonthStatement]:
    """Return every month from the tenant's first entry to this one, newest first. Two queries."""
    first = Transfer.objects.filter(tenant_id=tenant_id, seq=1).first()
    if first is None:
        return []
    months = list(buckets_between(first.created_at, now, bucket="month", zone=zone))
    edges = [start for start, _ in months] + [end for _, end in months[-1:]]
    return _statements(_LIST, tenant_id, edges, zone=zone, now=now)[::-1]


def monthly_statement(
    tenant_id: UUID, month: date, *, zone: ZoneInfo, now: datetime
) -> MonthStatement | None:
    """Return that month with its charges; None before the first entry or in the future."""
    start = day_start(month.replace(day=1), zone)
    if start > now:
        return None
    edges = [start, bucket_end(start, "month", zone=zone)]
    statements = _statements(_ONE, tenant_id, edges, zone=zone, now=now)
    return statements[0] if statements and statements[0].closing.seq else None


def _statements(
    sql: str, tenant_id: UUID, edges: list[datetime], *, zone: ZoneInfo, now: datetime
) -> list[MonthStatement]:
    values: Json = {"tenant": tenant_id, "edges": edges, "lateness": LATENESS}
    rows = all_rows(sql, values)
    return [
        MonthStatement(
            number=day_of(before[0], zone).isoformat()[:7],
            start=before[0],
            end=row[0],
            is_final=row[0] + LATENESS <= now,
            opening=_standing(before),
            closing=_standing(row),
            given={kind: Micros(micros) for kind, micros in json.loads(row[5] or "{}").items()},
            charges=tuple(Charge(*charge) for charge in json.loads(row[6] or "[]")),
        )
        for before, row in pairwise(rows)
    ]


def _standing(row: Row) -> BalanceAfter:
    _, seq, available, held, seal, *_ = row
    return BalanceAfter(seq, Micros(available or 0), Micros(held or 0), seal or "")
