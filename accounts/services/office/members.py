"""People in tenants: roles, invitations and departures.

Functions raise ValidationError, with a message for a person, if a role may not do something or a
tenant would be left without an owner. A tenant's people are changed one at a time.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Unpack

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.locks import tenant_for_update
from accounts.models import ApiKey, AuditEvent, Invitation, Membership, Subject, Tenant, User
from accounts.selectors.office.members import INVITE, UNINVITE, has_active_owner, open_invitations
from accounts.selectors.office.people import has_second_factor
from accounts.services.audit import By, record
from accounts.services.office.api_keys import PLAYGROUND, SIGN_UP_KEY, revoke_api_key
from accounts.services.office.delegation import issue_own_key
from accounts.services.office.owner_mail import one_act
from accounts.services.office.staff_as_members import (
    inviter_of,
    refuse_staff,
    tell_first_owner,
)
from accounts.services.office.tenants import change_columns, refuse_ended

INVITED_FOR = timedelta(days=7)
MAX_INVITATIONS = 50
"""Limits both a tenant's open invitations and those sent in a day: each mails a stranger."""
MAX_TO_ONE = 3
"""The most invitations to one address in a day."""
DAY = timedelta(days=1)


@transaction.atomic
def add_member(
    *, tenant: Tenant, user: User, role: Membership.Role, **by: Unpack[By]
) -> Membership:
    """Make a person a member, or give a member another role.

    Their open invitations that the new role may not make end; see also `begin_with_an_owner`.
    """
    tenant_for_update(tenant.id)
    had_owner = has_active_owner(tenant.id)
    before = Membership.objects.filter(tenant=tenant, user=user).values("role").first()
    membership, _ = Membership.objects.update_or_create(
        tenant=tenant, user=user, defaults={"role": role}
    )
    record(
        Subject("user", str(user.id), tenant.id),
        "member.set",
        before=before,
        after={"role": role.value},
        **by,
    )
    _end_invitations(membership, role, by)
    if not had_owner and has_active_owner(tenant.id):
        begin_with_an_owner(tenant, by)
    return membership


def begin_with_an_owner(tenant: Tenant, by: By) -> None:
    """End staff's open invitations, and tell the first active owner what staff did before."""
    for invitation in Invitation.objects.filter(tenant=tenant, is_of_staff=True):
        _uninvite(invitation, by)
    tell_first_owner(tenant)


@transaction.atomic
def change_role(
    *, membership: Membership, role: Membership.Role, by: Membership, ip: str | None = None
) -> None:
    """Give a member of one's own tenant another role."""
    _lock(by, membership)
    _may(by, membership.role, role)
    if membership.role == Membership.Role.OWNER != role:
        _refuse_last_owner(membership)
    add_member(tenant=membership.tenant, user=membership.user, role=role, actor=by.user, ip=ip)


@transaction.atomic
def change_role_as_operator(
    *, membership: Membership, role: Membership.Role, **by: Unpack[By]
) -> None:
    """Give a member of any tenant another role; nothing is written if nothing changes."""
    _lock_for_operator(membership)
    if membership.role == role:
        return
    refuse_staff(membership.tenant, membership.user.email, by["actor"])
    if membership.role == Membership.Role.OWNER:
        _refuse_last_owner(membership)
    with one_act(membership.tenant_id):
        add_member(tenant=membership.tenant, user=membership.user, role=role, **by)
    membership.role = role


@transaction.atomic
def remove_member(*, membership: Membership, **by: Unpack[By]) -> None:
    """End a membership and the invitations the member made; the person and their work stay."""
    tenant_for_update(membership.tenant_id)
    _end_invitations(membership, None, by)
    record(
        Subject("user", str(membership.user_id), membership.tenant_id),
        "member.remove",
        before={"role": membership.role},
        **by,
    )
    membership.delete()


@transaction.atomic
def dismiss_member(
    *,
    membership: Membership,
    by: Membership,
    heir: User | None,
    now: datetime,
    ip: str | None = None,
) -> None:
    """Remove a member of one's own tenant, or leave it oneself.

    Args:
        membership: the one to end.
        by: the membership of the person who ends it.
        heir: the member who gets their keys; None revokes those keys.
        now: the time at which the keys end.
        ip: the IP address of the person who ends it.
    """
    _lock(by, membership)
    if membership.pk != by.pk:
        _may(by, membership.role)
    _dismiss(membership, heir, now, By(actor=by.user, ip=ip))


@transaction.atomic
def dismiss_member_as_operator(
    *, membership: Membership, heir: User | None, now: datetime, **by: Unpack[By]
) -> None:
    """Remove a member of any tenant; otherwise like `dismiss_member`."""
    _lock_for_operator(membership)
    with one_act(membership.tenant_id):
        _dismiss(membership, heir, now, by)


