"""Holds: money set aside before the work, then captured, given back, or both.

Functions in the database (holds.sql) place and end holds, because every request pays for both. They
decide on locked rows, locked in the order tenant balance, key budget. A hold's own columns are on
its generation; this module has its transfers and counters.
"""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, partial
from uuid import UUID

from django.db import IntegrityError, connection

from accounts.quotas import Period, resets_at, window_start
from billing.models import Account
from billing.transfer_seals import hold_key
from pictor.kit.database import prepared
from pictor.kit.database.prepared import SqlPart, Statement
from pictor.kit.secrets.seals import microseconds
from pictor.kit.words import clock
from pictor.kit.words.errors import InsufficientQuota, PictorError, QuotaLimit, RateLimited
from pictor.kit.words.money import Micros, to_decimal
from pictor.kit.words.untyped import Row

_RETRY_AFTER_SECONDS = 1
_ADJECTIVES: dict[Period, str] = {"day": "daily", "month": "monthly"}
_OWNERS: dict[QuotaLimit, str] = {"workspace": "workspace", "key": "API key"}
PLACED = "placed"
"""The name of the part of a hold's statement that has a row if the hold was placed."""

_PLACED = SqlPart("SELECT FROM hold WHERE refused_by IS NULL", ())
_FOUND = SqlPart("SELECT * FROM hold", ())


class LedgerError(Exception):
    """The ledger cannot make this movement: a bug of ours, never a fault of the caller."""


class ConditionFailed(Exception):
    """The condition of a hold had no row: nothing was written."""


@dataclass(frozen=True, slots=True)
class HoldLimits:
    """The limits a hold must respect; None is unlimited. Budgets in micros."""

    tenant_in_flight: int | None = None
    key_in_flight: int | None = None
    tenant_budget_day: Micros | None = None
    tenant_budget_month: Micros | None = None
    key_budget_day: Micros | None = None
    key_budget_month: Micros | None = None

    @property
    def arguments(self) -> dict[str, int | None]:
        """The limits by their names in the database's function."""
        return {
            "p_tenant_in_flight": self.tenant_in_flight,
            "p_tenant_day": self.tenant_budget_day,
            "p_tenant_month": self.tenant_budget_month,
            "p_key_in_flight": self.key_in_flight,
            "p_key_day": self.key_budget_day,
            "p_key_month": self.key_budget_month,
        }


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold, from its generation's columns; `placed_at` is the `now` that it was placed with."""

    tenant_id: UUID
    key_id: UUID
    generation_id: UUID
    amount: Micros
    placed_at: datetime


UNLIMITED = HoldLimits()


def place_hold_statement(
    *,
    tenant_id: UUID,
    key_id: UUID,
    generation_id: UUID,
    amount: Micros,
    now: datetime,
    limits: HoldLimits = UNLIMITED,
    evidence: bytes | None = None,
    writes: SqlPart | None = None,
    condition: SqlPart | None = None,
) -> Statement[None]:
    """The statement that moves `amount` from available to held, and counts a request in flight.

    `writes`, a part that reads from PLACED, writes the generation; without it, run the statement in
    the transaction that does. `evidence` is a digest of the priced request, sealed into the
    transfer. `condition`, which needs `writes`, is a part with one row of `tenant_id` and `key_id`,
    or none. An amount of 0 moves nothing but counts. Raises InsufficientQuota (balance, or the
    tenant's or the key's budget of this UTC day or month), RateLimited (requests in flight of
    tenant or key) or ConditionFailed; then nothing is written.
    """
    if amount < 0:
        raise LedgerError("a hold cannot be negative")
    if writes is None:
        _require_transaction()
    at, content = _seal_content(generation_id, evidence)
    named = {
        "p_generation": generation_id,
        "p_amount": int(amount),
        **_windows(now),
        **limits.arguments,
        "p_at": at,
        "p_evidence": evidence,
        "p_sealed": content,
        "p_seal_key": hold_key("hold", generation_id),  # never the ledger's own key (ADR 0014)
    }
    if condition is None:
        named |= {"p_tenant": tenant_id, "p_key": key_id}
    hold = SqlPart(_placing(tuple(named), is_conditional=condition is not None), [*named.values()])
    if writes is not None:
        first = {} if condition is None else {"condition": condition}
        parts = {**first, "hold": hold, PLACED: _PLACED, "written": writes}
        hold = prepared.joined_part(answer=_FOUND, **parts)
    return Statement(*hold, partial(_require_placed, amount, limits, now))


@cache
def _placing(names: tuple[str, ...], *, is_conditional: bool) -> str:
    # The condition's columns are arguments, so no hold is placed without its row.
    arguments = ", ".join(f"{name} => %s" for name in names)
    if not is_conditional:
        return f"SELECT refused_by, missing FROM pictor_place_hold_v1({arguments})"  # noqa: S608 - our own names
    return (
        "SELECT refused_by, missing FROM condition AS c, LATERAL pictor_place_hold_v1("  # noqa: S608 - as above
        f"p_tenant => c.tenant_id, p_key => c.key_id, {arguments})"
    )


