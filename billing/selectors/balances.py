"""A tenant's balance, its transfers and its keys' budgets. Amounts are micros."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import F, Q

from accounts.models import ApiKey, Tenant
from accounts.quotas import Period, window_start
from billing.models import BalanceAlert, KeyBudget, TenantBalance, Transfer
from billing.periods import bucket_start
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """What counts against the budgets of this UTC day and month: captured and still held."""

    day: Micros
    month: Micros


@dataclass(frozen=True, slots=True)
class Balance:
    """What a tenant can spend, what is on hold, how many requests hold it, and what was used."""

    available: Micros
    held: Micros
    in_flight: int
    used: BudgetUse


@dataclass(frozen=True, slots=True)
class PassedBudget:
    """A key's budget that only warns, in the window that begins so, and the more that was used."""

    key: ApiKey
    period: Period
    window: date
    used: Micros
    most: Micros


NOTHING_USED = BudgetUse(Micros(0), Micros(0))


def balance_of(tenant_id: UUID) -> Balance:
    """A tenant's balance now; all 0 before its account is opened."""
    row = TenantBalance.objects.filter(tenant_id=tenant_id).first()
    if row is None:
        return Balance(Micros(0), Micros(0), 0, NOTHING_USED)
    used = used_of(row, clock.now())
    return Balance(Micros(row.available), Micros(row.held), row.in_flight, used)


def available_to(tenant_id: UUID) -> Micros:
    """What a tenant can spend now."""
    return balance_of(tenant_id).available


def available_among(tenant_ids: Collection[UUID]) -> dict[UUID, int]:
    """By tenant, what each of these can spend now; one without an account is not in it."""
    rows = TenantBalance.objects.filter(tenant_id__in=list(tenant_ids))
    return dict(rows.values_list("tenant_id", "available"))


def balance_alert_of(tenant_id: UUID) -> BalanceAlert | None:
    """When a tenant wants to be told that its balance runs out; None where nobody ever said."""
    return BalanceAlert.objects.filter(tenant_id=tenant_id).first()


def in_flight_of(tenant_id: UUID) -> int:
    """How many of a tenant's generations are under way."""
    return balance_of(tenant_id).in_flight


def statement(tenant_id: UUID, *, after_seq: int = 0, limit: int | None = None) -> list[Transfer]:
    """A tenant's transfers in order, from the one after `after_seq` on."""
    transfers = Transfer.objects.filter(tenant_id=tenant_id, seq__gt=after_seq).order_by("seq")
    return list(transfers if limit is None else transfers[:limit])


def has_transfers() -> bool:
    """Whether any money was ever moved here."""
    return Transfer.objects.exists()


def transfers_of(
    generation_id: UUID, *, tenant_id: UUID, attempt_ids: Collection[UUID]
) -> list[Transfer]:
    """What a generation moved, in order: its hold and its end, and what its attempts cost us.

    And what was refunded of it or credited for it, with what was taken back of such a credit, and
    what a vendor's bill corrected.

    Each kind is found by an index of its own: none of them holds every transfer's generation.
    """
    moved = Transfer.objects.filter(
        Q(kind__in=["hold", "capture", "release"], generation_id=generation_id)
        | Q(kind="refund", tenant_id=tenant_id, generation_id=generation_id)
        | Q(kind="credit", tenant_id=tenant_id, generation_id=generation_id)
        | Q(attempt_id__in=attempt_ids)
        | Q(corrects_id__in=attempt_ids)
    )
    found = list(moved)
    if given := [one.seq for one in found if one.kind == Transfer.Kind.CREDIT]:
        taken = Transfer.objects.filter(kind="reversal", tenant_id=tenant_id)
        found += taken.filter(reverses_seq__in=given)
    return sorted(found, key=lambda one: one.id)


def cost_changes(attempt_ids: Collection[UUID]) -> Mapping[UUID, int]:
    """By attempt, what vendors' bills made it cost more, or below 0 less; only those they did."""
    changes = Counter[UUID]()
    for one in Transfer.objects.filter(corrects_id__in=list(attempt_ids)):
        if one.corrects_id is not None:
            changes[one.corrects_id] += one.cost_change
    return changes