@transaction.atomic
def leave(*, membership: Membership, now: datetime, **by: Unpack[By]) -> None:
    """End a membership; the keys they made go to the owner who has been there longest, if any."""
    _lock_for_operator(membership)
    owners = Membership.objects.filter(
        tenant_id=membership.tenant_id, role=Membership.Role.OWNER
    ).exclude(pk=membership.pk)
    heir = owners.select_related("user").order_by("created_at").first()
    _dismiss(membership, heir.user if heir else None, now, by)


def _dismiss(membership: Membership, heir: User | None, now: datetime, by: By) -> None:
    if membership.role == Membership.Role.OWNER:
        _refuse_last_owner(membership)
    if (
        heir is not None
        and not Membership.objects.filter(tenant_id=membership.tenant_id, user=heir)
        .exclude(pk=membership.pk)
        .exists()
    ):
        raise ValidationError("Keys can be handed over only to another member.")
    keys = ApiKey.objects.filter(
        tenant_id=membership.tenant_id, created_by=membership.user_id, revoked_at=None
    )
    for key in keys:
        if heir is None:
            revoke_api_key(key=key, now=now, **by)
        else:
            _hand_over(key, heir, by)
    remove_member(membership=membership, **by)


@transaction.atomic
def invite(
    *,
    by: Membership,
    email: str,
    role: Membership.Role,
    now: datetime,
    tell: Callable[[Invitation], None],
    ip: str | None = None,
) -> None:
    """Invite an address to one's own tenant; a further invitation of the same address replaces it.

    `tell` posts the mail in the invitation's transaction, so neither exists without the other.
    """
    _lock(by)
    _may(by, role)
    offered = Invitation(tenant=by.tenant, email=email, role=role, invited_by=by.user)
    _offer(offered, now, tell, By(actor=by.user, ip=ip))


@transaction.atomic
def invite_as_operator(
    *,
    tenant: Tenant,
    email: str,
    role: Membership.Role,
    inviter: User,
    now: datetime,
    tell: Callable[[Invitation], None],
    **by: Unpack[By],
) -> None:
    """Invite an address to any tenant, on behalf of staff; otherwise like `invite`.

    The inviter is staff, also where a command is the actor. Staff invite no address of staff to a
    customer's tenant.
    """
    tenant_for_update(tenant.id)
    refuse_staff(tenant, email, by["actor"])
    offered = Invitation(
        tenant=tenant, email=email, role=role, invited_by=inviter, is_of_staff=True
    )
    _offer(offered, now, tell, by)


def _offer(
    invitation: Invitation, now: datetime, tell: Callable[[Invitation], None], by: By
) -> None:
    tenant, email = invitation.tenant, User.normalize_username(invitation.email)
    refuse_ended(tenant.id)
    if Membership.objects.filter(tenant=tenant, user__email=email).exists():
        raise ValidationError({"email": "That person is a member already."})
    _refuse_many_mails(tenant, email, now)
    Invitation.objects.filter(tenant=tenant, email=email).delete()
    if Invitation.objects.filter(tenant=tenant, expires_at__gt=now).count() >= MAX_INVITATIONS:
        raise ValidationError(f"{MAX_INVITATIONS} invitations are open: cancel one first.")
    invitation.email, invitation.expires_at = email, now + INVITED_FOR
    invitation.full_clean()
    invitation.save(force_insert=True)
    record(invitation.audited, INVITE, after=_describe(invitation), **by)
    tell(invitation)


@transaction.atomic
def cancel_invitation(*, invitation: Invitation, by: Membership, ip: str | None = None) -> None:
    """Cancel an invitation: its link stops working."""
    _lock(by)
    _may(by, invitation.role)
    _uninvite(invitation, By(actor=by.user, ip=ip))


@transaction.atomic
def cancel_invitation_as_operator(*, invitation: Invitation, **by: Unpack[By]) -> None:
    """Cancel an invitation to any tenant. Raises ValidationError if it is gone already."""
    tenant_for_update(invitation.tenant_id)
    if not Invitation.objects.filter(pk=invitation.pk).exists():
        raise ValidationError("That invitation is no longer open.")
    _uninvite(invitation, by)


def _uninvite(invitation: Invitation, by: By) -> None:
    record(invitation.audited, UNINVITE, after=_describe(invitation), **by)
    invitation.delete()


@transaction.atomic
def accept_invitation(
    *, invitation: Invitation, user: User, now: datetime, ip: str | None = None
) -> Membership:
    """Make the invited person a member. The address must be their own, and verified.

    Developers, who see only their own keys, get one for the playground, as a new owner does.
    The inviter must still be allowed to invite. Staff, even if they became staff since, accept no
    invitation of staff's to a customer's tenant, unless it was made at the shell.
    """
    tenant_for_update(invitation.tenant_id)
    open_one = open_invitations(now).filter(pk=invitation.pk).first()
    if open_one is None:
        raise ValidationError("This invitation is no longer open: ask for another one.")
    if user.email != open_one.email or user.email_verified_at is None:
        raise ValidationError(f"This invitation is for {open_one.email}.")
    tenant, role = open_one.tenant, Membership.Role(open_one.role)
    if open_one.is_of_staff:
        refuse_staff(tenant, user.email, inviter_of(open_one))
    open_one.delete()
    known = Membership.objects.filter(tenant=tenant, user=user).first()
    if known is not None:
        return known
    membership = add_member(tenant=tenant, user=user, role=role, actor=user, ip=ip)
    if role == Membership.Role.DEVELOPER:
        with suppress(ValidationError):  # too many keys, or theirs were limited before they left
            issue_own_key(
                tenant=tenant, name=SIGN_UP_KEY, rules=PLAYGROUND, is_test=False, actor=user, ip=ip
            )
    return membership


