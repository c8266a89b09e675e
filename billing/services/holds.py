"""Holds: money set aside before the work, then captured, given back, or both.

Placing and ending are one SQL statement each, because every request pays for both: the conditions
stand on the locked rows alone, and the locks are taken in the order tenant account, key budget. A
hold's own columns live on its generation; here are its transfers and the counters it moves.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn, get_args
from uuid import UUID

from django.db import connection, transaction

from accounts.quotas import Period, resets_at, window_start
from billing.locks import account_for_update, key_budget_for_update
from billing.models import Account, KeyBudget, TenantBalance
from billing.seals import hold_key
from pictor.kit import clock, prepared
from pictor.kit.errors import InsufficientQuota, QuotaLimit, RateLimited
from pictor.kit.money import Micros, to_decimal
from pictor.kit.seals import microseconds, sql_seal

_RETRY_AFTER_SECONDS = 1
_PERIODS: tuple[Period, ...] = get_args(Period)
_ADJECTIVES: dict[Period, str] = {"day": "daily", "month": "monthly"}
_OWNERS: dict[QuotaLimit, str] = {"workspace": "workspace", "key": "API key"}

# The balance's own columns are here as they were before the movement.
_HELD_SEAL = sql_seal(
    key="%(hold_key)s",
    previous="seal",
    content="""'hold|', available_account_id, '|', held_account_id, '|', %(amount)s, '|',
        tenant_id, '|', seq + 1, '|', available - %(amount)s, '|', held + %(amount)s,
        %(sealed_tail)s::text""",
)


def _counted(row: str) -> str:
    """SQL: the counters of that row with the amount, in the hold's windows or later ones."""
    return ", ".join(
        f"""{window} = GREATEST({row}.{window}, %({window})s::date),
           {window}_used_micros =
               CASE WHEN {row}.{window} < %({window})s::date THEN 0
                    ELSE {row}.{window}_used_micros END
               + CASE WHEN {row}.{window} > %({window})s::date THEN 0 ELSE %(amount)s END"""
        for window in _PERIODS
    )


def _has_room(row: str, whose: str) -> str:
    """SQL: whether the amount fits into what is left of that row's budgets."""
    return " AND ".join(
        f"""(%({whose}_{window})s::bigint IS NULL OR %({whose}_{window})s::bigint >= %(amount)s
               + CASE WHEN {row}.{window} < %({window})s::date THEN 0
                      ELSE {row}.{window}_used_micros END)"""
        for window in _PERIODS
    )


def _less_released(row: str) -> str:
    """SQL: the counters of that row without what is given back, where its windows still count."""
    return ", ".join(
        f"""{window}_used_micros = {row}.{window}_used_micros
               - CASE WHEN {row}.{window} = %({window})s::date THEN %(released)s ELSE 0 END"""
        for window in _PERIODS
    )


_PLACE = f"""
WITH balance AS (
    UPDATE billing_tenantbalance AS t
       SET available = available - %(amount)s, held = held + %(amount)s,
           seq = seq + %(transfers)s, in_flight = in_flight + 1, {_counted("t")},
           previous_seal = CASE WHEN %(amount)s > 0 THEN seal ELSE previous_seal END,
           seal = CASE WHEN %(amount)s > 0 THEN {_HELD_SEAL} ELSE seal END
     WHERE tenant_id = %(tenant)s AND available >= %(amount)s
       AND (%(tenant_in_flight)s::int IS NULL OR in_flight < %(tenant_in_flight)s::int)
       AND {_has_room("t", "tenant_budget")}
    RETURNING *
), budget AS (
    INSERT INTO billing_keybudget AS b
           (key_id, in_flight, day, day_used_micros, month, month_used_micros)
    SELECT %(key)s, 1, %(day)s::date, %(amount)s, %(month)s::date, %(amount)s
      FROM balance
     WHERE COALESCE(%(key_in_flight)s::int, 1) >= 1
       AND COALESCE(%(key_budget_day)s::bigint, %(amount)s) >= %(amount)s
       AND COALESCE(%(key_budget_month)s::bigint, %(amount)s) >= %(amount)s
    ON CONFLICT (key_id) DO UPDATE SET in_flight = b.in_flight + 1, {_counted("b")}
     WHERE (%(key_in_flight)s::int IS NULL OR b.in_flight < %(key_in_flight)s::int)
       AND {_has_room("b", "key_budget")}
    RETURNING 1
), moved AS (
    INSERT INTO billing_transfer (kind, debit_id, credit_id, amount, tenant_id, seq,
                                  available_after, held_after, generation_id, reason,
                                  created_at, evidence, seal)
    SELECT 'hold', available_account_id, held_account_id, %(amount)s, tenant_id, seq,
           available, held, %(generation)s, '', %(at)s, %(evidence)s::bytea, seal
      FROM balance, budget
     WHERE %(amount)s > 0
)
SELECT EXISTS (SELECT FROM balance), EXISTS (SELECT FROM budget)
"""  # noqa: S608 - built from constants

