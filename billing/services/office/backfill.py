"""Writes a ledger's past in bulk, to begin the embedded default's workspace of demo data.

The transfers, balances and counters are those of holds placed and ended one by one
(`services/holds.py`), chained by the same seals, in a few statements. Only an account without
transfers takes a past: nothing is put before or between existing transfers.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from uuid import UUID

from django.conf import settings
from django.db import connection

from accounts.quotas import window_start
from accounts.services import Actor, Subject, record
from billing.locks import account_for_update
from billing.models import Account, KeyBudget, TenantBalance, Transfer
from billing.services.costs import past_cost
from billing.services.holds import Hold, LedgerError
from billing.transfer_seals import seal_of
from pictor.kit.database.bulk import copy_rows
from pictor.kit.words.money import Micros

_CHAIN = ("available", "held", "seq", "previous_seal", "seal")
_COUNTERS = ("day", "day_used_micros", "month", "month_used_micros")


@dataclass(frozen=True, slots=True)
class PastHold:
    """A hold that was placed and has ended: its captured part, its end, and both evidences."""

    hold: Hold
    captured: Micros
    ended_at: datetime
    placed_for: bytes
    ended_with: bytes


@dataclass(frozen=True, slots=True)
class PastCost:
    """The cost of a call that a tenant paid for, and the time it was booked."""

    generation_id: UUID
    attempt_id: UUID
    amount: Micros
    at: datetime


@dataclass(frozen=True, slots=True)
class Refills:
    """The tenant's top-ups: before a hold that would leave less than `least`, up to `full`."""

    least: Micros
    full: Micros
    reason: str


def write_past(
    *,
    tenant_id: UUID,
    holds: Sequence[PastHold],
    costs: Sequence[PastCost],
    refills: Refills,
    actor: Actor,
) -> None:
    """Write the transfers of those holds, in the order of time, as the start of a tenant's ledger.

    The costs of their calls stand between them, and move nothing of the tenant's.

    Call it in the transaction that writes their generations. Each refill has its audit event, with
    the real author and time. Raises LedgerError outside the embedded default, outside a
    transaction, for an account with transfers, for a capture above its hold, and for a hold above
    `refills.full`.
    """
    if not settings.EMBEDDED:
        raise LedgerError("only the embedded default's demo workspace may be given a past")
    if not connection.in_atomic_block:
        raise LedgerError("a past is written inside the transaction of its generations")
    balance = account_for_update(tenant_id)
    if balance.seq or balance.in_flight:
        raise LedgerError("a past can only begin a ledger, and this one has begun")
    transfers = list(_Past(balance, refills).transfers(holds, costs))
    copy_rows(transfers)
    KeyBudget.objects.bulk_create(_count(balance, holds))
    balance.save(update_fields=(*_CHAIN, *_COUNTERS))
    # COPY returns no ids, and the audit events name them.
    for transfer in Transfer.objects.filter(tenant_id=tenant_id, kind=Transfer.Kind.TOP_UP):
        _explain(transfer, actor)


