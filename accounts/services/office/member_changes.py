"""Staff's changes of a tenant's people: they wait for another of staff and a day, or for an owner.

Functions raise ValidationError, with a message for a person. A tenant's people are changed one at a
time, so each change is decided, and made, once.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Unpack
from urllib.parse import urljoin
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from accounts.audit_log import support_name
from accounts.locks import tenant_for_update, user_for_update
from accounts.mailboxes import any_mailbox_of
from accounts.models import MemberChange, Membership, Tenant, User
from accounts.selectors.office.members import (
    emails_of_owners,
    has_active_owner,
    invitations_of,
    waiting_member_changes,
)
from accounts.selectors.office.people import was_staff_at
from accounts.services.audit import By, as_staff, record
from accounts.services.office.invitations import post_invitation
from accounts.services.office.mail import post_rendered
from accounts.services.office.members import (
    cancel_invitation_as_operator,
    change_role_as_operator,
    dismiss_member_as_operator,
    invite_as_operator,
)
from accounts.services.office.owner_mail import one_act
from accounts.services.office.staff_as_members import refuse_staff

EFFECT_AFTER = timedelta(hours=24)
"""The time between the approval of a change and the change: owners may refuse it until then."""
MAIL = "account/email/member_change"


@transaction.atomic
def ask_member_change(
    *,
    tenant: Tenant,
    email: str,
    before: str,
    role: str,
    now: datetime,
    site: str,
    heir: User | None = None,
    **by: Unpack[By],
) -> MemberChange | None:
    """Change a tenant's people for staff, at once; if it has an active owner, return what waits.

    `before` and `role` are a member's, or "" for none: "" to a role invites, and "" to "" cancels
    an invitation. `heir` gets the keys of who is removed; without one they are revoked. `site` is
    the address of this site. What is impossible now is refused. A command's is made at once.
    """
    tenant_for_update(tenant.id)
    email = User.normalize_username(email)
    change = MemberChange(
        tenant=tenant, email=email, before=before, role=role, heir=heir, site=site, asked_at=now
    )
    if not isinstance(by["actor"], User):
        _make_as_staff(change, now, by)
        return None
    change.asked_by = by["actor"]
    if not has_active_owner(tenant.id):
        _make(change, now, by.get("ip"))
        return None
    if role and role == before:
        raise ValidationError(f"{email} has this role already.")
    if waiting_member_changes(now, tenant_id=tenant.id).filter(email=email).exists():
        raise ValidationError(f"A change for {email} waits already: withdraw it first.")
    MemberChange.objects.filter(tenant=tenant, email=email).delete()  # one that nobody approved
    point = transaction.savepoint()
    try:
        _make(change, now, by.get("ip"))
    finally:
        transaction.savepoint_rollback(point)
    change.save(force_insert=True)
    _record(change, "member.ask", by)
    _tell_owners(change)
    return change


@transaction.atomic
def decide_member_change(
    *,
    change_id: UUID,
    decision: str,
    actor: User,
    now: datetime,
    tenant_id: UUID | None = None,
    ip: str | None = None,
) -> MemberChange:
    """Decide a change: "approve" or "withdraw" it for staff, "agree" or "refuse" as an owner.

    With `tenant_id` it must be of that tenant. An approved change is made in 24 hours; one that an
    owner agrees to is made at once, approved or not.
    """
    change = _waiting(change_id, now, tenant_id)
    _record(change, f"member.{decision}", By(actor=actor, ip=ip))
    if decision == "approve":
        _approve(change, actor, now)
        return change
    if decision == "agree":
        _make(change, now)
    change.delete()
    return change


def make_due_member_changes(*, now: datetime) -> None:
    """Make the changes whose time has come. One that is impossible by now ends.

    Those that nobody approved in time are forgotten. Safe to run concurrently, and again after a
    process that died.
    """
    MemberChange.objects.exclude(id__in=waiting_member_changes(now).values("id")).delete()
    for due in waiting_member_changes(now).filter(takes_effect_at__lte=now):
        _make_due(due, now)


@transaction.atomic
def _make_due(due: MemberChange, now: datetime) -> None:
    tenant_for_update(due.tenant_id)
    for change in waiting_member_changes(now).filter(id=due.id):  # not decided since it was read
        try:
            with transaction.atomic():
                _make(change, now)
        except ValidationError as error:
            why = " ".join(error.messages)
            _record(change, "member.lapse", By(actor="member changes"), is_of_staff=True, why=why)
        change.delete()


def _waiting(change_id: UUID, now: datetime, tenant_id: UUID | None) -> MemberChange:
    """Return a waiting change, its tenant's people locked."""
    waiting = waiting_member_changes(now, tenant_id=tenant_id).filter(id=change_id)
    for known in waiting:
        tenant_for_update(known.tenant_id)
    for change in waiting.all():
        return change
    raise ValidationError("This change no longer waits: it was made, refused or withdrawn.")