_CAPTURED_SEAL = sql_seal(
    key="%(capture_key)s",
    previous="seal",
    content="""'capture|', held_account_id, '|', %(revenue)s, '|', %(captured)s, '|', tenant_id,
        '|', seq + 1, '|', available, '|', held - %(captured)s, %(sealed_tail)s::text""",
)
_RELEASED_SEAL = sql_seal(
    key="%(release_key)s",
    previous="{previous}",
    content="""'release|', held_account_id, '|', available_account_id, '|', %(released)s, '|',
        tenant_id, '|', seq + %(transfers)s, '|', available + %(released)s, '|',
        held - %(amount)s, %(sealed_tail)s::text""",
)

_CHAINED = {
    (False, False): "",
    (True, False): f", previous_seal = seal, seal = {_CAPTURED_SEAL}",
    (False, True): f", previous_seal = seal, seal = {_RELEASED_SEAL.format(previous='seal')}",
    (True, True): f", previous_seal = {_CAPTURED_SEAL},"
    f" seal = {_RELEASED_SEAL.format(previous=_CAPTURED_SEAL)}",
}
"""By whether something is captured, and released: what is chained to the balance's last seal."""

_END = """
WITH placed AS (
    SELECT 1 FROM billing_transfer
     WHERE generation_id = %(generation)s AND kind = 'hold'
       AND tenant_id = %(tenant)s AND amount = %(amount)s
       AND NOT EXISTS (SELECT FROM billing_transfer AS past
                        WHERE past.generation_id = %(generation)s
                          AND past.kind IN ('capture', 'release'))
), balance AS (
    UPDATE billing_tenantbalance AS t
       SET available = available + %(released)s, held = held - %(amount)s,
           seq = seq + %(transfers)s, in_flight = in_flight - 1, {used}
           {chained}
     WHERE tenant_id = %(tenant)s AND (%(amount)s = 0 OR EXISTS (SELECT FROM placed))
    RETURNING *
), budget AS (
    UPDATE billing_keybudget b
       SET in_flight = b.in_flight - 1, {used_of_key}
      FROM balance
     WHERE b.key_id = %(key)s
    RETURNING 1
), moved AS (
    INSERT INTO billing_transfer (kind, debit_id, credit_id, amount, tenant_id, seq,
                                  available_after, held_after, generation_id, reason,
                                  created_at, evidence, seal)
    SELECT part.kind, held_account_id, COALESCE(part.credit, available_account_id), part.amount,
           tenant_id, seq - %(transfers)s + part.step,
           available - part.still_held, held + part.still_held, %(generation)s, '',
           %(at)s, %(evidence)s::bytea,
           CASE part.step WHEN %(transfers)s THEN seal ELSE previous_seal END
      FROM balance, budget, (VALUES
               ('capture', %(revenue)s::bigint, %(captured)s, 1, %(released)s),
               ('release', NULL::bigint, %(released)s, %(transfers)s, 0)
           ) AS part (kind, credit, amount, step, still_held)
     WHERE part.amount > 0
)
SELECT EXISTS (SELECT FROM balance), EXISTS (SELECT FROM budget)
"""
_ENDS = {
    case: _END.replace("{chained}", chained)
    .replace("{used}", _less_released("t"))
    .replace("{used_of_key}", _less_released("b"))
    for case, chained in _CHAINED.items()
}


