"""People who sign in: created, changed, signed out, deleted. Audit events hold no passwords."""

from datetime import datetime
from typing import Any, Unpack

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.locks import user_for_update
from accounts.models import Actor, Membership, Subject, Tenant, User
from accounts.selectors.office.members import has_active_owner, members_of, memberships_of
from accounts.services.audit import By, as_staff, at_the_shell, record
from accounts.services.office.members import add_member, begin_with_an_owner


@transaction.atomic
def create_user(
    *, email: str, password: str | None, verified_at: datetime | None = None, **by: Unpack[By]
) -> User:
    """Create a person who signs in with this address, once they have a password.

    If the address is not verified, they are mailed a code first. Raises ValidationError for an
    invalid or known address.
    """
    user = User(email=User.normalize_username(email), email_verified_at=verified_at)
    user.set_password(password)
    user.full_clean()
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:  # created since `full_clean` looked
        raise ValidationError({"email": "A person with this address was made just now."}) from None
    _sync_address(user)
    record(user.audited, "user.create", after=_describe(user), **by)
    return user


@transaction.atomic
def change_person(
    *,
    user: User,
    email: str | None = None,
    name: str | None = None,
    is_active: bool | None = None,
    **by: Unpack[By],
) -> None:
    """Change a person's address, name, or permission to sign in; None leaves a value as it is.

    If the former address was verified, the actor vouches for the new one. A person who may no
    longer sign in is signed out. Raises ValidationError like `create_user`, and to block staff.
    """
    before = _describe(user)
    if is_active is False:
        _refuse_staff(user)
    address = None if email is None else User.normalize_username(email)
    columns_given = {"email": address, "name": name, "is_active": is_active}
    columns = {column: value for column, value in columns_given.items() if value is not None}
    for column, value in columns.items():
        setattr(user, column, value)
    user.full_clean()
    after = _describe(user)
    if after != before:
        record(user.audited, "user.change", before=before, after=after, **by)
        # Before the change, so that the former address is mailed.
        record_in_workspaces(user, "user.change", before=before, after=after, **by)
    tenants = [membership.tenant for membership in memberships_of(user.id)]
    ownerless = [tenant for tenant in tenants if not has_active_owner(tenant.id)]
    user.save(update_fields=list(columns))
    _sync_address(user)
    for tenant in ownerless:
        if has_active_owner(tenant.id):
            begin_with_an_owner(tenant, by)


def record_in_workspaces(user: User, action: str, **event: Any) -> None:
    """Record in each of a person's workspaces what staff or a command did to them."""
    if as_staff.get() or at_the_shell.get():
        for membership in memberships_of(user.id):
            record(Subject("user", str(user.pk), membership.tenant_id), action, **event)


@transaction.atomic
def end_sessions(*, user: User, **by: Unpack[By]) -> None:
    """Sign a person out everywhere; `update_session_auth_hash` keeps the session that asks."""
    user.sessions_ended = user_for_update(user.id).sessions_ended + 1
    user.save(update_fields=["sessions_ended"])
    user.open_sessions.all().delete()
    record(user.audited, "user.sessions_end", **by)


@transaction.atomic
def sign_out(*, user: User, **by: Unpack[By]) -> None:
    """End a person's sessions, also in the log of their workspaces if somebody else does it."""
    end_sessions(user=user, **by)
    record_in_workspaces(user, "user.sessions_end", **by)


@transaction.atomic
def set_password(*, user: User, password: str, actor: Actor) -> None:
    """Give a person a password, which ends their sessions."""
    user.set_password(password)
    user.save(update_fields=["password"])
    record(user.audited, "user.password", actor=actor, after={"usable": True})
    record_in_workspaces(user, "user.password", actor=actor, after={"usable": True})


@transaction.atomic
def delete_user(*, user: User, **by: Unpack[By]) -> None:
    """Delete a person who is not in the audit log; others can only be made inactive.

    Raises ValidationError for staff, and ProtectedError for a person in the audit log.
    """
    _refuse_staff(user)
    record(user.audited, "user.delete", before=_describe(user), **by)
    user.delete()


@transaction.atomic
def seed_operator(
    *, email: str, password: str, tenant: Tenant, actor: Actor, now: datetime
) -> User:
    """Make a person, known or new, an owner among staff and of the tenant, with this password.

    The address counts as verified. Safe to call again. Raises ValidationError for an invalid
    address.
    """
    known = User.objects.filter(email=email.lower()).first()
    user = known or User(email=email.lower())
    role = user.staff_role
    if role != User.StaffRole.OWNER:  # becoming staff ends sessions
        user.sessions_ended += 1
    user.is_active = user.is_staff = user.is_superuser = True
    user.staff_role = User.StaffRole.OWNER
    user.email_verified_at = user.email_verified_at or now
    if known is None or not user.check_password(password):
        user.set_password(password)
    user.terms_version = settings.TERMS_VERSION
    user.full_clean()
    user.save()
    _sync_address(user)
    record(
        Subject("user", str(user.pk), tenant.id),
        "user.seed",
        actor=actor,
        after={"email": user.email, "is_new": known is None},
    )
    if role != user.staff_role:
        after = {"role": user.staff_role}
        record(user.audited, "staff.set", actor=actor, before={"role": role}, after=after)
    roles = {member.user_id: member.role for member in members_of(tenant.id)}
    if roles.get(user.id) != Membership.Role.OWNER:
        add_member(tenant=tenant, user=user, role=Membership.Role.OWNER, actor=actor)
    return user


def _refuse_staff(user: User) -> None:
    if user.staff_role:
        raise ValidationError(f"{user.email} is staff: remove them from staff first.")


def _sync_address(user: User) -> None:
    """Tell allauth whether the address is verified; if not, it asks for a code."""
    from allauth.account.models import EmailAddress  # noqa: PLC0415 - no command waits for it

    verified = user.email_verified_at is not None
    EmailAddress.objects.filter(user=user).exclude(email=user.email).delete()
    EmailAddress.objects.update_or_create(
        user=user, email=user.email, defaults={"verified": verified, "primary": True}
    )


def _describe(user: User) -> dict[str, Any]:
    """A person's values for an audit event."""
    verified = user.email_verified_at
    return {
        "email": user.email,
        "name": user.name,
        "email_verified_at": verified.isoformat() if verified else None,
        "is_active": user.is_active,
        "staff_role": user.staff_role,
    }