def _approve(change: MemberChange, actor: User, now: datetime) -> None:
    if any_mailbox_of(change.asked_by.email) == any_mailbox_of(actor.email):
        raise ValidationError("Somebody other than the person who asked has to approve it.")
    if not was_staff_at(actor, change.asked_at):
        raise ValidationError("Somebody who was staff when it was asked for has to approve it.")
    if user_for_update(actor.id).staff_role != actor.staff_role:
        raise ValidationError("Your role has just been changed.")
    if change.approved_by is not None:
        raise ValidationError(f"{change.approved_by} has approved it already.")
    change.approved_by, change.takes_effect_at = actor, now + EFFECT_AFTER
    change.save(update_fields=["approved_by", "takes_effect_at"])
    _tell_owners(change)


def _make(change: MemberChange, now: datetime, ip: str | None = None) -> None:
    """Make the change as staff who asked for it, whoever agreed, in a worker too.

    Raises ValidationError if it is impossible by now.
    """
    if change.heir is not None:
        refuse_staff(change.tenant, change.heir.email, change.asked_by)
    staffs = as_staff.set(True)
    try:
        with one_act(change.tenant_id):
            _make_as_staff(change, now, By(actor=change.asked_by, ip=ip))
    finally:
        as_staff.reset(staffs)


def _make_as_staff(change: MemberChange, now: datetime, by: By) -> None:
    tenant = change.tenant
    if change.before:
        known = Membership.objects.filter(tenant=tenant, user__email=change.email)
        member = known.filter(role=change.before).first()
        if member is None:
            raise ValidationError(f"{change.email} is no longer {change.before}: ask again.")
        if change.role:
            change_role_as_operator(membership=member, role=Membership.Role(change.role), **by)
        else:
            dismiss_member_as_operator(membership=member, heir=change.heir, now=now, **by)
    elif change.role:
        invite_as_operator(
            tenant=tenant,
            email=change.email,
            role=Membership.Role(change.role),
            inviter=change.asked_by,
            now=now,
            tell=partial(post_invitation, site=change.site),
            **by,
        )
    else:
        invited = {invited.email: invited for invited in invitations_of(tenant.id, now=now)}
        if change.email not in invited:
            raise ValidationError("That invitation is no longer open.")
        cancel_invitation_as_operator(invitation=invited[change.email], **by)


def withdraw_member_changes_of(person: User, **by: Unpack[By]) -> None:
    """Withdraw what a member of staff asked for or approved, as their role ends."""
    for change in MemberChange.objects.filter(Q(asked_by=person) | Q(approved_by=person)):
        _record(change, "member.withdraw", by, is_of_staff=True)
        change.delete()


def _record(
    change: MemberChange, action: str, by: By, *, is_of_staff: bool = False, **more: str
) -> None:
    after = {"what": str(change), **more}
    record(change.audited, action, after=after, is_of_staff=is_of_staff, **by)


def _tell_owners(change: MemberChange) -> None:
    """Mail all owners what staff ask for, and when it takes effect if it is approved."""
    page = reverse("workspace:members", args=[change.tenant.public_id])
    words = {
        "change": change,
        "who": support_name(change.asked_by),
        "workspace": change.tenant.shown_name,
        "url": urljoin(change.site, page),
    }
    post_rendered(to=emails_of_owners([change.tenant_id]), template=MAIL, words=words)
