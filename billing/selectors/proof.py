"""A tenant's ledger added up anew, from its transfers alone. Amounts are micros."""

from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from pictor.kit.words.money import Micros

# One statement, so one snapshot: money moves meanwhile.
_SUMS = """
    SELECT COUNT(t.id),
           COALESCE(SUM(CASE WHEN t.credit_id = b.available_account_id THEN t.amount
                             WHEN t.debit_id = b.available_account_id THEN -t.amount END), 0),
           COALESCE(SUM(CASE WHEN t.credit_id = b.held_account_id THEN t.amount
                             WHEN t.debit_id = b.held_account_id THEN -t.amount END), 0),
           COALESCE(SUM(t.amount) FILTER (WHERE t.kind = 'capture'), 0),
           b.available, b.held, b.seq,
           (SELECT encode(last.seal, 'hex') FROM billing_transfer last
             WHERE last.tenant_id = b.tenant_id AND last.seq = b.seq)
      FROM billing_tenantbalance b LEFT JOIN billing_transfer t ON t.tenant_id = b.tenant_id
     WHERE b.tenant_id = %s
     GROUP BY b.tenant_id
"""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a tenant's transfers come to, and whether its balance says the same.

    `came_in` is all that was given, refunds too, less what reversals and adjustments took;
    `captured` is what was charged; what is left is `available` or `held`. `seq` and `seal`
    (hexadecimal) are those of the last transfer, 0 and empty without one; the seal covers all
    before it.
    """

    transfers: int
    came_in: Micros
    captured: Micros
    available: Micros
    held: Micros
    adds_up: bool
    seq: int = 0
    seal: str = ""


def proof_of(tenant_id: UUID) -> Proof:
    """Add up every transfer of a tenant and hold the sums against its balance. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, [tenant_id])
        row = cursor.fetchone()
    if row is None:
        return Proof(0, Micros(0), Micros(0), Micros(0), Micros(0), adds_up=True)
    *sums, seal = row
    transfers, available, held, captured, said_available, said_held, seq = map(int, sums)
    return Proof(
        transfers=transfers,
        came_in=Micros(available + held + captured),
        captured=Micros(captured),
        available=Micros(available),
        held=Micros(held),
        adds_up=(available, held, transfers) == (said_available, said_held, seq),
        seq=seq,
        seal=seal or "",
    )