def of_generation(generation_id: UUID) -> Q:
    """The same transfers of a generation of which nothing else is known.

    Its attempts are those whose ids are of the day after its own was made.
    """
    its = Q(generation_id=generation_id)
    hold = Transfer.objects.filter(its, kind=Transfer.Kind.HOLD).first()
    first, end = ids.about(generation_id, before=timedelta(), after=timedelta(days=1))
    found = Q(kind__in=["hold", "capture", "release"]) | Q(
        attempt_id__gte=first, attempt_id__lt=end
    )
    found |= Q(corrects_id__gte=first, corrects_id__lt=end)
    if hold is not None:
        found |= Q(kind="refund", tenant_id=hold.tenant_id)
        found |= Q(kind="credit", tenant_id=hold.tenant_id)
    return its & found


def newest_of_tenant(tenant_id: UUID, most: int) -> Q:
    """Its last so many transfers: an index has them by the tenant's own numbers. One query.

    Between two numbers, the planner can tell how few they are.
    """
    found = TenantBalance.objects.filter(tenant_id=tenant_id).values_list("seq", flat=True).first()
    last = found or 0
    return Q(tenant_id=tenant_id, seq__gt=last - most, seq__lte=last)


def balances_of(tenant_ids: Collection[UUID]) -> Mapping[UUID, Micros]:
    """What each of these tenants has available; 0 before its account is opened."""
    known = TenantBalance.objects.filter(tenant_id__in=tenant_ids)
    available = dict(known.values_list("tenant_id", "available"))
    return {one: Micros(available.get(one, 0)) for one in tenant_ids}


def latest_transfers(
    tenant_id: UUID,
    *,
    before_seq: int | None = None,
    kinds: Collection[str] = (),
    limit: int,
) -> list[Transfer]:
    """A tenant's transfers, newest first: those before `before_seq`, and of these kinds if any."""
    transfers = Transfer.objects.filter(tenant_id=tenant_id).exclude(seq=None)
    if kinds:
        transfers = transfers.filter(kind__in=kinds)
    if before_seq is not None:
        transfers = transfers.filter(seq__lt=before_seq)
    return list(transfers.order_by("-seq")[:limit])


def transfer_numbered(text: str) -> Transfer | None:
    """The transfer of that id, of whichever tenant, with it; None for what is no id."""
    if not (text.isascii() and text.isdigit() and int(text) < 1 << 63):
        return None
    return Transfer.objects.select_related("tenant").filter(id=int(text)).first()


def key_uses(tenant_id: UUID, now: datetime) -> Mapping[UUID, BudgetUse]:
    """By key, what its budgets count at this moment; a key that was never used is not in it."""
    rows = KeyBudget.objects.filter(key__tenant_id=tenant_id)
    return {row.key_id: used_of(row, now) for row in rows}


def passed_budgets(now: datetime) -> list[PassedBudget]:
    """Of keys that work: the budgets that only warn and have more used than they are of.

    In the window that a key was last used in, be it one that has just ended. The keys come with
    their tenants.
    """
    yesterday = now - timedelta(days=1)
    since: dict[Period, date] = {
        "day": window_start("day", yesterday),
        "month": window_start("month", yesterday),
    }
    is_over_day = Q(day__gte=since["day"], day_used_micros__gt=F("key__budget_day_micros"))
    is_over_month = Q(
        month__gte=since["month"], month_used_micros__gt=F("key__budget_month_micros")
    )
    works = Q(key__expires_at=None) | Q(key__expires_at__gt=now)
    warned = KeyBudget.objects.filter(
        works,
        key__budget_warns_only=True,
        key__revoked_at=None,
        key__tenant__status=Tenant.Status.ACTIVE,
    )
    rows = warned.filter(is_over_day | is_over_month).select_related("key__tenant")
    return [
        PassedBudget(row.key, period, window, Micros(used), Micros(most))
        for row in rows.order_by("key_id")
        for period, window, used in _windows(row)
        if (most := getattr(row.key, f"budget_{period}_micros")) is not None
        and used > most
        and window >= since[period]
    ]


def _windows(row: KeyBudget) -> list[tuple[Period, date, int]]:
    """Those that it was last used in, as it has them."""
    return [("day", row.day, row.day_used_micros), ("month", row.month, row.month_used_micros)]


def used_of(row: TenantBalance | KeyBudget, now: datetime) -> BudgetUse:
    """What its counters say of the windows that this moment is in."""
    day, month = (bucket_start(now, bucket).date() for bucket in ("day", "month"))
    return BudgetUse(
        Micros(row.day_used_micros if row.day == day else 0),
        Micros(row.month_used_micros if row.month == month else 0),
    )
