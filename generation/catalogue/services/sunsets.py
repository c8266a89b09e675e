"""The end of a model: announced with its successor, and moved or withdrawn while it is ahead.

Raises ValidationError, by field where one is at fault.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Unpack

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.services import By, Subject, record
from generation.models import Contract
from pictor.kit.redis.bell import ring

TASK = "generation.tasks.tell_of_sunsets"
"""Mails tenants that use the model; a lost message is made up for by the next hour's run."""
LEAST_NOTICE = timedelta(days=60)
"""The shortest time from announcement to end without a confirmation."""
SOON = "soon"
"""The code of a refusal that a confirmation lifts."""


@transaction.atomic
def announce_sunset(
    *,
    model: str,
    sunset_at: datetime,
    successor: str,
    now: datetime,
    deprecated_at: datetime | None = None,
    is_meant: bool = False,
    **by: Unpack[By],
) -> Contract:
    """Announce a model's end and its successor, or change the announcement.

    Args:
        model: the model that ends.
        sunset_at: from then on it is refused; a fraction of a second is dropped.
        successor: the model to request in its place, which must not end before.
        now: the time of the announcement.
        deprecated_at: the time from which new users should not begin with it; None for now, or as
            it was.
        is_meant: whether it may end within 60 days.
        by: the person who announces it.
    """
    contracts = _lock_contracts()
    contract, successor = _ahead(contracts, model, now), successor.strip()
    if not contract.is_enabled:
        raise ValidationError(f"{model} is switched off: nobody can request it")
    since = (deprecated_at or contract.deprecated_at or now).replace(microsecond=0)
    end = sunset_at.replace(microsecond=0)
    _check_dates(contract, since, end, now)
    _check_successor(contracts, contract, successor, end)
    least = min(now + LEAST_NOTICE, contract.sunset_at or now + LEAST_NOTICE)
    if end < least and not is_meant:
        days = (end - now).days
        raise ValidationError(
            f"{model} would end in {days} days, for good; customers get {LEAST_NOTICE.days} unless"
            " you confirm the date",
            code=SOON,
        )
    return _write(contract, "contract.sunset", (since, end, successor), by)


@transaction.atomic
def rehearse_sunset(**said: Any) -> Contract:
    """The model as `announce_sunset` would leave it; nothing is written."""
    contract = announce_sunset(**said)
    transaction.set_rollback(True)
    return contract


@transaction.atomic
def withdraw_sunset(*, model: str, now: datetime, reason: str = "", **by: Unpack[By]) -> Contract:
    """Withdraw the announced end of a model while it is ahead; the audit log keeps the reason."""
    contract = _ahead(_lock_contracts(), model, now)
    if contract.sunset_at is None:
        raise ValidationError(f"no end of {model} is announced")
    return _write(contract, "contract.keep", (None, None, ""), by, reason=reason)


def _lock_contracts() -> Mapping[str, Contract]:
    """Lock and return all contracts, so that two models cannot succeed each other."""
    rows = Contract.objects.select_for_update(no_key=True).order_by("model")
    return {row.model: row for row in rows}


def _ahead(contracts: Mapping[str, Contract], model: str, now: datetime) -> Contract:
    contract = contracts.get(model)
    if contract is None:
        raise ValidationError(f"there is no model {model[:100]!r}")
    if contract.sunset_at is not None and contract.sunset_at <= now:
        raise ValidationError(f"{model} ended on {_day(contract.sunset_at)}: that is for good")
    return contract


def _check_dates(
    contract: Contract, deprecated_at: datetime, sunset_at: datetime, now: datetime
) -> None:
    refused = {}
    if sunset_at <= now:
        refused["sunset_at"] = "has passed"
    elif deprecated_at >= sunset_at:
        refused["deprecated_at"] = "must be before the end"
    is_new = deprecated_at != contract.deprecated_at
    if is_new and deprecated_at.astimezone(UTC).date() < now.astimezone(UTC).date():
        refused["deprecated_at"] = "has passed"
    if refused:
        raise ValidationError(refused)


def _check_successor(
    contracts: Mapping[str, Contract], contract: Contract, successor: str, sunset_at: datetime
) -> None:
    """Refuse an unusable successor, and an end before that of a model it should succeed."""
    after = contracts.get(successor)
    if not successor:
        raise ValidationError({"successor": "name the successor"})
    if after is None:
        raise ValidationError({"successor": f"there is no model {successor[:100]!r}"})
    if after is contract:
        raise ValidationError({"successor": "must be another model"})
    if not after.is_enabled:
        raise ValidationError({"successor": f"{successor} is switched off"})
    if after.sunset_at is not None and after.sunset_at <= sunset_at:
        raise ValidationError({"successor": f"{successor} ends on {_day(after.sunset_at)} itself"})
    for other in contracts.values():
        is_led_here = other.successor == contract.model
        if is_led_here and other.sunset_at is not None and other.sunset_at >= sunset_at:
            raise ValidationError(
                {
                    "sunset_at": f"{contract.model} is the successor of {other.model}, which ends"
                    f" later, on {_day(other.sunset_at)}"
                }
            )


def _write(
    contract: Contract,
    action: str,
    columns: tuple[datetime | None, datetime | None, str],
    by: By,
    *,
    reason: str = "",
) -> Contract:
    before = _audited_columns(contract)
    contract.deprecated_at, contract.sunset_at, contract.successor = columns
    after = _audited_columns(contract)
    if after != before:
        contract.save(update_fields=["deprecated_at", "sunset_at", "successor"])
        subject = Subject("contract", contract.model[:60])
        after = {**after, "reason": reason} if reason else after
        record(subject, action, before=before, after=after, **by)
        transaction.on_commit(partial(ring, TASK))
    return contract


def _audited_columns(contract: Contract) -> Mapping[str, str | None]:
    deprecated_at, sunset_at = contract.deprecated_at, contract.sunset_at
    return {
        "deprecated_at": deprecated_at.isoformat() if deprecated_at else None,
        "sunset_at": sunset_at.isoformat() if sunset_at else None,
        "successor": contract.successor,
    }


def _day(at: datetime) -> str:
    return f"{at.astimezone(UTC):%-d %B %Y}"