class _Past:
    """The balance during the past: each movement changes it and continues its chain of seals."""

    def __init__(self, balance: TenantBalance, refills: Refills) -> None:
        self._balance = balance
        self._refills = refills
        self._available = balance.available_account_id
        self._held = balance.held_account_id

    def transfers(self, holds: Sequence[PastHold], costs: Sequence[PastCost]) -> Iterator[Transfer]:
        """Yield holds and their ends in order of time, with the top-ups for them, and costs."""
        # Generators, as each move begins with the balance that the one before leaves.
        moments = [
            (past.hold.placed_at, 0, self._place_hold(past)) for past in holds if past.hold.amount
        ]
        moments += [(past.ended_at, 1, self._end_hold(past)) for past in holds if past.hold.amount]
        moments += [(cost.at, 2, _book_cost(cost)) for cost in costs]
        # At one moment a hold comes before its end; the generators themselves have no order.
        for _, _, moved in sorted(moments, key=itemgetter(0, 1)):
            yield from moved

    def _place_hold(self, past: PastHold) -> Iterator[Transfer]:
        hold, refills = past.hold, self._refills
        missing = refills.full - self._balance.available
        if self._balance.available - hold.amount < refills.least and missing > 0:
            yield self._move(
                Transfer.Kind.TOP_UP,
                (Account.Platform.TOP_UPS.value, self._available),
                missing,
                at=hold.placed_at,
                reason=refills.reason,
            )
        if self._balance.available < hold.amount:
            raise LedgerError(f"a hold of {hold.amount} is more than a refill pays")
        yield self._move(
            Transfer.Kind.HOLD,
            (self._available, self._held),
            hold.amount,
            at=hold.placed_at,
            of=hold.generation_id,
            evidence=past.placed_for,
        )

    def _end_hold(self, past: PastHold) -> Iterator[Transfer]:
        released = past.hold.amount - past.captured
        if not 0 <= past.captured <= past.hold.amount:
            raise LedgerError(f"cannot capture {past.captured} of a hold of {past.hold.amount}")
        revenue = Account.Platform.PLATFORM_REVENUE.value
        for kind, account, amount in (
            (Transfer.Kind.CAPTURE, revenue, past.captured),
            (Transfer.Kind.RELEASE, self._available, released),
        ):
            if amount:
                yield self._move(
                    kind,
                    (self._held, account),
                    amount,
                    at=past.ended_at,
                    of=past.hold.generation_id,
                    evidence=past.ended_with,
                )

    def _move(
        self,
        kind: Transfer.Kind,
        accounts: tuple[int, int],
        amount: int,
        *,
        at: datetime,
        of: UUID | None = None,
        evidence: bytes | None = None,
        reason: str = "",
    ) -> Transfer:
        """Change the balance by the chain's next transfer, and return that transfer."""
        balance, (debit, credit) = self._balance, accounts
        balance.available += amount * ((credit == self._available) - (debit == self._available))
        balance.held += amount * ((credit == self._held) - (debit == self._held))
        balance.seq += 1
        transfer = Transfer(
            kind=kind.value,
            debit_id=debit,
            credit_id=credit,
            amount=amount,
            tenant_id=balance.tenant_id,
            seq=balance.seq,
            available_after=balance.available,
            held_after=balance.held,
            generation_id=of,
            reason=reason,
            created_at=at,
            evidence=evidence,
        )
        transfer.seal = seal_of(transfer.sealed, bytes(balance.seal or b""))
        balance.previous_seal, balance.seal = balance.seal, transfer.seal
        return transfer


def _book_cost(cost: PastCost) -> Iterator[Transfer]:
    yield past_cost(
        generation_id=cost.generation_id,
        attempt_id=cost.attempt_id,
        amount=cost.amount,
        at=cost.at,
    )


def _count(balance: TenantBalance, holds: Iterable[PastHold]) -> list[KeyBudget]:
    """Return the use by the tenant and its keys in the last day and month with a hold of each."""
    budgets: dict[UUID, KeyBudget] = {}
    for past in sorted(holds, key=lambda past: past.hold.placed_at):
        key, placed_at = past.hold.key_id, past.hold.placed_at
        day, month = window_start("day", placed_at), window_start("month", placed_at)
        for row in (balance, budgets.setdefault(key, KeyBudget(key_id=key))):
            if row.day != day:
                row.day, row.day_used_micros = day, 0
            if row.month != month:
                row.month, row.month_used_micros = month, 0
            row.day_used_micros += past.captured
            row.month_used_micros += past.captured
    return list(budgets.values())


def _explain(transfer: Transfer, actor: Actor) -> None:
    """Record the audit event of a top-up, as `services/accounts.py` does."""
    after = transfer.available_after or 0
    record(
        Subject("transfer", str(transfer.pk), transfer.tenant_id),
        f"balance.{transfer.kind}",
        actor=actor,
        before={"available_micros": after - transfer.amount},
        after={"available_micros": after, "words": transfer.reason},
    )
