"""Support views of a tenant: read-only, for half an hour, and recorded in its audit log."""

from datetime import datetime, timedelta
from typing import Unpack
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.locks import tenant_for_update
from accounts.models import SupportGrant, Tenant, User
from accounts.selectors.office.support import open_support_grants
from accounts.services.audit import By, record
from accounts.services.office.tenants import change_columns
from pictor.kit.words.ids import new_uuid

LASTS = timedelta(minutes=30)
SUPPORT_REASON_CHARS = 200


@transaction.atomic
def open_support(
    *,
    tenant: Tenant,
    user: User,
    reason: str,
    now: datetime,
    once: UUID | None = None,
    ip: str | None = None,
) -> SupportGrant:
    """Let one of our people view the tenant, which reads their first name and the reason.

    `once` is the form's own id, so a form that is sent twice opens one view. Raises ValidationError
    without a reason, for a reason of more than 200 characters, for a tenant that does not allow it
    or is being erased, and for the id of another form.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise ValidationError({"reason": "Give a reason: the workspace sees it in its audit log."})
    if len(reason) > SUPPORT_REASON_CHARS:
        raise ValidationError({"reason": f"At most {SUPPORT_REASON_CHARS} characters."})
    locked = tenant_for_update(tenant.id)
    if locked.erasure_due_at is not None:
        raise ValidationError("This workspace is being erased.")
    if not locked.allows_support:
        raise ValidationError(
            "An owner of this workspace has switched support access off. Ask them to allow it in"
            " their settings."
        )
    once = once or new_uuid()
    if opened := SupportGrant.objects.filter(id=once).first():
        if (opened.tenant_id, opened.user_id) != (locked.id, user.id):
            raise ValidationError("Load this page again.")
        return opened
    grant = SupportGrant.objects.create(
        id=once, tenant=locked, user=user, reason=reason, opened_at=now, expires_at=now + LASTS
    )
    after = {
        "reason": reason,
        "until": grant.expires_at.isoformat(),
        "sees_prompts_and_images": locked.shows_support_content,
    }
    record(grant.audited, "support.open", actor=user, after=after, ip=ip)
    return grant


@transaction.atomic
def end_support(*, grant: SupportGrant, now: datetime, **by: Unpack[By]) -> bool:
    """End a support view before its time; return whether it was still open."""
    still_open = open_support_grants(now).filter(pk=grant.pk)
    if not still_open.update(ended_at=now):
        return False
    record(grant.audited, "support.end", **by)
    return True


def end_support_of(*, user: User, now: datetime) -> None:
    """End all open support views of a person whose role has changed."""
    open_support_grants(now).filter(user=user).update(ended_at=now)


def end_support_in(*, tenant: Tenant, now: datetime) -> None:
    """End all open support views of a tenant."""
    open_support_grants(now).filter(tenant=tenant).update(ended_at=now)


@transaction.atomic
def set_support(
    *, tenant: Tenant, is_allowed: bool, shows_content: bool, now: datetime, **by: Unpack[By]
) -> None:
    """Set whether our people may view the tenant, and its prompts, tags and images.

    Their next page follows it. If views are no longer allowed, open ones end at once.
    """
    locked = tenant_for_update(tenant.id)
    columns = {"allows_support": is_allowed, "shows_support_content": shows_content}
    change_columns(tenant=locked, action="tenant.support", columns=columns, **by)
    if not is_allowed:
        end_support_in(tenant=locked, now=now)
