"""Holds: money set aside before the work, then captured, given back, or both.

Functions in the database (holds_together.sql) place and end holds, because every request pays for
both. They decide on locked rows, locked in the order tenant balance, key budget. A hold's own
columns are on its generation; this module has its transfers and counters.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection

from accounts.quotas import Period, resets_at, window_start
from billing.models import Account
from billing.transfer_seals import hold_key
from pictor.kit.database import prepared
from pictor.kit.database.prepared import SetStatement, SqlPart
from pictor.kit.secrets.seals import microseconds
from pictor.kit.words import clock, ids
from pictor.kit.words.errors import InsufficientQuota, QuotaLimit, RateLimited
from pictor.kit.words.money import Micros, from_decimal, in_dollars, to_decimal
from pictor.kit.words.untyped import Json, Row

_RETRY_AFTER_SECONDS = 1
_ADJECTIVES: dict[Period, str] = {"day": "daily", "month": "monthly"}
_OWNERS: dict[QuotaLimit, str] = {"workspace": "workspace", "key": "API key"}
_TOO_LOW = re.compile(r"'s (daily|monthly) budget is too low: this request needs ([0-9.]+) USD")
PLACED = "placed"
"""The name of the part of holds' statement that has the `id` of each generation with a hold."""

_PLACE = "SELECT * FROM pictor_place_holds_v2(%s, %s::jsonb, ARRAY(SELECT n FROM condition))"
_END = "SELECT * FROM pictor_end_holds_v1(%s::jsonb, ARRAY(SELECT id FROM {from_part})) AS id"


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


@dataclass(frozen=True, slots=True)
class Placing:
    """A hold that is to be placed; `evidence` is a digest of the priced request, to be sealed."""

    hold: Hold
    limits: HoldLimits = UNLIMITED
    evidence: bytes | None = None

    def __post_init__(self) -> None:
        if self.hold.amount < 0:
            raise LedgerError("a hold cannot be negative")

    @property
    def arguments(self) -> Json:
        """Its values by their names in the database's function, sealed at this moment."""
        return {
            **_named(self.hold, self.evidence),
            **self.limits.arguments,
            "p_seal_key": hold_key("hold", self.hold.generation_id),
        }


@dataclass(frozen=True, slots=True)
class HoldEnd:
    """A hold that is to end; `evidence` is a digest of the outcome, to be sealed.

    Raises LedgerError if more is captured than was held.
    """

    hold: Hold
    captured: Micros
    evidence: bytes | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.captured <= self.hold.amount:
            raise LedgerError(f"cannot capture {self.captured} of a hold of {self.hold.amount}")

    @property
    def arguments(self) -> Json:
        """As of `Placing`."""
        return {
            **_named(self.hold, self.evidence),
            "p_captured": int(self.captured),
            "p_revenue": Account.Platform.PLATFORM_REVENUE.value,
            # Never the ledger's own key (ADR 0014).
            "p_capture_key": hold_key("capture", self.hold.generation_id),
            "p_release_key": hold_key("release", self.hold.generation_id),
        }


Refusal: TypeAlias = InsufficientQuota | RateLimited | ConditionFailed


def place_holds_statement(
    placings: Sequence[Placing],
    *,
    condition: SqlPart,
    writes: SqlPart,
    lock_timeout: str | None = None,
) -> SetStatement[list[Refusal | None]]:
    """The statement that places holds, each as if it came alone: those of a tenant in order.

    A hold moves its amount from available to held, and counts a request in flight; an amount of 0
    only counts. Nothing is written for one that is refused. The result has for each None or its
    refusal: InsufficientQuota (balance, money owed, or the tenant's or the key's budget of this UTC
    day or month), RateLimited (requests in flight of tenant or key) or ConditionFailed.

    Args:
        placings: the holds; `placed_at` is now.
        condition: the part with the place `n` of each that may be placed.
        writes: the part that writes the generations whose `id` is in PLACED.
        lock_timeout: how long it waits for a balance, as PostgreSQL writes it.
    """
    rows = [{"n": n, **placing.arguments} for n, placing in enumerate(placings)]
    joined = prepared.joined_part(
        condition=condition,
        hold=SqlPart(_PLACE, [lock_timeout, prepared.rows_json(rows)]),
        placed=SqlPart("SELECT generation_id AS id FROM hold WHERE refused_by IS NULL", ()),
        written=writes,
        answer=SqlPart("SELECT n, refused_by, missing FROM hold", ()),
    )

    def read(rows: Sequence[Row]) -> list[Refusal | None]:
        found = {n: _refusal(placings[n], *row) for n, *row in rows}
        return [found.get(n, ConditionFailed()) for n in range(len(placings))]

    return SetStatement(*joined, read)


