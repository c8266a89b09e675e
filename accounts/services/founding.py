"""A new customer, by staff: tenant, owner's invitation, credit and first key at once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from accounts.ledger import ledger
from accounts.models import Actor, ApiKey, Invitation, Membership, Tenant, User
from accounts.services.api_keys import FREE, KeyRules, issue_api_key
from accounts.services.members import invite_as_operator
from accounts.services.tenants import NO_LIMITS, NOTHING, TenantLimits, create_tenant
from pictor.kit.words.money import Micros, in_dollars

_LOCK = 7_303_058
"""The advisory lock under which tenants are founded, one at a time."""
_OUR_IDS = 7
"""The version of UUIDs that are ids here: `pictor.kit.words.ids`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whom to invite as a tenant's owner.

    Attributes:
        email: theirs.
        by: of staff, who invites.
        tell: posts the invitation.
    """

    email: str
    by: User
    tell: Callable[[Invitation], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a tenant begins with. Amounts are micros.

    Attributes:
        paid: what it has paid in, at most what one person books.
        credit: what it is given, at most what is typed once.
        words: what it reads of the credit.
        note: staff's note to the credit.
        price_list: the shared list that it has, by name; empty for none.
        limits: over all its keys.
        rules: of its first key.
    """

    paid: Micros = NOTHING
    credit: Micros = NOTHING
    words: str = ""
    note: str = ""
    price_list: str = ""
    limits: TenantLimits = NO_LIMITS
    rules: KeyRules = FREE


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
    start: Start,
    owner: Owner | None,
    actor: Actor,
    now: datetime,
    ip: str | None = None,
) -> Founded:
    """Make a tenant, once by this UUIDv7, which becomes its id. Sent again it is the one of before.

    Raises ValidationError, by field, for a name that is taken, empty or too long, an address that
    is none, a limit of 0, money that is too much, a price list that is not there or below cost, and
    an id that made another tenant.
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
    _refuse_much("credit", start.credit, settings.MONEY_TYPED_TWICE)
    _refuse_much("balance", start.paid, settings.MONEY_NEEDS_TWO)
    tenant = create_tenant(
        name=name,
        opening_balance=start.paid,
        limits=start.limits,
        actor=actor,
        ip=ip,
        tenant_id=once,
    )
    _give(tenant, start, actor, ip)
    if start.price_list:
        ledger().give_price_list(
            tenant_id=tenant.id, name=start.price_list, actor=actor, now=now, ip=ip
        )
    if owner is not None:
        _invite(tenant, owner, actor, now, ip)
    key, text = issue_api_key(tenant=tenant, name="default", actor=actor, rules=start.rules, ip=ip)
    return Founded(tenant, key, text)


def _give(tenant: Tenant, start: Start, actor: Actor, ip: str | None) -> None:
    if start.credit:
        ledger().credit(
            tenant_id=tenant.id,
            amount=start.credit,
            reason=start.words,
            note=start.note,
            actor=actor,
            ip=ip,
        )


def _invite(tenant: Tenant, owner: Owner, actor: Actor, now: datetime, ip: str | None) -> None:
    invite_as_operator(
        tenant=tenant,
        email=owner.email,
        role=Membership.Role.OWNER,
        by=owner.by,
        actor=actor,
        now=now,
        tell=owner.tell,
        ip=ip,
    )


def _refuse_much(field: str, amount: Micros, most: int) -> None:
    if not 0 <= amount <= most:
        words = f"To begin with, from $0 to {in_dollars(most)}: book the rest afterwards."
        raise ValidationError({field: words})