def _require_placed(amount: Micros, limits: HoldLimits, now: datetime, row: Row | None) -> None:
    if row is None:
        raise ConditionFailed
    refused_by, missing = row
    if refused_by is not None:
        raise _refusal(refused_by, amount, missing, limits, now)


def end_hold(*, hold: Hold, captured: Micros, evidence: bytes | None = None) -> None:
    """End a hold: `captured` becomes revenue, the rest is available again.

    `evidence` is a digest of the outcome, sealed into the transfers.

    Call it in the transaction of the UPDATE that makes the generation final. Raises LedgerError if
    more is captured than was held, or if there is no such open hold.
    """
    _require_transaction()
    try:
        prepared.fetch_one(*end_hold_part(hold=hold, captured=captured, evidence=evidence))
    except IntegrityError as error:  # as pictor_end_hold_v1 raises it
        raise LedgerError(f"no open hold of {hold.amount} for {hold.generation_id}") from error


def end_hold_part(
    *, hold: Hold, captured: Micros, evidence: bytes | None = None, from_part: str = ""
) -> SqlPart:
    """The part that ends a hold for `from_part`'s row; without, a statement by itself.

    Raises LedgerError if more is captured than was held; the statement raises IntegrityError if
    there is no such open hold.
    """
    if not 0 <= captured <= hold.amount:
        raise LedgerError(f"cannot capture {captured} of a hold of {hold.amount}")
    at, content = _seal_content(hold.generation_id, evidence)
    named = {
        "p_tenant": hold.tenant_id,
        "p_key": hold.key_id,
        "p_generation": hold.generation_id,
        "p_amount": int(hold.amount),
        "p_captured": int(captured),
        "p_revenue": Account.Platform.PLATFORM_REVENUE.value,
        # The windows in which it was counted, which may be over by now.
        **_windows(hold.placed_at),
        "p_at": at,
        "p_evidence": evidence,
        "p_sealed": content,
        "p_capture_key": hold_key("capture", hold.generation_id),
        "p_release_key": hold_key("release", hold.generation_id),
    }
    return SqlPart(_ending(tuple(named), from_part), [*named.values()])


@cache
def _ending(names: tuple[str, ...], from_part: str) -> str:
    call = f"SELECT pictor_end_hold_v1({', '.join(f'{name} => %s' for name in names)})"
    return f"{call} FROM {from_part}" if from_part else call


def _windows(at: datetime) -> dict[str, date]:
    return {"p_day": window_start("day", at), "p_month": window_start("month", at)}


def _seal_content(generation_id: UUID, evidence: bytes | None) -> tuple[datetime, str]:
    """The time of the movement, and the end of the sealed text, from the generation on."""
    # Not the request's time, which may have waited: ledger heads rest on this one (ADR 0028).
    at = clock.now()
    proof = "" if evidence is None else evidence.hex()
    return at, f"{generation_id}||{microseconds(at)}|{proof}|"


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        raise LedgerError("holds are placed and ended inside the generation's transaction")


def _refusal(
    refused_by: str, amount: int, missing: int, limits: HoldLimits, now: datetime
) -> PictorError:
    """The caller's error for a refusal by pictor_place_hold_v1."""
    if refused_by == "tenant_in_flight":
        return _too_many("workspace", limits.tenant_in_flight)
    if refused_by == "key_in_flight":
        return _too_many("API key", limits.key_in_flight)
    if refused_by == "balance":
        return _insufficient("balance", "balance", amount, missing)
    whose: QuotaLimit = "workspace" if refused_by.startswith("tenant") else "key"
    period: Period = "day" if refused_by.endswith("day") else "month"
    reset = f"It resets at {resets_at(period, now):%Y-%m-%dT%H:%M:%SZ}."
    what = f"{_OWNERS[whose]}'s {_ADJECTIVES[period]} budget"
    return _insufficient(whose, what, amount, missing, reset)


def _insufficient(
    limit: QuotaLimit, what: str, amount: int, missing: int, advice: str = ""
) -> InsufficientQuota:
    message = (
        f"The {what} is too low: this request needs {to_decimal(amount)} USD on hold, "
        f"{to_decimal(missing)} USD is missing. {advice}"
    )
    return InsufficientQuota(message.rstrip(), limit=limit)


def _too_many(whose: str, limit: int | None) -> RateLimited:
    return RateLimited(
        f"This {whose} may have {limit} requests in flight at once; wait until one of them ends.",
        code="concurrency_limit_exceeded",
        retry_after=_RETRY_AFTER_SECONDS,
        limit=f"requests in flight of this {whose}",
    )
