"""The end of a tenant: shut at once and for good, erased by attempts until all is gone.

The tenant's row says that it is to be erased before anything is done, so the short-work worker
finishes what a process that died had begun.
"""

import logging
import threading
from datetime import datetime, timedelta
from functools import partial
from typing import Unpack

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.audit_words import SUPPORT
from accounts.holdings import holdings
from accounts.ledger import ledger
from accounts.locks import tenant_for_update
from accounts.models import ApiKey, Invitation, Membership, SupportGrant, Tenant
from accounts.selectors.office.api_keys import api_keys_of
from accounts.selectors.office.members import members_of
from accounts.services.audit import By, as_staff, at_the_shell, name_of, record
from accounts.services.office.api_keys import revoke_api_key
from accounts.services.office.mail import post_rendered
from accounts.services.office.members import remove_member
from accounts.services.office.owner_mail import one_act
from accounts.services.office.support import end_support_in
from accounts.services.office.tenants import set_tenant_status
from pictor.kit.redis.bell import ring

logger = logging.getLogger(__name__)

DELETED = "account/email/workspace_deleted"
TASK = "accounts.tasks.erase_tenants"
LEASE = timedelta(minutes=10)
"""A claimed tenant is left to its worker this long; a second one would only ask storage twice."""
RETRY_AFTER = timedelta(minutes=1)
"""The wait after a failed attempt, and before the second pass: see `_make_nameless`."""

_at_work = threading.Lock()
"""One erasure at a time per process: its other threads have mail to send."""


def check_deletion(*, by: Membership, confirmation: str) -> None:
    """Raise ValidationError, with a message for a person, if `delete_workspace` would."""
    if by.role != Membership.Role.OWNER:
        raise ValidationError("Only an owner can delete a workspace.")
    if confirmation != by.tenant.shown_name:
        raise ValidationError("Type the workspace's name exactly as it is. Nothing was deleted.")
    under_way = ledger().in_flight_of(by.tenant_id)
    if under_way:
        raise ValidationError(
            f"{under_way} generation{'s are' if under_way > 1 else ' is'} under way: wait for the"
            " end, or cancel what has not begun. Nothing was deleted."
        )


@transaction.atomic
def delete_workspace(
    *, by: Membership, confirmation: str, now: datetime, ip: str | None = None
) -> None:
    """Delete one's own tenant, as its owner. This cannot be undone.

    At once its keys are revoked, it is suspended, its memberships end, and open support views end.
    Then the short-work worker erases it: see `erase_tenant`. Generations admitted at the last
    moment end and are charged before that. Raises ValidationError: see `check_deletion`.
    """
    tenant = tenant_for_update(by.tenant_id)
    by.refresh_from_db(fields=["role"])
    check_deletion(by=by, confirmation=confirmation)
    owner = By(actor=by.user, ip=ip)
    record(tenant.audited, "tenant.delete", **owner)
    _suspend(tenant, now, owner)
    _end_memberships(tenant, owner)
    Tenant.objects.filter(id=tenant.id).update(erasure_due_at=now)
    transaction.on_commit(partial(ring, TASK))


@transaction.atomic
def end_tenant(*, tenant: Tenant, confirmation: str, now: datetime, **by: Unpack[By]) -> None:
    """Like `erase_tenant` without waiting: the tenant is shut at once, and the worker erases it.

    Raises ValidationError if the confirmation is not the tenant's name, and for a tenant that is
    being erased.
    """
    tenant = tenant_for_update(tenant.id)
    _check_name(tenant, confirmation)
    if tenant.erasure_due_at is not None:
        raise ValidationError("The tenant is being erased already.")
    with one_act(tenant.id):
        record(tenant.audited, "tenant.delete", **by)
        _suspend(tenant, now, by)
        _end_memberships(tenant, by)
    Tenant.objects.filter(id=tenant.id).update(erasure_due_at=now)
    transaction.on_commit(partial(ring, TASK))


def _check_name(tenant: Tenant, confirmation: str) -> None:
    if confirmation != tenant.name:
        raise ValidationError("to erase a tenant, its name must be confirmed exactly")


