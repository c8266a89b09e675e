"""A new customer created by staff: tenant, owner's invitation, credit and first key at once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Unpack
from uuid import UUID, uuid5

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.ledger import RequestedMove, ledger
from accounts.models import ApiKey, Invitation, Membership, Tenant, User
from accounts.services.audit import By
from accounts.services.office.api_keys import NO_RULES, KeyRules, issue_api_key
from accounts.services.office.members import invite_as_operator
from accounts.services.office.tenants import NO_LIMITS, NOTHING, TenantLimits, create_tenant
from pictor.kit.database import lock_numbers
from pictor.kit.words.money import Micros, in_dollars

_OUR_IDS = 7
"""The version of the UUIDs used as ids here: `pictor.kit.words.ids`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The invitation of a tenant's owner.

    Attributes:
        email: the owner's address.
        by: the member of staff who invites.
        tell: posts the invitation.
    """

    email: str
    by: User
    tell: Callable[[Invitation], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A tenant's initial money, price list and limits. Amounts are micros.

    Attributes:
        paid: the payment to book, at most what one person may book alone.
        credit: the credit to give, at most what needs no second typing.
        words: the credit's reason, for the tenant.
        note: staff's note about the credit.
        price_list: the name of its shared price list; empty for none.
        limits: over all its keys.
        rules: of its first key.
        is_ours: True for one of the operator's own.
    """

    paid: Micros = NOTHING
    credit: Micros = NOTHING
    words: str = ""
    note: str = ""
    price_list: str = ""
    limits: TenantLimits = NO_LIMITS
    rules: KeyRules = NO_RULES
    is_ours: bool = False


@dataclass(frozen=True, slots=True)
class Founded:
    """A tenant with its first key and that key's text, shown once.

    `key` is None if the tenant was made before. `credit_waits` is True if the opening credit waits
    for a second person.
    """

    tenant: Tenant
    key: ApiKey | None
    text: str
    credit_waits: bool = False


@transaction.atomic
def found_tenant(
    *, once: UUID, name: str, start: Start, owner: Owner | None, now: datetime, **by: Unpack[By]
) -> Founded:
    """Create a tenant, once per UUIDv7 `once`, which becomes its id; a repeat returns the first.

    Raises ValidationError, by field, for a name that is taken, empty or too long, an invalid
    address, a limit of 0, too much money, a price list that is unknown or below cost, and an id
    that made another tenant.
    """
    if once.version != _OUR_IDS:
        raise ValidationError("This form did not come from here: open it again.")
    lock_numbers.lock(lock_numbers.TENANTS)  # two clicks at once must not both find the name free
    known = Tenant.objects.filter(id=once).first()
    if known is not None:
        if known.name != name:
            raise ValidationError(f"This form has already created {known.name}: open it again.")
        return Founded(known, None, "")
    _refuse_much("credit", start.credit, settings.MONEY_TYPED_TWICE)
    _refuse_much("balance", start.paid, settings.MONEY_NEEDS_TWO)
    tenant = create_tenant(
        name=name,
        opening_balance=start.paid,
        limits=start.limits,
        is_ours=start.is_ours,
        tenant_id=once,
        **by,
    )
    credit_waits = _give(tenant, start, now, by)
    if start.price_list:
        ledger().give_price_list(tenant_id=tenant.id, name=start.price_list, now=now, **by)
    if owner is not None:
        _invite(tenant, owner, now, by)
    key, text = issue_api_key(tenant=tenant, name="default", rules=start.rules, **by)
    return Founded(tenant, key, text, credit_waits)


def _give(tenant: Tenant, start: Start, now: datetime, by: By) -> bool:
    """Give the opening credit, if any; return whether it waits for a second person."""
    if not start.credit:
        return False
    requested = RequestedMove(
        tenant_id=tenant.id,
        kind="credit",
        amount=start.credit,
        reason=start.words,
        note=start.note,
    )
    once = uuid5(tenant.id, "opening credit")
    move = ledger().move_money(once=once, requested=requested, now=now, **by)
    return move.transfer_id is None


def _invite(tenant: Tenant, owner: Owner, now: datetime, by: By) -> None:
    invite_as_operator(
        tenant=tenant,
        email=owner.email,
        role=Membership.Role.OWNER,
        inviter=owner.by,
        now=now,
        tell=owner.tell,
        **by,
    )


def _refuse_much(field: str, amount: Micros, most: int) -> None:
    if not 0 <= amount <= most:
        words = f"Start with $0 to {in_dollars(most)}: book the rest afterwards."
        raise ValidationError({field: words})