class LedgerError(Exception):
    """A movement the ledger cannot make: a fault of ours, never the caller's."""


@dataclass(frozen=True, slots=True)
class HoldLimits:
    """The limits a hold must respect; None is unlimited. Budgets in micros."""

    tenant_in_flight: int | None = None
    key_in_flight: int | None = None
    tenant_budget_day: Micros | None = None
    tenant_budget_month: Micros | None = None
    key_budget_day: Micros | None = None
    key_budget_month: Micros | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold as its generation's columns have it; `placed_at` is the `now` it was placed with."""

    tenant_id: UUID
    key_id: UUID
    generation_id: UUID
    amount: Micros
    placed_at: datetime


UNLIMITED = HoldLimits()


def place_hold(
    *,
    tenant_id: UUID,
    key_id: UUID,
    generation_id: UUID,
    amount: Micros,
    now: datetime,
    limits: HoldLimits = UNLIMITED,
    evidence: bytes | None = None,
) -> None:
    """Move `amount` from available to held, and count one request in flight.

    `evidence` is a digest of what the money is held for, sealed into the transfer. An amount of 0
    moves nothing but counts. Raises InsufficientQuota (balance, or the tenant's or the key's budget
    of this UTC day or month) or RateLimited (requests in flight of tenant or key); the caller's
    transaction must then roll back.
    """
    _require_transaction()
    if amount < 0:
        raise LedgerError("a hold cannot be negative")
    values = {
        "tenant": tenant_id,
        "key": key_id,
        "generation": generation_id,
        "amount": int(amount),
        "transfers": int(amount > 0),
        "hold_key": hold_key("hold", generation_id),
        **_sealed_with(generation_id, evidence),
        "day": window_start("day", now),
        "month": window_start("month", now),
        "tenant_in_flight": limits.tenant_in_flight,
        "key_in_flight": limits.key_in_flight,
        "tenant_budget_day": limits.tenant_budget_day,
        "tenant_budget_month": limits.tenant_budget_month,
        "key_budget_day": limits.key_budget_day,
        "key_budget_month": limits.key_budget_month,
    }
    account_has_room, placed = _run(_PLACE, values)
    if not account_has_room:
        _refuse_account(tenant_id, amount, limits, now)
        # Another request gave money or room back in between. The row is locked now.
        account_has_room, placed = _run(_PLACE, values)
    if not placed:
        _refuse_key(key_id, amount, limits, now)


def end_hold(*, hold: Hold, captured: Micros, evidence: bytes | None = None) -> None:
    """End a hold: `captured` becomes revenue, the rest is available again.

    `evidence` is a digest of what came of it, sealed into the transfers.

    Call it in the transaction of the UPDATE that makes the generation final. Raises LedgerError
    when more is captured than was held, or when no such hold was placed or it has ended;
    IntegrityError when it ends at this very moment elsewhere.
    """
    _require_transaction()
    if not 0 <= captured <= hold.amount:
        raise LedgerError(f"cannot capture {captured} of a hold of {hold.amount}")
    released = hold.amount - captured
    values = {
        "tenant": hold.tenant_id,
        "key": hold.key_id,
        "generation": hold.generation_id,
        "amount": int(hold.amount),
        "captured": int(captured),
        "released": int(released),
        "transfers": int(captured > 0) + int(released > 0),
        "capture_key": hold_key("capture", hold.generation_id),
        "release_key": hold_key("release", hold.generation_id),
        **_sealed_with(hold.generation_id, evidence),
        "revenue": Account.Platform.PLATFORM_REVENUE.value,
        "day": window_start("day", hold.placed_at),
        "month": window_start("month", hold.placed_at),
    }
    _, ended = _run(_ENDS[captured > 0, released > 0], values)
    if not ended:
        raise LedgerError(f"no open hold of {hold.amount} for {hold.generation_id}")