def erase_tenant(*, tenant: Tenant, confirmation: str, now: datetime, **by: Unpack[By]) -> None:
    """Shut a tenant for good and erase all personal data of it. Safe to call again.

    Its keys are revoked and it is suspended at once. Then prompts, tags and images go, then its
    members, its name and its keys' names. Accounting records stay: the ledger, usage, sizes and
    times under the tenant's id; so does the audit log, which is append-only.

    Raises ValidationError if the confirmation is not the tenant's name, and while generations are
    under way or an object cannot be removed. The short-work worker retries; so may the caller.
    """
    _check_name(tenant, confirmation)
    with transaction.atomic(), one_act(tenant.id):
        _suspend(tenant, now, by)
        Tenant.objects.filter(id=tenant.id).update(erasure_due_at=now + LEASE)
    _erase(tenant, now, by)


def erase_due(*, now: datetime) -> int:
    """Erase the tenants whose erasure is due and return how many were. Safe to run concurrently."""
    if not _at_work.acquire(blocking=False):
        return 0
    try:
        erased = 0
        while (tenant := _claim_due(now)) is not None:
            erased += _is_erased(tenant, now)
        return erased
    finally:
        _at_work.release()


def _is_erased(tenant: Tenant, now: datetime) -> bool:
    try:
        _erase(tenant, now, By(actor="erasure"))
    except ValidationError as error:
        logger.warning("%s is not erased yet: %s", tenant.public_id, "; ".join(error.messages))
        Tenant.objects.filter(id=tenant.id).update(erasure_due_at=now + RETRY_AFTER)
        return False
    return True


@transaction.atomic
def _claim_due(now: datetime) -> Tenant | None:
    """Claim a tenant for erasure; it is due again later, should this process die."""
    due = Tenant.objects.select_for_update(skip_locked=True, no_key=True)
    tenant = due.filter(erasure_due_at__lte=now).order_by("erasure_due_at").first()
    if tenant is not None:
        tenant.erasure_due_at = now + LEASE
        tenant.save(update_fields=["erasure_due_at"])
    return tenant


def _erase(tenant: Tenant, now: datetime, by: By) -> None:
    for holding in holdings():
        holding.erase(tenant_id=tenant.id, now=now)
    _make_nameless(tenant, now, by)


def _suspend(tenant: Tenant, now: datetime, by: By) -> None:
    if tenant.status != Tenant.Status.SUSPENDED:
        set_tenant_status(tenant=tenant, status=Tenant.Status.SUSPENDED, **by)
    for key in api_keys_of(tenant.id):
        if key.revoked_at is None:
            revoke_api_key(key=key, now=now, **by)
    end_support_in(tenant=tenant, now=now)


def _end_memberships(tenant: Tenant, by: By) -> None:
    """End all, and mail each member but the actor, and owners whom `one_act` has mailed."""
    members = members_of(tenant.id)
    are_told = as_staff.get() or at_the_shell.get()
    others = [
        member.user.email
        for member in members
        if member.user != by["actor"]
        and member.user.is_active
        and member.user.email_verified_at
        and not (are_told and member.role == Membership.Role.OWNER)
    ]
    words = {"who": SUPPORT if are_told else name_of(by["actor"]), "workspace": tenant.shown_name}
    post_rendered(to=others, template=DELETED, words=words)
    for member in members:
        remove_member(membership=member, **by)
    Invitation.objects.filter(tenant=tenant).delete()
    tenant.member_changes.all().delete()


@transaction.atomic
def _make_nameless(tenant: Tenant, now: datetime, by: By) -> None:
    """Remove the tenant's name, members and key names: the last step of an erasure.

    All steps are repeated a minute later, because a request whose key was read just before the
    tenant was shut may have been admitted after its generations were counted.
    """
    nameless = tenant.nameless
    if tenant.name == nameless:
        Tenant.objects.filter(id=tenant.id).update(erasure_due_at=None)
        return
    with one_act(tenant.id):
        _end_memberships(tenant, by)
        record(tenant.audited, "tenant.erase", **by)
    ApiKey.objects.filter(tenant=tenant).update(name="", ip_ranges=None)
    SupportGrant.objects.filter(tenant=tenant).delete()
    tenant.name, tenant.title, tenant.erasure_due_at = nameless, "", now + RETRY_AFTER
    tenant.save(update_fields=["name", "title", "erasure_due_at"])
