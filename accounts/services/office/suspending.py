"""Suspension of a tenant with a reason that its members read and are mailed, and resumption."""

from typing import Unpack

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.locks import tenant_for_update
from accounts.models import BILLING_CONTACT_ROLES, Tenant
from accounts.selectors.office.members import emails_of_members
from accounts.services.audit import By, note_for_staff
from accounts.services.office.mail import post_rendered
from accounts.services.office.tenants import set_tenant_status

MAIL = "account/email/suspended"


@transaction.atomic
def suspend(*, tenant: Tenant, words: str, note: str = "", **by: Unpack[By]) -> int:
    """Refuse a tenant's requests from the next one on; return how many members are mailed.

    `words` are the reason that its callers and members read; `note` is only for staff. Running work
    ends normally. Raises ValidationError without words, and for a suspended tenant.
    """
    words = words.strip()
    if not words:
        raise ValidationError({"words": "Give a reason: its members see it."})
    suspended = Tenant.Status.SUSPENDED
    if tenant_for_update(tenant.id).status == suspended:
        raise ValidationError("the tenant is suspended already")
    set_tenant_status(tenant=tenant, status=suspended, reason=words, **by)
    note_for_staff(tenant.audited, note.strip(), **by)
    emails = emails_of_members(tenant.id, BILLING_CONTACT_ROLES)
    context = {"workspace": tenant.shown_name, "reason": words}
    post_rendered(to=emails, template=MAIL, words=context)
    return len(emails)


@transaction.atomic
def resume(*, tenant: Tenant, **by: Unpack[By]) -> None:
    """End a suspension. Raises ValidationError if the tenant is active or is being erased."""
    active = Tenant.Status.ACTIVE
    if tenant_for_update(tenant.id).status == active:
        raise ValidationError("it is not suspended")
    set_tenant_status(tenant=tenant, status=active, **by)
