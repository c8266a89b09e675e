"""A tenant's balance, its transfers and its use of budgets. Amounts are micros."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from billing.models import BalanceAlert, KeyBudget, TenantBalance, Transfer
from billing.periods import bucket_start
from pictor.kit.words import clock, typed
from pictor.kit.words.money import Micros


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """The micros that count against this UTC day's and month's budgets: captured and still held."""

    day: Micros
    month: Micros


@dataclass(frozen=True, slots=True)
class Balance:
    """A tenant's money: spendable, on hold, its open requests, and its use this day and month.

    `owed` was taken back of payments; it is repaid from the next money that comes in.
    """

    available: Micros
    held: Micros
    in_flight: int
    used: BudgetUse
    owed: Micros


NOTHING_USED = BudgetUse(Micros(0), Micros(0))


def balance_of(tenant_id: UUID) -> Balance:
    """Return the tenant's balance now; all zeros before its account is opened."""
    row = TenantBalance.objects.filter(tenant_id=tenant_id).first()
    if row is None:
        return Balance(Micros(0), Micros(0), 0, NOTHING_USED, Micros(0))
    used = used_of(row, clock.now())
    return Balance(Micros(row.available), Micros(row.held), row.in_flight, used, Micros(row.owed))


def available_to(tenant_id: UUID) -> Micros:
    """The micros the tenant can spend now."""
    return balance_of(tenant_id).available


def balance_alert_of(tenant_id: UUID) -> BalanceAlert | None:
    """The tenant's low-balance alert; None if none was ever set."""
    return BalanceAlert.objects.filter(tenant_id=tenant_id).first()


def in_flight_of(tenant_id: UUID) -> int:
    return balance_of(tenant_id).in_flight


def statement(tenant_id: UUID, *, after_seq: int = 0, limit: int | None = None) -> list[Transfer]:
    """Return the tenant's transfers after number `after_seq`, in order."""
    transfers = Transfer.objects.filter(tenant_id=tenant_id, seq__gt=after_seq).order_by("seq")
    return list(transfers if limit is None else transfers[:limit])


def has_transfers() -> bool:
    return Transfer.objects.exists()


def has_transfer(transfer_id: int) -> bool:
    return Transfer.objects.filter(id=transfer_id).exists()


def transfers_of(
    generation_id: UUID, *, tenant_id: UUID, attempt_ids: Collection[UUID]
) -> list[Transfer]:
    """Return all transfers for a generation, in order of id.

    Its hold, capture or release, its refunds and credits, reversals of those credits, and its
    attempts' costs with the corrections that vendors' bills made.
    """
    # Each kind is found by its own index: no index holds every transfer's generation.
    moved = Transfer.objects.filter(
        Q(kind__in=["hold", "capture", "release"], generation_id=generation_id)
        | Q(kind="refund", tenant_id=tenant_id, generation_id=generation_id)
        | Q(kind="credit", tenant_id=tenant_id, generation_id=generation_id)
        | Q(attempt_id__in=attempt_ids)
        | Q(corrects_id__in=attempt_ids)
    )
    transfers = list(moved)
    if credit_seqs := [
        transfer.seq for transfer in transfers if transfer.kind == Transfer.Kind.CREDIT
    ]:
        taken = Transfer.objects.filter(kind="reversal", tenant_id=tenant_id)
        transfers += taken.filter(reverses_seq__in=credit_seqs)
    return sorted(transfers, key=lambda transfer: transfer.id)


def request_transfers(
    tenant_id: UUID, moves: Collection[Transfer], *, up_to: int | None
) -> list[Transfer]:
    """Return holds, captures and releases, in order, of the generations of these transfers.

    With `up_to` those with at most this number in the tenant's ledger.
    """
    generation_ids = {move.generation_id for move in moves if move.generation_id}
    found = Transfer.objects.filter(
        kind__in=["hold", "capture", "release"],
        generation_id__in=generation_ids,
        tenant_id=tenant_id,
    )
    return list((found if up_to is None else found.filter(seq__lte=up_to)).order_by("seq"))


def cost_changes(attempt_ids: Collection[UUID]) -> Mapping[UUID, int]:
    """Sum by attempt the micros that vendors' bills added to its cost; negative means less."""
    changes = Counter[UUID]()
    for transfer in Transfer.objects.filter(corrects_id__in=list(attempt_ids)):
        if transfer.corrects_id is not None:
            changes[transfer.corrects_id] += transfer.cost_change
    return changes


def balances_of(tenant_ids: Collection[UUID]) -> Mapping[UUID, Micros]:
    """Return the micros available to each of these tenants; 0 before its account is opened."""
    known = TenantBalance.objects.filter(tenant_id__in=tenant_ids)
    available = dict(known.values_list("tenant_id", "available"))
    return {tenant_id: Micros(available.get(tenant_id, 0)) for tenant_id in tenant_ids}


def latest_transfers(
    tenant_id: UUID,
    *,
    before_seq: int | None = None,
    kinds: Collection[str] = (),
    limit: int,
) -> list[Transfer]:
    """Return a tenant's transfers, newest first; `kinds` empty means all kinds."""
    transfers = Transfer.objects.filter(tenant_id=tenant_id).exclude(seq=None)
    if kinds:
        transfers = transfers.filter(kind__in=kinds)
    if before_seq is not None:
        transfers = transfers.filter(seq__lt=before_seq)
    return list(transfers.order_by("-seq")[:limit])


def transfer_numbered(text: str) -> Transfer | None:
    """Return the transfer with this id, of any tenant, with its tenant; None if there is none."""
    try:
        number = typed.number(text, most=typed.LARGEST_ID)
    except ValueError:
        return None
    return Transfer.objects.select_related("tenant").filter(id=number).first()


def available_after(transfer_id: int) -> Micros:
    """Return the balance that the tenant had available right after this transfer."""
    return Micros(Transfer.objects.get(id=transfer_id).available_after or 0)


def key_uses(tenant_id: UUID, now: datetime) -> Mapping[UUID, BudgetUse]:
    """Return each key's use in the budget windows at `now`; keys never used are left out."""
    rows = KeyBudget.objects.filter(key__tenant_id=tenant_id)
    return {row.key_id: used_of(row, now) for row in rows}


def used_of(row: TenantBalance | KeyBudget, now: datetime) -> BudgetUse:
    """Return the row's counters for the UTC day and month of `now`; a stale counter counts as 0."""
    day, month = (bucket_start(now, bucket).date() for bucket in ("day", "month"))
    return BudgetUse(
        Micros(row.day_used_micros if row.day == day else 0),
        Micros(row.month_used_micros if row.month == month else 0),
    )
