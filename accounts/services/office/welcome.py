"""Newcomers: their address is verified once, and their workspace opens.

Further workspaces, up to five, and that of who was invited first, open later and without credit.
"""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.locks import user_for_update
from accounts.models import Membership, Tenant, User
from accounts.selectors.office.members import open_invitations
from accounts.services.audit import record
from accounts.services.office.api_keys import PLAYGROUND, SIGN_UP_KEY, issue_api_key
from accounts.services.office.members import add_member
from accounts.services.office.sign_up_credit import give_sign_up_credit
from accounts.services.office.tenants import TenantLimits, create_tenant
from accounts.titles import for_mail

MAX_OWNED = 5
"""The most workspaces that a person can open and own."""


@transaction.atomic
def verify_email(*, user: User, now: datetime, ip: str | None = None) -> None:
    """Mark a person's address as verified; the first time, open their workspace with its credit.

    Staff and people with an open invitation get no workspace. Nor does anyone while sign-up is
    closed.
    """
    verified = User.objects.filter(id=user.id, email_verified_at=None).update(email_verified_at=now)
    user.refresh_from_db(fields=["email_verified_at"])
    if not verified:
        return
    record(user.audited, "user.verify_email", actor=user, after={"email": user.email}, ip=ip)
    is_invited = open_invitations(now).filter(email=user.email).exists()
    is_expected = user.staff_role or is_invited or user.memberships.exists()
    tenant = None if is_expected else open_workspace(user=user, ip=ip)
    if tenant is not None:
        give_sign_up_credit(tenant=tenant, user=user, now=now, ip=ip)


@transaction.atomic
def open_workspace(*, user: User, owned: int = 0, ip: str | None = None) -> Tenant | None:
    """Open a workspace for a person who owns this many, with a key and without money.

    Returns None if they own another number, or MAX_OWNED, or if sign-up is closed. So two
    concurrent calls open one.
    """
    owner = Membership.Role.OWNER
    if not settings.SIGN_UP or owned >= MAX_OWNED:
        return None
    if user_for_update(user.id).memberships.filter(role=owner).count() != owned:
        return None
    number = f" {owned + 1}" if owned else ""
    tenant = create_tenant(
        name=_free_name(user),
        title=f"{for_mail(user.email.partition('@')[0])}'s workspace{number}",
        actor=user,
        limits=TenantLimits(**settings.SIGN_UP_LIMITS),
        ip=ip,
    )
    add_member(tenant=tenant, user=user, role=owner, actor=user, ip=ip)
    issue_api_key(tenant=tenant, name=SIGN_UP_KEY, actor=user, rules=PLAYGROUND, ip=ip)
    return tenant


@transaction.atomic
def accept_terms(*, user: User, version: str, ip: str | None = None) -> None:
    """Record the version of the terms a person accepted; the audit log keeps every version."""
    if user.terms_version == version:
        return
    user.terms_version = version
    user.save(update_fields=["terms_version"])
    record(user.audited, "user.accept_terms", actor=user, after={"version": version}, ip=ip)


def _free_name(user: User) -> str:
    """The tenant's name for operators: the person's address, numbered if it is taken."""
    base, number = user.email[:90], 1
    while Tenant.objects.filter(name=base if number == 1 else f"{base} {number}").exists():
        number += 1
    return base if number == 1 else f"{base} {number}"