def end_hold(*, hold: Hold, captured: Micros, evidence: bytes | None = None) -> None:
    """End a hold: `captured` becomes revenue, the rest is available again.

    Call it in the transaction of the UPDATE that makes the generation final. Raises LedgerError if
    more is captured than was held, or if there is no such open hold.
    """
    if not connection.in_atomic_block:
        raise LedgerError("a hold ends inside its generation's transaction")
    final = SqlPart("SELECT %s::uuid AS id", [hold.generation_id])
    ended = end_holds_part([HoldEnd(hold, captured, evidence)], from_part="final")
    try:
        prepared.fetch_one(*prepared.joined_part(final=final, answer=ended))
    except IntegrityError as error:  # as pictor_end_hold_v1 raises it
        raise LedgerError(f"no open hold of {hold.amount} for {hold.generation_id}") from error


def end_holds_part(ends: Sequence[HoldEnd], *, from_part: str) -> SqlPart:
    """The part that ends the holds of generations whose `id` is in `from_part`; it has those.

    Each as if it came alone, those of a tenant in order. The statement raises IntegrityError if
    one has no such open hold.
    """
    rows = [{"n": n, **end.arguments} for n, end in enumerate(ends)]
    return SqlPart(_END.format(from_part=from_part), [prepared.rows_json(rows)])


def _named(hold: Hold, evidence: bytes | None) -> Json:
    """The arguments of a hold and of its end: what it is, and the time and text to be sealed."""
    # Not the request's time, which may have waited: ledger heads rest on this one (ADR 0028).
    at = clock.now()
    proof = "" if evidence is None else evidence.hex()
    return {
        "p_tenant": hold.tenant_id,
        "p_key": hold.key_id,
        "p_generation": hold.generation_id,
        "p_amount": int(hold.amount),
        # The windows in which it is counted, which may be over when it ends.
        "p_day": window_start("day", hold.placed_at),
        "p_month": window_start("month", hold.placed_at),
        "p_at": at,
        "p_evidence": evidence,
        "p_sealed": f"{hold.generation_id}||{microseconds(at)}|{proof}|",
    }


def _refusal(placing: Placing, refused_by: str | None, missing: int) -> Refusal | None:
    """The caller's error for a refusal by pictor_place_holds_v2."""
    amount, limits = placing.hold.amount, placing.limits
    if refused_by is None:
        return None
    if refused_by == "tenant_in_flight":
        return _too_many("workspace", limits.tenant_in_flight)
    if refused_by == "key_in_flight":
        return _too_many("API key", limits.key_in_flight)
    if refused_by == "owed":
        return _owing(missing, placing.hold.tenant_id)
    if refused_by == "balance":
        return _insufficient("balance", "balance", amount, missing)
    whose: QuotaLimit = "workspace" if refused_by.startswith("tenant") else "key"
    period: Period = "day" if refused_by.endswith("day") else "month"
    reset = f"It resets at {resets_at(period, placing.hold.placed_at):%Y-%m-%dT%H:%M:%SZ}."
    what = f"{_OWNERS[whose]}'s {_ADJECTIVES[period]} budget"
    return _insufficient(whose, what, amount, missing, reset)


def _owing(owed: int, tenant_id: UUID) -> InsufficientQuota:
    site, tenant = settings.SITE_URL, ids.public(ids.TENANT, tenant_id)
    where = f"at {site}/console/{tenant}/billing/" if site else "on the Billing page"
    message = f"You owe {in_dollars(Micros(owed))}: a payment was taken back. Add funds {where}."
    return InsufficientQuota(message, limit="owed")


def _insufficient(
    limit: QuotaLimit, what: str, amount: int, missing: int, advice: str = ""
) -> InsufficientQuota:
    message = (
        f"The {what} is too low: this request needs {to_decimal(amount)} USD on hold, "
        f"{to_decimal(missing)} USD is missing. {advice}"
    )
    return InsufficientQuota(message.rstrip(), limit=limit)


def budget_named(message: str) -> tuple[Period, Micros] | None:
    """The period of the budget that this refusal names, and the amount that did not fit."""
    found = _TOO_LOW.search(message)
    if found is None:
        return None
    period: Period = "day" if found[1] == _ADJECTIVES["day"] else "month"
    return period, from_decimal(found[2])


def _too_many(whose: str, limit: int | None) -> RateLimited:
    return RateLimited(
        f"This {whose} may have {limit} requests in flight at once; wait until one of them ends.",
        code="concurrency_limit_exceeded",
        retry_after=_RETRY_AFTER_SECONDS,
        limit=f"requests in flight of this {whose}",
    )