def _sealed_with(generation_id: UUID, evidence: bytes | None) -> dict[str, Any]:
    """The evidence and the time, and the end of a seal's content: from the generation on."""
    at = clock.now()
    proof = "" if evidence is None else evidence.hex()
    return {
        "at": at,
        "evidence": evidence,
        "sealed_tail": f"|{generation_id}||{microseconds(at)}|{proof}|",
    }


def _run(statement: str, values: dict[str, Any]) -> tuple[bool, bool]:
    account, key = prepared.fetch_one(statement, values) or (False, False)
    return account, key


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        raise LedgerError("holds are placed and ended inside the generation's transaction")


def _refuse_account(tenant_id: UUID, amount: int, limits: HoldLimits, now: datetime) -> None:
    """Raise what stands in the way on the tenant's row, now locked; return if nothing does."""
    try:
        balance = account_for_update(tenant_id)
    except TenantBalance.DoesNotExist:
        raise _insufficient("balance", "balance", amount, amount) from None
    if limits.tenant_in_flight is not None and balance.in_flight >= limits.tenant_in_flight:
        raise _too_many("This account", limits.tenant_in_flight)
    if balance.available < amount:
        raise _insufficient("balance", "balance", amount, amount - balance.available)
    budgets = (limits.tenant_budget_day, limits.tenant_budget_month)
    _refuse_budgets("workspace", budgets, amount, balance, now)


def _refuse_key(key_id: UUID, amount: int, limits: HoldLimits, now: datetime) -> NoReturn:
    """Raise what stands in the way on the key's row. The account was changed: roll that back."""
    row = key_budget_for_update(key_id)
    transaction.set_rollback(True)
    if limits.key_in_flight is not None and (row.in_flight if row else 0) >= limits.key_in_flight:
        raise _too_many("This API key", limits.key_in_flight)
    _refuse_budgets("key", (limits.key_budget_day, limits.key_budget_month), amount, row, now)
    raise LedgerError(f"the hold of {amount} by key {key_id} was refused for no reason")


def _refuse_budgets(
    whose: QuotaLimit,
    budgets: tuple[Micros | None, Micros | None],
    amount: int,
    row: TenantBalance | KeyBudget | None,
    now: datetime,
) -> None:
    """Raise the first budget, of the day or the month, that the amount does not fit into."""
    for period, budget in zip(_PERIODS, budgets, strict=True):
        missing = 0 if budget is None else _used(row, period, now) + amount - budget
        if missing > 0:
            reset = f"It resets at {resets_at(period, now):%Y-%m-%dT%H:%M:%SZ}."
            what = f"{_OWNERS[whose]}'s {_ADJECTIVES[period]} budget"
            raise _insufficient(whose, what, amount, missing, reset)


def _used(row: TenantBalance | KeyBudget | None, period: Period, now: datetime) -> int:
    """Micros that the row counts in the present window, or in a later one."""
    if row is None:
        return 0
    window, used = (
        (row.day, row.day_used_micros) if period == "day" else (row.month, row.month_used_micros)
    )
    return used if window is not None and window >= window_start(period, now) else 0


def _insufficient(
    limit: QuotaLimit, what: str, amount: int, missing: int, advice: str = ""
) -> InsufficientQuota:
    message = (
        f"The {what} is too low: this request needs {to_decimal(amount)} USD on hold, "
        f"{to_decimal(missing)} USD is missing. {advice}"
    )
    return InsufficientQuota(message.rstrip(), limit=limit)


def _too_many(who: str, limit: int) -> RateLimited:
    return RateLimited(
        f"{who} may have {limit} requests in flight at once; wait until one of them ends.",
        code="concurrency_limit_exceeded",
        retry_after=_RETRY_AFTER_SECONDS,
    )
