"""A new customer, by staff: tenant, owner's invitation, credit and first key at once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from accounts.ledger import ledger
from accounts.models import Actor, ApiKey, Invitation, Membership, Tenant
from accounts.services.api_keys import FREE, KeyRules, issue_api_key
from accounts.services.members import invite_as_operator
from accounts.services.tenants import NO_LIMITS, NOTHING, TenantLimits, create_tenant
from pictor.kit.money import Micros, to_decimal

_LOCK = 7_303_058
"""The advisory lock under which tenants are founded, one at a time."""


@dataclass(frozen=True, slots=True)
class Founded:
    """A tenant with its first key, whose text is shown this once; None where it was made before."""

    tenant: Tenant
    key: ApiKey | None
    text: str


@transaction.atomic
def found_tenant(
    *,
    once: UUID,
    name: str,
    owner_email: str,
    actor: Actor,
    now: datetime,
    tell: Callable[[Invitation], None],
    credit: Micros = NOTHING,
    words: str = "",
    note: str = "",
    paid: Micros = NOTHING,
    limits: TenantLimits = NO_LIMITS,
    rules: KeyRules = FREE,
    ip: str | None = None,
) -> Founded:
    """Make a tenant, once by this id, which becomes its own. Sent again it is the one of before.

    Args:
        once: a UUIDv7, made when the form was drawn.
        name: what operators call it.
        owner_email: who is invited as its owner; empty for nobody.
        actor: who makes it.
        now: when the invitation is made.
        tell: posts the invitation.
        credit: what it begins with, at most what is typed once; 0 for nothing.
        words: what the tenant reads of the credit.
        note: staff's note to the credit.
        paid: what is paid in already, at most what one person books.
        limits: over all its keys.
        rules: of its first key.
        ip: where it is done from.

    Raises ValidationError, by field, for a name that is taken, empty or too long, an address that
    is none, a limit of 0, money that is too much, and an id that made another tenant.
    """
    if once.version != _OUR_IDS:
        raise ValidationError("This form was not drawn here: open it again.")
    with connection.cursor() as cursor:  # two clicks at once must not both find the name free
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    known = Tenant.objects.filter(id=once).first()
    if known is not None:
        if known.name != name:
            raise ValidationError(f"This form has made {known.name}: open it again.")
        return Founded(known, None, "")
    _refuse_much("credit", credit, settings.MONEY_TYPED_TWICE)
    _refuse_much("balance", paid, settings.MONEY_NEEDS_TWO)
    tenant = create_tenant(
        name=name, opening_balance=paid, limits=limits, actor=actor, ip=ip, tenant_id=once
    )
    if credit:
        ledger().credit(
            tenant_id=tenant.id, amount=credit, reason=words, note=note, actor=actor, ip=ip
        )
    if owner_email:
        owner = Membership.Role.OWNER
        invite_as_operator(
            tenant=tenant, email=owner_email, role=owner, actor=actor, now=now, tell=tell, ip=ip
        )
    key, text = issue_api_key(tenant=tenant, name="default", actor=actor, rules=rules, ip=ip)
    return Founded(tenant, key, text)


def _refuse_much(field: str, amount: Micros, most: int) -> None:
    if not 0 <= amount <= most:
        words = f"To begin with, from 0 to {to_decimal(most)} USD: book the rest afterwards."
        raise ValidationError({field: words})


_OUR_IDS = 7
"""The version of UUIDs that are ids here: `pictor.kit.ids`."""
