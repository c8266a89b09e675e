"""A tenant's ledger added up again from its transfers. Amounts are micros."""

from dataclasses import dataclass
from uuid import UUID

from pictor.kit.database.cursors import first_row
from pictor.kit.words.money import Micros

# One statement reads one snapshot, although money moves meanwhile.
_SUMS = """
    SELECT COUNT(t.id),
           COALESCE(SUM(CASE WHEN t.credit_id = b.available_account_id THEN t.amount
                             WHEN t.debit_id = b.available_account_id THEN -t.amount END), 0),
           COALESCE(SUM(CASE WHEN t.credit_id = b.held_account_id THEN t.amount
                             WHEN t.debit_id = b.held_account_id THEN -t.amount END), 0),
           COALESCE(SUM(t.amount) FILTER (WHERE t.kind = 'capture'), 0),
           COALESCE(SUM(CASE WHEN t.debit_id = 8 THEN t.amount
                             WHEN t.credit_id = 8 THEN -t.amount END), 0),
           b.available, b.held, b.owed, b.seq,
           (SELECT encode(last.seal, 'hex') FROM billing_transfer last
             WHERE last.tenant_id = b.tenant_id AND last.seq = b.seq)
      FROM billing_tenantbalance b LEFT JOIN billing_transfer t ON t.tenant_id = b.tenant_id
     WHERE b.tenant_id = %s
     GROUP BY b.tenant_id
"""


@dataclass(frozen=True, slots=True)
class Proof:
    """The sums of a tenant's transfers, and whether its balance agrees with them.

    `came_in` is all top-ups, credits and refunds, less what was taken or repaid; `captured` is the
    charges; the rest is `available` or `held`. `owed` is what was taken back of payments and is not
    repaid. `seq` and `seal` (hexadecimal) are the last
    transfer's, 0 and empty without one; the seal covers every transfer before it.
    """

    transfers: int
    came_in: Micros
    captured: Micros
    available: Micros
    held: Micros
    owed: Micros
    adds_up: bool
    seq: int = 0
    seal: str = ""


def proof_of(tenant_id: UUID) -> Proof:
    """Add up a tenant's transfers and compare the sums with its balance. One query."""
    row = first_row(_SUMS, [tenant_id])
    if row is None:
        return Proof(0, Micros(0), Micros(0), Micros(0), Micros(0), Micros(0), adds_up=True)
    *sums, seal = row
    transfers, available, held, captured, owed, *said = map(int, sums)
    return Proof(
        transfers=transfers,
        came_in=Micros(available + held + captured),
        captured=Micros(captured),
        available=Micros(available),
        held=Micros(held),
        adds_up=[available, held, owed, transfers] == said,
        owed=Micros(owed),
        seq=said[-1],
        seal=seal or "",
    )
