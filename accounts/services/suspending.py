"""Suspending a tenant, with a reason that its members read and are mailed; and its end."""

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Actor, Membership, Tenant
from accounts.selectors import members_of
from accounts.services.mail import post_rendered
from accounts.services.tenants import set_tenant_status

MAIL = "account/email/suspended"
TOLD_ROLES = (Membership.Role.OWNER, Membership.Role.ADMIN, Membership.Role.BILLING)


@transaction.atomic
def suspend(*, tenant: Tenant, reason: str, actor: Actor) -> int:
    """Refuse a tenant's requests from the next one on; how many members are mailed the reason.

    Work that runs ends. Raises ValidationError without a reason, and for one that is suspended.
    """
    if not reason.strip():
        raise ValidationError("a reason is needed: its members read it")
    suspended = Tenant.Status.SUSPENDED
    if Tenant.objects.select_for_update().get(pk=tenant.pk).status == suspended:
        raise ValidationError("it is suspended already")
    set_tenant_status(tenant=tenant, status=suspended, reason=reason, actor=actor)
    told = [one.user.email for one in members_of(tenant.id) if one.role in TOLD_ROLES]
    words = {"workspace": tenant.shown_name, "reason": reason}
    post_rendered(to=told, template=MAIL, words=words)
    return len(told)


@transaction.atomic
def resume(*, tenant: Tenant, actor: Actor) -> None:
    """Let it work again. Raises ValidationError for one that works, or is to be erased."""
    active = Tenant.Status.ACTIVE
    if Tenant.objects.select_for_update().get(pk=tenant.pk).status == active:
        raise ValidationError("it is not suspended")
    set_tenant_status(tenant=tenant, status=active, actor=actor)