def hide_start(*, by: Membership) -> None:
    """Show this member the first steps in the workspace no more."""
    Membership.objects.filter(pk=by.pk).update(hides_start=True)


@transaction.atomic
def require_second_factor(*, by: Membership, is_required: bool, ip: str | None = None) -> None:
    """Require a second factor of all members of one's own tenant, or stop requiring it.

    A member who requires it must have one, so they do not lock themselves and everyone out.
    """
    _lock(by)
    _may(by)
    if is_required and not has_second_factor(by.user_id):
        raise ValidationError("Set up a second factor for yourself first.")
    change_columns(
        tenant=by.tenant,
        action="tenant.second_factor",
        columns={"requires_second_factor": is_required},
        actor=by.user,
        ip=ip,
    )


def _lock(by: Membership, other: Membership | None = None) -> None:
    """Lock the tenant's people and reload the memberships. Raises ValidationError if one ended."""
    tenant_for_update(by.tenant_id)
    for membership, whoever in ((by, "You are"), (other, "That person is")):
        try:
            if membership is not None:
                membership.refresh_from_db(fields=["role"])
        except Membership.DoesNotExist:
            raise ValidationError(f"{whoever} no longer a member.") from None


def _lock_for_operator(membership: Membership) -> None:
    """Like `_lock`, for an operator who is not a member."""
    tenant_for_update(membership.tenant_id)
    try:
        membership.refresh_from_db(fields=["role"])
    except Membership.DoesNotExist:
        raise ValidationError("That person is no longer a member.") from None


def roles_under(role: str) -> frozenset[str]:
    """The roles that this role may give and take: owners all, admins all except owner."""
    every = frozenset(Membership.Role.values)
    own = {Membership.Role.OWNER: every, Membership.Role.ADMIN: every - {Membership.Role.OWNER}}
    return own.get(Membership.Role(role), frozenset())


def _may(by: Membership, *roles: str) -> None:
    """Raise ValidationError unless the role may: owners all, admins all but owners' matters."""
    under = roles_under(by.role)
    if not under:
        raise ValidationError("Only owners and admins can do this.")
    if not under.issuperset(roles):
        raise ValidationError("Only an owner can add, change or remove owners.")


def _end_invitations(membership: Membership, role: Membership.Role | None, by: By) -> None:
    """End the member's invitations that a member with this role (None: no member) may not make."""
    invitations = Invitation.objects.filter(
        tenant_id=membership.tenant_id, invited_by_id=membership.user_id
    )
    if role == Membership.Role.OWNER:
        return
    if role == Membership.Role.ADMIN:
        invitations = invitations.filter(role=Membership.Role.OWNER)
    for invitation in invitations:
        _uninvite(invitation, by)


def _refuse_last_owner(membership: Membership) -> None:
    others = Membership.objects.filter(
        tenant_id=membership.tenant_id, role=Membership.Role.OWNER
    ).exclude(pk=membership.pk)
    if not others.exists():
        raise ValidationError("A workspace needs an owner: make another member an owner first.")


def _hand_over(key: ApiKey, heir: User, by: By) -> None:
    """Make the heir the key's maker; a budget that comes with it they may only lower."""
    maker, before = key.created_by, {"created_by": str(key.created_by)}
    key.created_by = heir
    has_budget = key.budget_day_micros is not None or key.budget_month_micros is not None
    if has_budget and key.limited_by is None and by["actor"] != heir:
        key.limited_by = by["actor"] if isinstance(by["actor"], User) else maker
    key.save(update_fields=["created_by", "limited_by"])
    record(key.audited, "api_key.hand_over", before=before, after={"created_by": str(heir)}, **by)


def _refuse_many_mails(tenant: Tenant, email: str, now: datetime) -> None:
    """Count all invitations sent: canceled and replaced ones were mailed, too."""
    sent = AuditEvent.objects.filter(tenant=tenant, action=INVITE, at__gt=now - DAY)
    if sent.count() >= MAX_INVITATIONS:
        raise ValidationError(f"{MAX_INVITATIONS} invitations were sent within a day: wait a day.")
    if sent.filter(after__email=email).count() >= MAX_TO_ONE:
        message = f"{MAX_TO_ONE} invitations were sent to this address within a day: wait a day."
        raise ValidationError({"email": message})


def _describe(invitation: Invitation) -> dict[str, str]:
    return {"email": invitation.email, "role": invitation.role}
